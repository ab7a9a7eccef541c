//! Roles that hold in a project, and what they remember there.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A role as it holds in a project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProjectRole {
    /// As requests name it, such as `test_generator`.
    pub name: String,
    pub title: String,
    pub about: String,
    /// built_in, folder (the operator's) or project.
    pub origin: String,
    /// text or json.
    pub output: String,
    /// What its template sees.
    pub inputs: Vec<String>,
    pub tools: Vec<String>,
    /// The model that it asks; none where none is set.
    pub model: Option<String>,
    /// Why a project's role cannot be used any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// The file of a project's role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_by: Option<String>,
}

/// A role's file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetProjectRole {
    /// The file as `ORCH_ROLES` has it: head, standing instructions, what is asked; up to 64 KiB.
    #[schema(min_length = 1, max_length = 65536)]
    pub content: String,
}

/// What a role remembers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RoleNote {
    pub id: i64,
    pub project_id: i64,
    pub role: String,
    pub content: String,
    /// person or role.
    pub origin: String,
    pub author: String,
    pub created_at: String,
}

/// What a role shall remember.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRoleNote {
    /// 1 to 1000 characters.
    #[schema(min_length = 1, max_length = 1000)]
    pub content: String,
}
