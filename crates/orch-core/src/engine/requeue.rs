//! Queueing again: what failed, what is done, or what waits too long.

use std::time::Duration;

use super::{Ctx, Enqueue, Refusal, Working, enqueue};
use crate::ids::{RunId, WorkItemId};
use crate::queue::{QueueEntry, Status};
use crate::run::RunState;

/// How an item is queued again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requeue {
    pub waiting: Waiting,
    pub priority: Option<i32>,
    pub trace_id: Option<String>,
}

/// How long it waits before it may start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiting {
    For(Duration),
    /// As long as a retry would.
    Backoff,
}

/// Queues an item again. One that is queued already is moved to the new time and priority.
///
/// # Errors
/// Unknown item; one that runs or is cancelled (conflict).
pub fn requeue_item(
    w: &mut Working,
    ctx: &mut Ctx<'_>,
    item_id: WorkItemId,
    how: Requeue,
) -> Result<QueueEntry, Refusal> {
    requeue(w, ctx, item_id, 1, how)
}

/// Queues the item of an ended run again.
///
/// # Errors
/// Unknown run; one that has not ended, or whose item runs (conflict).
pub fn requeue_run(
    w: &mut Working,
    ctx: &mut Ctx<'_>,
    run_id: RunId,
    how: Requeue,
) -> Result<QueueEntry, Refusal> {
    let run = w.run(run_id)?;
    if !matches!(run.state, RunState::Finished(_)) {
        let message = format!(
            "run {run_id} is {}; only an ended run can be queued again",
            run.status()
        );
        return Err(Refusal::conflict("run_not_finished", message));
    }
    let (item_id, attempt) = (run.work_item_id, run.attempt);
    requeue(w, ctx, item_id, attempt, how)
}

fn requeue(
    w: &mut Working,
    ctx: &mut Ctx<'_>,
    item_id: WorkItemId,
    attempts: u32,
    how: Requeue,
) -> Result<QueueEntry, Refusal> {
    let delay = match how.waiting {
        Waiting::For(delay) => delay,
        Waiting::Backoff => w
            .item(item_id)?
            .policy
            .backoff(ctx.rules)
            .delay(attempts.max(1), ctx.entropy),
    };
    let queued = w
        .open_entry(item_id)
        .filter(|entry| matches!(entry.status, Status::Queued { .. }))
        .map(|entry| entry.id);
    if let Some(id) = queued {
        let entry = w.entry_mut(id)?;
        entry.scheduled_for = ctx.now;
        entry.priority = how.priority.unwrap_or(entry.priority);
    }
    let want = Enqueue {
        priority: how.priority,
        delay: Some(delay),
        trace_id: how.trace_id,
        ..Enqueue::default()
    };
    enqueue(w, ctx, item_id, want)
}
