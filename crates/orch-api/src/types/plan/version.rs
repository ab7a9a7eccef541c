//! Plans: a version with its epics, stories and tasks, where its work stands, and what persons do to it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::types::requirements::ProposedBy;

/// A version of a project's plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Plan {
    #[serde(flatten)]
    pub version: PlanVersion,
    pub epics: Vec<PlanEpic>,
    pub stories: Vec<PlanStory>,
    pub tasks: Vec<PlanTask>,
    /// What is wrong with it; blocking ones forbid its approval.
    pub faults: Vec<PlanFault>,
    /// What is left, in order and in time; absent where the tasks wait for each other in a circle.
    pub schedule: Option<PlanSchedule>,
    pub progress: PlanProgress,
    /// Whether tasks of this approved version failed for good: `failed` names them.
    pub needs_replan: bool,
    pub failed: Vec<String>,
    /// Whether the requirements that it serves are no longer those that are approved.
    pub requirements_changed: bool,
    /// Requirements that ask for work, but not in the first version.
    #[serde(default)]
    pub later: Vec<PlanLater>,
    /// Who made the proposal that this version stands on.
    #[serde(default)]
    pub by: ProposedBy,
    /// What was left out of a model's answer or changed in it, and what rules found when they made this version.
    #[serde(default)]
    pub notes: Vec<String>,
    /// Whether the project has no repository: each run then begins in an empty folder, and what one task makes
    /// does not reach the next.
    #[serde(default)]
    pub without_repository: bool,
    /// Tools and capabilities that open tasks name and no connected agent tells of; empty where none is connected.
    #[serde(default)]
    pub not_offered: Vec<String>,
}

/// A requirement that waits for a later version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanLater {
    /// `R-12`.
    pub id: String,
    pub text: String,
    /// Why it is not in the first version.
    pub reason: String,
}

/// A version without its content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanVersion {
    pub id: i64,
    pub project_id: i64,
    /// The version of the requirements that it serves.
    pub requirements_id: i64,
    /// The version that this one was made from.
    pub parent_id: Option<i64>,
    pub status: PlanStatus,
    pub author: String,
    /// Why it was made anew or edited.
    pub reason: Option<String>,
    /// SHA-256 of its content: what an approval binds.
    pub digest: String,
    pub task_count: i64,
    pub created_at: String,
    pub approved_at: Option<String>,
    pub approved_by: Option<String>,
}

/// Where a version stands; an approved or proposed one is superseded by the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum PlanStatus {
    Proposed,
    Approved,
    Superseded,
}

/// A part of the product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanEpic {
    /// `E-1`: stays over versions, and is never given twice.
    pub id: String,
    pub title: String,
    pub requirements: Vec<String>,
}

/// What somebody gets from a part of the product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanStory {
    /// `S-1`.
    pub id: String,
    /// `E-1`.
    pub epic: String,
    pub title: String,
    pub requirements: Vec<String>,
    #[serde(default)]
    pub acceptance: Vec<PlanCriterion>,
}

/// A piece of work, which becomes a work item when the version is approved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanTask {
    /// `T-1`.
    pub id: String,
    /// `S-1`.
    pub story: String,
    pub title: String,
    #[serde(default)]
    pub description: String,
    /// story, task, spike, test, infra.
    pub kind: String,
    #[serde(default)]
    pub role: String,
    #[serde(default)]
    pub capabilities: Vec<String>,
    #[serde(default)]
    pub tools: Vec<String>,
    /// The requirements that it serves: `R-12`.
    #[serde(default)]
    pub requirements: Vec<String>,
    #[serde(default)]
    pub acceptance: Vec<PlanCriterion>,
    /// The tasks that must be done before.
    #[serde(default)]
    pub depends_on: Vec<String>,
    pub estimate: PlanEstimate,
    /// rules, model, person.
    #[serde(default)]
    pub origin: String,
    /// Whether a person changed it.
    #[serde(default)]
    pub edited: bool,
    /// The item that does it.
    #[serde(default)]
    pub work_item_id: Option<i64>,
    /// planned (no item yet), waiting, ready, running, failed, stopped (taken out of the queue), cancelled, done.
    #[serde(default)]
    pub state: String,
    /// The newest run.
    #[serde(default)]
    pub run_id: Option<i64>,
    /// Why it is not running, while it is queued.
    #[serde(default)]
    pub why: Vec<String>,
    /// Whether its work item waits, or will wait, for an approval of its own besides the plan's.
    #[serde(default)]
    pub needs_approval: bool,
}

/// What has to hold when a task is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanCriterion {
    pub text: String,
    /// What can be run to see it: exit code 0 says that it holds.
    #[serde(default)]
    pub command: Option<String>,
}

/// Minutes of work: at best, most likely, at worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanEstimate {
    pub low_minutes: u32,
    pub likely_minutes: u32,
    pub high_minutes: u32,
}

/// Something that is wrong with a version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanFault {
    /// cycle, unknown_task, unserved, …
    pub kind: String,
    pub message: String,
    /// Whether it forbids approval.
    pub blocking: bool,
}

/// How far the work is, counted in tasks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanProgress {
    pub total: usize,
    pub done: usize,
    pub running: usize,
    pub ready: usize,
    pub waiting: usize,
    pub failed: usize,
    pub cancelled: usize,
    /// Taken out of the queue by a person.
    pub stopped: usize,
    /// Without a work item.
    pub planned: usize,
}

/// The work that is left, in order and in time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanSchedule {
    /// The chain of tasks that takes longest, by their likely minutes.
    pub critical_path: Vec<String>,
    pub critical_minutes: u64,
    /// What may be done at the same time, one group after the other.
    pub waves: Vec<Vec<String>>,
    pub tasks: Vec<PlanTimed>,
    /// All likely minutes that are left.
    pub work_minutes: u64,
    /// How long it takes if nothing waits for a free worker.
    pub eta: PlanBands,
    /// The same with a number of workers.
    pub with_workers: Vec<PlanWorkers>,
    /// What the bands rest on.
    pub basis: PlanBasis,
}

/// When a task can begin and end, in likely minutes from now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanTimed {
    pub id: String,
    pub earliest_start: u64,
    pub earliest_finish: u64,
    /// How much later it may end without delaying the whole.
    pub slack_minutes: u64,
    /// Whether it stands on the chain that takes longest.
    pub critical: bool,
    pub done: bool,
}

/// Minutes that are enough in half, in 80 % and in 95 % of cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanBands {
    pub p50: u64,
    pub p80: u64,
    pub p95: u64,
}

/// How long it takes with so many workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanWorkers {
    pub workers: usize,
    pub eta: PlanBands,
}

/// What the bands rest on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanBasis {
    /// Tasks whose length is taken from their estimate.
    pub from_estimates: usize,
    /// Tasks whose length is taken from finished work.
    pub from_history: usize,
    /// The finished work that counts.
    pub groups: Vec<PlanGroup>,
}

/// Finished work of one role and kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanGroup {
    pub role: String,
    pub kind: String,
    /// Finished tasks.
    pub count: usize,
    /// What they took on average, in percent of their likely minutes.
    pub mean_percent: u64,
}

/// Who makes the breakdown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProposePlan {
    /// By a model where one is configured, else by rules.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<ProposedBy>,
}

/// A plan made anew because work failed, or for what people say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Replan {
    /// Why, in 1 to 1000 characters.
    #[schema(min_length = 1)]
    pub reason: String,
    /// Tasks that failed; those that the plan knows to have failed where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<Vec<String>>,
    /// By a model where one is configured, else by rules.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<ProposedBy>,
}

/// What is approved.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApprovePlan {
    /// The digest that was read; where the version's is another, nothing is approved (409). Needed, here or in
    /// `If-Match`, where the version is not named by its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

/// What an approval did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ApprovedPlan {
    #[serde(flatten)]
    pub plan: Plan,
    /// Work items that were made.
    pub created: Vec<i64>,
    /// Work items that say something else now.
    pub rewritten: Vec<i64>,
    /// Work items of tasks that are gone.
    pub cancelled: Vec<i64>,
}
