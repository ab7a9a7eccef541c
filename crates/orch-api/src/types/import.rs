//! Existing code that a project begins with: imports, and what was found in them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::project::Repository;

/// What to import: an archive, another repository, or else the project's own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewImport {
    /// A branch, a tag or a full commit of the project's repository; what the project says where it is
    /// absent.
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 200)]
    pub reference: Option<String>,
    /// A repository that becomes the project's once it is imported. Where it is the project's already and
    /// names no `ref`, that stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<Repository>,
    /// A source archive, instead of a repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archive: Option<SourceArchive>,
}

/// A source archive: `.tar`, `.tar.gz`, `.tar.xz`, `.tar.zst` or `.zip`, of 24 MiB at most.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceArchive {
    /// The file's name without a folder.
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    /// Its bytes in Base64.
    pub content_base64: String,
}

/// Where imported code came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ImportSource {
    Repository,
    Archive,
}

/// An import. The code itself is not kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Import {
    pub id: i64,
    pub project_id: i64,
    pub source: ImportSource,
    /// The repository's address, or the archive's name.
    pub name: String,
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The commit that was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// Of the archive as it was sent, in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    pub created_by: String,
    pub created_at: String,
    /// What was found, with the file and line that says so; absent in lists. It names its `version`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub survey: Option<serde_json::Value>,
}
