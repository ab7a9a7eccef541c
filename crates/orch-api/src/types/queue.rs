//! The queue.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// A place in the queue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct QueueEntry {
    pub id: i64,
    pub work_item_id: i64,
    pub project_id: i64,
    /// The first dependency, when there is one.
    pub depends_on_work_item_id: Option<i64>,
    pub depends_on: Vec<i64>,
    /// Higher runs earlier.
    pub priority: i32,
    /// queued, running, done, failed or cancelled.
    #[schema(example = "queued")]
    pub status: String,
    pub scheduled_for: String,
    pub attempts: u32,
    pub run_id: Option<i64>,
    pub created_at: String,
    /// Every reason that keeps a queued entry; empty otherwise.
    pub why_not_running: Vec<WhyNotRunning>,
}

/// One reason: a stable code, a sentence, and the ids that it speaks of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct WhyNotRunning {
    #[schema(example = "dependency_unfinished")]
    pub code: String,
    pub message: String,
    #[serde(flatten)]
    pub details: Map<String, Value>,
}

/// A place in the queue that is asked for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Enqueue {
    pub work_item_id: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub depends_on_work_item_id: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 1000)]
    pub depends_on: Option<Vec<i64>>,
    /// 0 when absent; -1,000,000 to 1,000,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = -1_000_000, maximum = 1_000_000)]
    pub priority: Option<i32>,
    /// 0 to 31,536,000 (a year).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 31_536_000)]
    pub delay_seconds: Option<f64>,
}

/// Many places at once: all or none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EnqueueBatch {
    #[schema(max_items = 1000)]
    pub entries: Vec<Enqueue>,
}

/// What a tick did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Ticked {
    /// The runs that it started.
    pub processed: usize,
    pub run_ids: Vec<i64>,
}

/// Queues a work item again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RequeueWorkItem {
    pub work_item_id: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 31_536_000)]
    pub delay_seconds: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = -1_000_000, maximum = 1_000_000)]
    pub priority: Option<i32>,
    /// Waits as long as a retry would.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backoff: Option<bool>,
}

/// How the item of an ended run is queued again. May be left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RequeueRun {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 31_536_000)]
    pub delay_seconds: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = -1_000_000, maximum = 1_000_000)]
    pub priority: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backoff: Option<bool>,
}
