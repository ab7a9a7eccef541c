//! What persons do to a version: edits, all of them or none.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::PlanCriterion;

/// Edits that make a new version: all of them, or none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EditPlan {
    /// 1 to 1000.
    #[schema(min_items = 1, max_items = 1000)]
    pub edits: Vec<PlanEdit>,
    /// Why, in up to 1000 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// One edit; `op` says which of the other members it needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanEdit {
    pub op: PlanEditOp,
    /// What is changed, named, estimated or removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The task that waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// What it waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epic: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub story: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// story, task, spike, test, infra.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Of a new task: `developer`, where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tools: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requirements: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acceptance: Option<Vec<PlanCriterion>>,
    /// Of a new task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub depends_on: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub low_minutes: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub likely_minutes: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high_minutes: Option<u32>,
}

impl PlanEdit {
    /// An edit of this sort that names nothing yet.
    #[must_use]
    pub const fn new(op: PlanEditOp) -> Self {
        Self {
            op,
            id: None,
            task: None,
            on: None,
            epic: None,
            story: None,
            title: None,
            description: None,
            kind: None,
            role: None,
            capabilities: None,
            tools: None,
            requirements: None,
            acceptance: None,
            depends_on: None,
            low_minutes: None,
            likely_minutes: None,
            high_minutes: None,
        }
    }
}

/// What an edit does, and what it needs besides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PlanEditOp {
    /// title
    AddEpic,
    /// epic, title
    AddStory,
    /// story, title
    AddTask,
    /// id, and what is to change
    ChangeTask,
    /// id; what waited for it waits for what it waited for
    RemoveTask,
    /// task, on
    AddDependency,
    /// task, on
    RemoveDependency,
    /// id, `low_minutes`, `likely_minutes`, `high_minutes`
    SetEstimate,
    /// id, title
    RenameEpic,
    /// id, title
    RenameStory,
}
