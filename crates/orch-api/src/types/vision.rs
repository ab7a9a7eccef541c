//! Visions.

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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewVision {
    /// 1 byte to 512 KiB of text.
    #[schema(min_length = 1)]
    pub content: String,
}
