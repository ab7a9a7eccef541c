//! Keeping queue entries in step with approvals and with changes of what would run.

use super::{Ctx, Refusal, Working};
use crate::approval::Status as ApprovalStatus;
use crate::digest::Digest;
use crate::event::facts;
use crate::gate::{self, Gate};
use crate::ids::{ApprovalId, QueueEntryId, WorkItemId};
use crate::queue::{GateStatus, Status};

/// Asks the gate for an item and one of its entries.
pub(super) fn ask(
    w: &Working,
    ctx: &Ctx<'_>,
    item: WorkItemId,
    entry: QueueEntryId,
) -> Result<Gate, Refusal> {
    let approvals = w.approvals.get(&item).map_or(&[][..], Vec::as_slice);
    Ok(gate::check(w.item(item)?, approvals, entry, ctx.rules))
}

/// How the gate's answer is kept in the entry.
pub(super) fn status(gate: &Gate) -> GateStatus {
    match gate {
        Gate::Free | Gate::Approved(_) => GateStatus::Open,
        Gate::Closed(_) => GateStatus::Closed,
    }
}

/// The entry uses an approval up; its retries and resumptions may go on under it.
pub(super) fn use_approval(
    w: &mut Working,
    item: WorkItemId,
    entry: QueueEntryId,
    approval_id: ApprovalId,
) {
    let approvals = w.approvals.entry(item).or_default();
    if let Some(approval) = approvals
        .iter_mut()
        .find(|approval| approval.id == approval_id)
        && approval.used_by.is_none()
    {
        approval.used_by = Some(entry);
        w.changes.approvals.insert((item, approval_id));
    }
}

/// Recomputes the gate of an item's queued entry, after an approval came or was decided.
///
/// # Errors
/// When the item is not loaded.
pub fn regate(w: &mut Working, ctx: &Ctx<'_>, item: WorkItemId) -> Result<(), Refusal> {
    let Some(&entry_id) = w.open_entries.get(&item) else {
        return Ok(());
    };
    let gate = status(&ask(w, ctx, item, entry_id)?);
    if let Some(entry) = w.entries.get(&entry_id)
        && let Status::Queued {
            unmet,
            gate: before,
        } = entry.status
        && before != gate
    {
        w.entry_mut(entry_id)?.status = Status::Queued { unmet, gate };
    }
    Ok(())
}

/// Takes a change of title, description, recipe or environment in: the new digest voids
/// approvals of the old one.
///
/// # Errors
/// When the item is not loaded.
pub fn item_changed(
    w: &mut Working,
    ctx: &Ctx<'_>,
    item_id: WorkItemId,
    digest: Digest,
) -> Result<(), Refusal> {
    let item = w.item_mut(item_id)?;
    item.digest = digest;
    item.version += 1;
    let project_id = item.project_id;
    let mut voided = Vec::new();
    for approval in w.approvals.entry(item_id).or_default() {
        if approval.is_void_for(digest) {
            approval.status = ApprovalStatus::Expired;
            voided.push(approval.id);
        }
    }
    for approval_id in voided {
        w.changes.approvals.insert((item_id, approval_id));
        let data = facts!({"approval_id": approval_id, "work_item_id": item_id, "digest": digest});
        w.record(ctx, "approval.expired", project_id, data);
    }
    regate(w, ctx, item_id)
}
