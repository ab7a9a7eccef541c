//! What changed between versions, what a change of the requirements touches, and what waits for what.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What changed from one version to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanDifference {
    /// The older version's id.
    pub from: i64,
    /// The newer version's id.
    pub to: i64,
    pub added: Vec<PlanNamed>,
    pub removed: Vec<PlanNamed>,
    pub changed: Vec<PlanChange>,
    pub dependencies_added: Vec<PlanDependency>,
    pub dependencies_removed: Vec<PlanDependency>,
}

/// An epic, a story or a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanNamed {
    pub id: String,
    pub title: String,
}

/// What changed of a task, a story or an epic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanChange {
    pub id: String,
    pub fields: Vec<PlanFieldChange>,
}

/// A field before and after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanFieldChange {
    pub field: String,
    pub before: serde_json::Value,
    pub after: serde_json::Value,
}

/// `task` waits for `on`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanDependency {
    pub task: String,
    pub on: String,
}

/// What a change of the requirements touches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanImpact {
    /// The plan that is looked at.
    pub plan_id: i64,
    /// The older version of the requirements.
    pub from: i64,
    /// The newer one.
    pub to: i64,
    pub added: Vec<String>,
    pub changed: Vec<String>,
    pub removed: Vec<String>,
    /// Those of the newer version that no task serves yet.
    pub unserved: Vec<String>,
    pub tasks: Vec<PlanTouched>,
    pub work_items: Vec<i64>,
    pub runs: Vec<PlanRun>,
    /// Changes of code: none are known to the platform yet.
    pub changes: Vec<i64>,
    /// Tests that run for the requirements: none are known to the platform yet.
    pub tests: Vec<String>,
}

/// A task that is touched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanTouched {
    pub id: String,
    pub title: String,
    /// The requirements through which it is; empty where it only waits for tasks that are.
    pub requirements: Vec<String>,
    /// Whether it only comes after tasks that are touched.
    pub downstream: bool,
    pub work_item_id: Option<i64>,
    pub state: String,
}

/// A run of a work item that is touched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanRun {
    pub id: i64,
    pub work_item_id: i64,
    pub status: String,
}

/// The tasks and what waits for what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanGraph {
    pub plan_id: i64,
    pub nodes: Vec<PlanNode>,
    pub edges: Vec<PlanDependency>,
}

/// A task of the graph.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanNode {
    pub id: String,
    pub title: String,
    pub state: String,
    /// Whether it stands on the chain that takes longest.
    pub critical: bool,
}
