//! Approvals: a person's decision on exactly what a digest names. Deciding happens once.

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::ids::{ApprovalId, QueueEntryId, RunId, WorkItemId};
use crate::time::Timestamp;

/// A decision asked of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    pub id: ApprovalId,
    pub work_item_id: WorkItemId,
    pub subject: Subject,
    pub status: Status,
    pub reason: Option<String>,
    pub digest: Digest,
    /// The steps that are approved, as JSON; for [`Subject::PlannedSteps`].
    pub planned_steps: Option<String>,
    /// The queue entry that has used it up.
    pub used_by: Option<QueueEntryId>,
    pub created_at: Timestamp,
    pub decision: Option<Decision>,
}

/// What is approved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// That the work item runs.
    WorkItem,
    /// The steps that an agent planned in a run.
    PlannedSteps { run_id: RunId },
}

/// Who decided, when and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    pub by: String,
    pub at: Timestamp,
    pub reason: Option<String>,
}

/// Where an approval stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Pending,
    Approved,
    Denied,
    Expired,
}

impl Status {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Denied => "denied",
            Self::Expired => "expired",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Pending, Self::Approved, Self::Denied, Self::Expired]
            .into_iter()
            .find(|status| status.as_str() == text)
    }
}

/// A decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Approve,
    Deny,
}

/// The approval was decided, or expired, before.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("approval {id} is already {}", .status.as_str())]
pub struct AlreadyDecided {
    pub id: ApprovalId,
    pub status: Status,
}

impl Approval {
    /// Decides, once.
    ///
    /// # Errors
    /// When it is not pending any more.
    pub fn decide(&mut self, verdict: Verdict, decision: Decision) -> Result<(), AlreadyDecided> {
        if self.status != Status::Pending {
            return Err(AlreadyDecided {
                id: self.id,
                status: self.status,
            });
        }
        self.status = match verdict {
            Verdict::Approve => Status::Approved,
            Verdict::Deny => Status::Denied,
        };
        self.decision = Some(decision);
        Ok(())
    }

    /// Whether a change of what would run makes it void.
    #[must_use]
    pub fn is_void_for(&self, digest: Digest) -> bool {
        let undecided_or_unused = match self.status {
            Status::Pending | Status::Approved => true,
            Status::Denied | Status::Expired => false,
        };
        self.subject == Subject::WorkItem && undecided_or_unused && self.digest != digest
    }
}
