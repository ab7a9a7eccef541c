//! Cancelling: a run under way, a queued entry, an item.

use super::{Ctx, Refusal, Working, complete};
use crate::event::facts;
use crate::ids::{QueueEntryId, RunId, WorkItemId};
use crate::queue::{QueueEntry, Status};
use crate::run::{Outcome, Run};
use crate::work_item::{State, WorkItem};

/// Cancels a run, whoever holds it; its queue entry is cancelled with it and not tried again. Without
/// a reason it says who did it.
///
/// # Errors
/// Unknown run, or one that ended before (conflict).
pub fn cancel_run(
    w: &mut Working,
    ctx: &mut Ctx<'_>,
    run_id: RunId,
    reason: Option<String>,
) -> Result<Run, Refusal> {
    let run = w.run(run_id)?;
    if run.lease().is_none() && matches!(run.state, crate::run::RunState::Finished(_)) {
        let message = format!("run {run_id} is already {}", run.status());
        return Err(Refusal::conflict("run_finished", message));
    }
    let reason = reason.unwrap_or_else(|| format!("cancelled by {}", ctx.actor));
    complete::finish(w, ctx, run_id, Outcome::Cancelled, None, Some(reason))
}

/// Takes a queued entry out of the queue.
///
/// # Errors
/// Unknown entry, or one that is not queued (conflict).
pub fn cancel_entry(
    w: &mut Working,
    ctx: &Ctx<'_>,
    id: QueueEntryId,
) -> Result<QueueEntry, Refusal> {
    let entry = w
        .entries
        .get(&id)
        .ok_or(Refusal::not_found("queue entry", id.get()))?;
    if !matches!(entry.status, Status::Queued { .. }) {
        let message = format!(
            "queue entry {id} is {}; only a queued one can be taken out",
            entry.status.as_str()
        );
        return Err(Refusal::conflict("queue_entry_not_queued", message));
    }
    let (item_id, project_id) = (entry.work_item_id, entry.project_id);
    w.entry_mut(id)?.status = Status::Cancelled;
    w.open_entries.remove(&item_id);
    for on in w.waits_for.remove(&item_id).unwrap_or_default() {
        if let Some(waiting) = w.dependents.get_mut(&on) {
            waiting.remove(&id);
        }
    }
    w.changes.dropped.insert(id);
    w.record(
        ctx,
        "queue_entry.cancelled",
        project_id,
        facts!({"entry_id": id, "work_item_id": item_id}),
    );
    Ok(w.entries[&id].clone())
}

/// Cancels an item, with its run or its place in the queue.
///
/// # Errors
/// Unknown item, or one that is done or cancelled already (conflict).
pub fn cancel_item(
    w: &mut Working,
    ctx: &mut Ctx<'_>,
    id: WorkItemId,
) -> Result<WorkItem, Refusal> {
    let item = w.item(id)?;
    if matches!(item.state, State::Done | State::Cancelled) {
        let message = format!("work item {id} is {}", item.state.as_str());
        return Err(Refusal::conflict("work_item_closed", message));
    }
    let project_id = item.project_id;
    match w.open_entry(id).map(|entry| (entry.id, entry.status)) {
        Some((_, Status::Running { run_id })) => {
            cancel_run(
                w,
                ctx,
                run_id,
                Some("the work item was cancelled".to_owned()),
            )?;
        }
        Some((entry_id, Status::Queued { .. })) => {
            cancel_entry(w, ctx, entry_id)?;
        }
        Some((_, Status::Done | Status::Failed | Status::Cancelled)) | None => {}
    }
    let item = w.item_mut(id)?;
    item.state = State::Cancelled;
    item.version += 1;
    let item = item.clone();
    w.record(
        ctx,
        "work_item.cancelled",
        project_id,
        facts!({"work_item_id": id}),
    );
    Ok(item)
}
