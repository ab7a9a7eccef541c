//! Visions, and the files that come with them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A version of a project's vision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Vision {
    pub id: i64,
    pub project_id: i64,
    pub content: String,
    pub created_at: String,
}

/// A vision in plain language.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewVision {
    /// 1 byte to 512 KiB of text.
    #[schema(min_length = 1)]
    pub content: String,
    /// Files that say more: at most 10, of 4 MiB together.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<NewAttachment>,
}

/// A vision for which a project is created.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FirstVision {
    /// The project's name, 1 to 200 characters; the first line of the vision that says something where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 200)]
    pub name: Option<String>,
    /// 1 byte to 512 KiB of text.
    #[schema(min_length = 1)]
    pub content: String,
    /// Files that say more: at most 10, of 4 MiB together.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<NewAttachment>,
}

/// A file that comes with a vision: Markdown, plain text, an OpenAPI description, or a PDF.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAttachment {
    /// The file's name without a folder, such as `notes.md`; its ending tells what it is.
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    /// Its text; or else `content_base64`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// Its bytes in Base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_base64: Option<String>,
}

/// A file of a vision: what was read in it is kept, the file itself is not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Attachment {
    pub id: i64,
    pub vision_id: i64,
    pub name: String,
    pub media_type: String,
    pub size_bytes: i64,
    /// Of the file as it was sent, in hex.
    pub sha256: String,
    /// What was read: a text, or the operations of an API, one on each line.
    pub text: String,
    pub created_at: String,
}
