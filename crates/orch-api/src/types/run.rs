//! Runs: holding, steps, artifacts, summaries.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::model::CostLine;

/// One attempt of a work item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Run {
    pub id: i64,
    pub work_item_id: i64,
    pub project_id: i64,
    pub queue_entry_id: i64,
    /// running, waiting, succeeded, failed, cancelled or lost.
    #[schema(example = "running")]
    pub status: String,
    /// From 1.
    pub attempt: u32,
    /// `null` until an agent takes it.
    pub claimed_by: Option<String>,
    /// Goes up with every claim.
    pub epoch: u64,
    pub trace_id: String,
    /// SHA-256 of what it runs.
    pub digest: String,
    /// The repository that it works on, once its commit is known.
    #[serde(default)]
    pub repository: Option<String>,
    /// The commit that it works on.
    #[serde(default)]
    pub commit: Option<String>,
    pub created_at: String,
    /// When it was started.
    pub started_at: Option<String>,
    pub finished_at: Option<String>,
    pub duration_seconds: Option<f64>,
    pub exit_code: Option<i32>,
    /// Why it ended, where there is something to say.
    pub reason: Option<String>,
    /// What the platform read in its artifacts; shown of a single run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reports: Vec<Report>,
    /// What models have cost for it, by model; shown of a single run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub costs: Vec<CostLine>,
    /// Declared files that were not kept; shown of a single run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub artifacts_omitted: Vec<OmittedArtifact>,
}

/// What the platform read in an artifact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Report {
    pub artifact_id: i64,
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<i64>,
    /// A `format` (junit, sarif, coverage, cyclonedx), and the sums of it.
    pub report: Map<String, Value>,
}

/// A declared file that was not kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OmittedArtifact {
    pub path: String,
    pub reason: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<i64>,
}

/// Takes a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    #[schema(min_length = 1, max_length = 128)]
    pub agent_id: String,
    /// How long the claim holds without a heartbeat; 1 to 86,400, default 300.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 86400)]
    pub ttl_seconds: Option<f64>,
}

/// A claim that was granted, or renewed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ClaimGranted {
    pub success: bool,
    pub claimed_by: String,
    /// Carry it with every write.
    pub epoch: u64,
    /// Seconds.
    pub expires_in: f64,
}

/// Renews a claim.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Heartbeat {
    #[schema(min_length = 1, max_length = 128)]
    pub agent_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 86400)]
    pub ttl_seconds: Option<f64>,
}

/// How a run went. May be left out where `?success=` says it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Complete {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub success: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 2000)]
    pub reason: Option<String>,
}

/// One command or turn of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Step {
    pub id: i64,
    pub run_id: i64,
    /// Its place, from 1.
    pub number: i64,
    pub name: String,
    pub command: Option<String>,
    /// pending, running, succeeded, failed or skipped.
    pub status: String,
    pub exit_code: Option<i32>,
    pub started_at: Option<String>,
    pub finished_at: Option<String>,
    pub duration_seconds: Option<f64>,
    pub detail: Map<String, Value>,
}

/// A step to be.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewStep {
    /// 1 to 500 characters.
    #[schema(min_length = 1, max_length = 500)]
    pub name: String,
    /// Its place; after the last one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    pub number: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// pending, running, succeeded, failed or skipped; running when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<Map<String, Value>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<u64>,
}

/// A change of a step; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateStep {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 500)]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<Map<String, Value>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<u64>,
}

/// Something that a run produced.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Artifact {
    pub id: i64,
    pub run_id: i64,
    pub name: String,
    pub media_type: String,
    pub kind: String,
    pub size_bytes: i64,
    pub sha256: String,
    pub created_at: String,
    /// The step that made it, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<i64>,
    /// What the platform read in it: a `format`, and what that says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<Map<String, Value>>,
}

/// An artifact to be; at most 16 MiB.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewArtifact {
    /// A relative path of 1 to 255 characters, without `.` and `..` and without control characters.
    #[schema(min_length = 1, max_length = 255)]
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// What it is for: file, report, coverage, plan, … One word of at most 64 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    pub content_base64: String,
    /// Needed for a run that has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<u64>,
}

/// What a worker says of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Summary {
    pub id: i64,
    pub run_id: i64,
    pub content: String,
    pub usage: Option<Map<String, Value>>,
    pub created_at: String,
}

/// A summary to be; `usage` counts tokens (`input_tokens`, `cached_input_tokens`, `output_tokens`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSummary {
    #[schema(min_length = 1)]
    pub content: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Map<String, Value>>,
    /// The model that was used, as prices name it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 200)]
    pub model: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<u64>,
}
