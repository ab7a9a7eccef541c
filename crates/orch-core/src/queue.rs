//! Queue entries: a work item's place in line, with everything it waits for.
//!
//! An item has at most one open entry (queued or running); entries that come while it is queued
//! merge into it.

use crate::ids::{ProjectId, QueueEntryId, RunId, WorkItemId};
use crate::time::Timestamp;

/// One place in the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueEntry {
    pub id: QueueEntryId,
    pub work_item_id: WorkItemId,
    pub project_id: ProjectId,
    /// Higher runs earlier, within its project.
    pub priority: i32,
    /// Not before this instant.
    pub scheduled_for: Timestamp,
    pub status: Status,
    /// Attempts started so far.
    pub attempts: u32,
    /// Carried to the runs, when the caller that enqueued sent one.
    pub trace_id: Option<String>,
    pub created_at: Timestamp,
}

/// Where an entry stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Queued { unmet: u32, gate: GateStatus },
    Running { run_id: RunId },
    Done,
    Failed,
    Cancelled,
}

/// Whether approvals keep an entry back, as last computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GateStatus {
    Open,
    Closed,
}

impl Status {
    /// As the API writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued { .. } => "queued",
            Self::Running { .. } => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Nothing but time, quota and limits keeps it.
    #[must_use]
    pub const fn is_ready(self) -> bool {
        matches!(
            self,
            Self::Queued {
                unmet: 0,
                gate: GateStatus::Open
            }
        )
    }

    /// Queued or running.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Queued { .. } | Self::Running { .. })
    }
}
