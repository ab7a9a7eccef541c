//! Proposed requirements.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A version of the requirements.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Requirements {
    pub id: i64,
    pub project_id: i64,
    pub vision_id: i64,
    pub status: RequirementsStatus,
    /// Markdown under the title "Proposed Requirements".
    pub draft: String,
    pub items: Vec<RequirementItem>,
    pub created_at: String,
    pub approved_at: Option<String>,
    pub approved_by: Option<String>,
}

/// Where a version stands; an approved or proposed one is superseded by the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum RequirementsStatus {
    Proposed,
    Approved,
    Superseded,
}

/// One requirement, with the sentence that it came from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RequirementItem {
    /// Stable: it depends on its own sentence alone.
    pub id: String,
    /// goal, scope, out_of_scope, constraint, non_functional, success_criterion, open_question.
    pub kind: String,
    pub text: String,
    pub source: RequirementSource,
}

/// A sentence of the vision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RequirementSource {
    pub sentence: String,
    /// Its number, from 0.
    pub index: usize,
    /// Its byte range in the vision.
    pub start: usize,
    pub end: usize,
}
