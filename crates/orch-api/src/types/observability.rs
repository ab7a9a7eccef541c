//! Health, counts, traces, usage.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How the server is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// ok, or degraded.
    #[schema(example = "ok")]
    pub status: String,
    pub version: String,
    pub database: String,
    pub scheduling: String,
    pub connected_agents: usize,
    pub uptime_seconds: f64,
    /// What is wrong, in words.
    pub problems: Vec<String>,
    /// The same with everything that is known of it. Servers before it left it out.
    #[serde(default)]
    pub faults: Vec<Fault>,
}

/// Something that is wrong with the server now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Fault {
    /// database_unreachable, disk_full, clock_off, stuck_outbox, unreadable_row, damaged_log or artifacts_unreachable; others may come.
    #[schema(example = "disk_full")]
    pub kind: String,
    /// In words.
    pub what: String,
    /// When this server first saw it.
    pub since: String,
    /// What to do about it.
    pub remedy: String,
}

/// The answer to a ping.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Pong {
    pub pong: bool,
}

/// Counts of everything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Metrics {
    pub projects: i64,
    pub work_items: i64,
    pub runs: i64,
    pub pending_approvals: i64,
    pub pending_info_requests: i64,
    pub audit_entries: i64,
    pub connected_agents: usize,
    pub runs_by_status: BTreeMap<String, i64>,
    pub queue_by_state: BTreeMap<String, i64>,
    /// Tools of runs that agents had in their caches, since this server started.
    #[serde(default)]
    pub tool_cache_hits: u64,
    /// Tools of runs that agents had to fetch.
    #[serde(default)]
    pub tool_cache_misses: u64,
    /// What reports among artifacts said, since this server started.
    #[serde(default)]
    pub reports: ReportMetrics,
    /// Calls of models since this server started, by model; beyond a hundred models as `other`.
    #[serde(default)]
    pub models: BTreeMap<String, ModelMetrics>,
    /// Micro-dollars that are left of projects' budgets, by the project's id; the first hundred budgets with a hard cap.
    #[serde(default)]
    pub budget_remaining_microusd: BTreeMap<String, i64>,
    /// What calls of models have cost in all, by the project's id; the newest 500 projects that have calls.
    #[serde(default)]
    pub project_costs: BTreeMap<String, CostMetrics>,
    /// The same by the work item's id; the newest 200 work items that have calls.
    #[serde(default)]
    pub work_item_costs: BTreeMap<String, CostMetrics>,
}

/// What calls of models have cost, since there are calls.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CostMetrics {
    pub project_id: i64,
    pub calls: i64,
    /// Calls whose model had no price: what they cost is not known.
    pub unpriced: i64,
    pub cost_microusd: i64,
}

/// What a model was asked and what it cost.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ModelMetrics {
    /// Calls with an answer.
    pub answered: u64,
    /// Calls without one.
    pub failed: u64,
    pub input_tokens: u64,
    pub cached_tokens: u64,
    pub output_tokens: u64,
    pub cost_microusd: u64,
    /// Calls, of both kinds, while the model had no price: what they cost is not known.
    #[serde(default)]
    pub unpriced: u64,
    /// Calls that a budget or a missing tool did not let through; they are none of those above.
    #[serde(default)]
    pub refused: u64,
}

/// Sums of the reports among the artifacts that this server took.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReportMetrics {
    /// Reports: junit, sarif, coverage, cyclonedx, unreadable.
    pub by_format: BTreeMap<String, u64>,
    /// Tests: passed, failed (with errors), skipped.
    pub tests: BTreeMap<String, u64>,
    /// Lines of coverage reports: covered, missed.
    pub lines: BTreeMap<String, u64>,
    /// Findings: error, warning, note, none.
    pub findings: BTreeMap<String, u64>,
    /// Components of bills of materials.
    pub components: u64,
    /// Vulnerabilities that they name.
    pub vulnerabilities: u64,
}

/// A recent run and its trace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Trace {
    pub run_id: i64,
    pub trace_id: String,
    pub work_item_id: i64,
    pub status: String,
    pub created_at: String,
    pub started_at: Option<String>,
    pub finished_at: Option<String>,
    pub duration_seconds: Option<f64>,
}

/// What a project has used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Usage {
    pub project_id: i64,
    pub name: String,
    pub max_runs_per_day: Option<u32>,
    pub runs_today: u32,
    pub window_start: String,
    pub runs_by_status: BTreeMap<String, i64>,
    pub input_tokens: i64,
    pub cached_input_tokens: i64,
    pub output_tokens: i64,
}
