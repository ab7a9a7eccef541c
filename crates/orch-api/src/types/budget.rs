//! What may be spent on models. Amounts are micro-dollars: 5000000 is $5.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A budget and how it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Budget {
    pub project_id: i64,
    /// `project`, `plan`, `work_item` or `run`.
    pub scope: String,
    pub scope_id: i64,
    /// Nothing is asked that could exceed this.
    pub hard_cap_microusd: Option<u64>,
    /// Passing this is told once.
    pub soft_cap_microusd: Option<u64>,
    /// `total`, or `month` (calendar months, UTC).
    pub period: String,
    /// Settled in this period.
    pub spent_microusd: u64,
    /// Set aside for calls under way.
    pub reserved_microusd: u64,
    /// What may still be set aside; none without a hard cap.
    pub remaining_microusd: Option<u64>,
    pub soft_cap_reached: bool,
    pub version: i64,
    pub updated_at: String,
    pub updated_by: String,
}

/// The budgets of a project and of what is in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Budgets {
    pub project_id: i64,
    /// The project's own first; at most 500.
    pub budgets: Vec<Budget>,
}

/// A budget as it is set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetBudget {
    /// `project` (where it is left out), `plan`, `work_item` or `run`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// Which plan, work item or run of the project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope_id: Option<i64>,
    /// Nothing is asked that could exceed this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = 5_000_000)]
    pub hard_cap_microusd: Option<u64>,
    /// Passing this is told once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = 4_000_000)]
    pub soft_cap_microusd: Option<u64>,
    /// `total` (where it is left out) or `month`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period: Option<String>,
}
