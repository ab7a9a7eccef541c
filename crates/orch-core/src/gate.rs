//! The approval gate: whether a work item may start for a queue entry.
//!
//! One function answers it for manual starts, ticks, the background scheduler, retries and
//! resumes alike.

use crate::approval::{Approval, Status, Subject};
use crate::digest::Digest;
use crate::ids::{ApprovalId, QueueEntryId};
use crate::rules::{ApprovalRule, Rules};
use crate::work_item::{ApprovalHistory, Kind, WorkItem};

/// The gate's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gate {
    /// No approval is needed.
    Free,
    /// An approval covers exactly this.
    Approved(ApprovalId),
    Closed(Closed),
}

/// Why the gate is closed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Closed {
    #[error("an approval is needed and none was requested")]
    NotRequested,
    #[error("approval {0} is pending")]
    Pending(ApprovalId),
    #[error("approval {id} was denied{}", .reason.as_ref().map(|r| format!(": {r}")).unwrap_or_default())]
    Denied {
        id: ApprovalId,
        reason: Option<String>,
    },
    #[error("approval {0} was for something else: the item was changed since, and needs a new one")]
    Changed(ApprovalId),
    #[error("approval {0} was used up by an earlier queue entry, and a new one is needed")]
    UsedUp(ApprovalId),
}

impl Closed {
    /// A stable code for `why_not_running`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotRequested => "approval_required",
            Self::Pending(_) => "approval_pending",
            Self::Denied { .. } => "approval_denied",
            Self::Changed(_) => "approval_changed",
            Self::UsedUp(_) => "approval_used",
        }
    }

    #[must_use]
    pub const fn approval_id(&self) -> Option<ApprovalId> {
        match self {
            Self::NotRequested => None,
            Self::Pending(id) | Self::Denied { id, .. } | Self::Changed(id) | Self::UsedUp(id) => {
                Some(*id)
            }
        }
    }
}

/// Whether approvals concern this item at all.
#[must_use]
pub fn is_gated(item: &WorkItem, rules: &Rules) -> bool {
    let is_asked_for = match rules.approval {
        ApprovalRule::Off => false,
        ApprovalRule::Required => item.approval == ApprovalHistory::Requested,
    };
    is_asked_for || is_gated_by_risk(&item.title, item.environment.as_deref(), item.kind, rules)
}

/// Whether approvals concern such work though nobody asked for one, as a plan's tasks before they are items.
#[must_use]
pub fn is_gated_by_risk(title: &str, environment: Option<&str>, kind: Kind, rules: &Rules) -> bool {
    match rules.approval {
        ApprovalRule::Off => false,
        ApprovalRule::Required => rules.risk.is_risky(title, environment, kind),
    }
}

/// Answers for `entry`. The newest approval that was asked for the item decides.
#[must_use]
pub fn check(item: &WorkItem, approvals: &[Approval], entry: QueueEntryId, rules: &Rules) -> Gate {
    if !is_gated(item, rules) {
        return Gate::Free;
    }
    decide(item.digest, approvals, entry)
}

fn decide(digest: Digest, approvals: &[Approval], entry: QueueEntryId) -> Gate {
    let for_item = || {
        approvals
            .iter()
            .filter(|approval| approval.subject == Subject::WorkItem)
    };
    let used_here = for_item().find(|approval| {
        approval.used_by == Some(entry)
            && approval.status == Status::Approved
            && approval.digest == digest
    });
    let newest = for_item().max_by_key(|approval| approval.id);
    let Some(approval) = used_here.or(newest) else {
        return Gate::Closed(Closed::NotRequested);
    };
    let id = approval.id;
    match approval.status {
        Status::Expired => Gate::Closed(Closed::Changed(id)),
        Status::Denied => Gate::Closed(Closed::Denied {
            id,
            reason: approval
                .decision
                .as_ref()
                .and_then(|decision| decision.reason.clone()),
        }),
        Status::Pending | Status::Approved if approval.digest != digest => {
            Gate::Closed(Closed::Changed(id))
        }
        Status::Pending => Gate::Closed(Closed::Pending(id)),
        Status::Approved if approval.used_by.is_some_and(|used| used != entry) => {
            Gate::Closed(Closed::UsedUp(id))
        }
        Status::Approved => Gate::Approved(id),
    }
}
