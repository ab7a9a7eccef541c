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
    /// What these runs changed, as far as they kept it; else what they worked on.
    pub changes: Vec<PlanRunChange>,
    /// What shows that the tasks are done: their acceptance commands, and what these runs kept of their tests.
    pub tests: Vec<PlanTest>,
}

/// What a run changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct PlanRunChange {
    pub run_id: i64,
    pub work_item_id: i64,
    /// patch: an artifact has the change. workspace: no artifact has it; `commit` is what the run worked on.
    /// none: neither is known.
    pub kind: String,
    pub artifact_id: Option<i64>,
    /// The artifact's name.
    pub name: Option<String>,
    pub repository: Option<String>,
    /// The commit that the run started from.
    pub commit: Option<String>,
    /// What is there, in words.
    pub message: String,
}

/// A command that shows that a task is done, or what a run's tests said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct PlanTest {
    /// acceptance: a command of a task. report: a summary that a run kept.
    pub kind: String,
    /// The task: `T-3`.
    pub task: Option<String>,
    pub work_item_id: Option<i64>,
    /// What holds when the command succeeds, or the report's name.
    pub text: String,
    pub command: Option<String>,
    pub run_id: Option<i64>,
    pub artifact_id: Option<i64>,
    /// How many test cases the report has.
    pub tests: Option<u64>,
    pub failures: Option<u64>,
    pub errors: Option<u64>,
    pub skipped: Option<u64>,
    /// The test cases that failed, the first of them.
    pub failed: Vec<String>,
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
