//! Approvals.

use orch_core::approval::Status;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A decision asked of a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Approval {
    pub id: i64,
    pub work_item_id: i64,
    /// Set where the steps planned in a run are approved.
    pub run_id: Option<i64>,
    /// pending, approved, denied or expired.
    #[schema(value_type = String, example = "pending")]
    pub status: Status,
    pub reason: Option<String>,
    /// SHA-256 of exactly what is approved.
    pub digest: String,
    /// The steps that would run, where planned steps are approved: commands, or objects with `run`,
    /// `env`, `timeout` and `cwd`.
    #[serde(default)]
    #[schema(value_type = Option<Vec<Object>>)]
    pub planned_steps: Option<Vec<serde_json::Value>>,
    pub created_at: String,
    pub decided_at: Option<String>,
    pub decided_by: Option<String>,
    pub decision_reason: Option<String>,
    /// The queue entry that has used it up.
    pub used_by_entry_id: Option<i64>,
}

/// Why an approval is asked for, or how it was decided. May be left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReasonBody {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 2000)]
    pub reason: Option<String>,
}

/// How the one pending approval of a run is decided. May be left out: it approves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DecideRun {
    /// `false` denies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approve: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 2000)]
    pub reason: Option<String>,
}
