//! Ending a run, and everything that follows: retry, done, unblocked dependents.

use super::{Ctx, Refusal, Working, gating, limits};
use crate::event::facts;
use crate::ids::{RunId, WorkItemId};
use crate::queue::Status;
use crate::run::{Outcome, Run, RunState};
use crate::work_item::State;

/// How a run went, as its worker says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    pub epoch: Option<u64>,
    pub verdict: Verdict,
    pub exit_code: Option<i32>,
    pub reason: Option<String>,
}

/// What a worker may claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Success,
    Failure,
}

/// Completes a run.
///
/// # Errors
/// Unknown run; finished before, or a caller that may not write to it (conflict).
pub fn complete(
    w: &mut Working,
    ctx: &mut Ctx<'_>,
    run_id: RunId,
    done: Completion,
) -> Result<Run, Refusal> {
    w.run(run_id)?.check_writer(done.epoch, ctx.now)?;
    let outcome = match done.verdict {
        Verdict::Success => Outcome::Succeeded,
        Verdict::Failure => Outcome::Failed,
    };
    finish(w, ctx, run_id, outcome, done.exit_code, done.reason)
}

/// Ends a run whatever holds it, and moves its entry and item on.
pub(super) fn finish(
    w: &mut Working,
    ctx: &mut Ctx<'_>,
    run_id: RunId,
    outcome: Outcome,
    exit_code: Option<i32>,
    reason: Option<String>,
) -> Result<Run, Refusal> {
    let run = w.run_mut(run_id)?;
    let waited = matches!(run.state, RunState::Waiting { .. });
    run.finish(outcome, exit_code, reason.clone(), ctx.now);
    let run = run.clone();
    limits::vacate(w, &run);
    if waited {
        w.changes.abandoned.insert(run_id);
    }
    let data = facts!({
        "run_id": run_id, "work_item_id": run.work_item_id, "attempt": run.attempt, "epoch": run.epoch,
        "exit_code": exit_code, "reason": reason,
    });
    let kind = match outcome {
        Outcome::Succeeded => "run.succeeded",
        Outcome::Failed => "run.failed",
        Outcome::Cancelled => "run.cancelled",
        Outcome::Lost => "run.lost",
    };
    w.record(ctx, kind, run.project_id, data);
    match outcome {
        Outcome::Succeeded => succeed(w, ctx, &run)?,
        Outcome::Failed | Outcome::Lost => retry_or_fail(w, ctx, &run)?,
        Outcome::Cancelled => close_entry(w, &run, Status::Cancelled)?,
    }
    Ok(run)
}

fn close_entry(w: &mut Working, run: &Run, status: Status) -> Result<(), Refusal> {
    w.entry_mut(run.entry_id)?.status = status;
    w.open_entries.remove(&run.work_item_id);
    Ok(())
}

fn succeed(w: &mut Working, ctx: &Ctx<'_>, run: &Run) -> Result<(), Refusal> {
    close_entry(w, run, Status::Done)?;
    let item = w.item_mut(run.work_item_id)?;
    item.state = State::Done;
    item.version += 1;
    w.record(
        ctx,
        "work_item.done",
        run.project_id,
        facts!({"work_item_id": run.work_item_id, "run_id": run.id}),
    );
    unblock(w, run.work_item_id)
}

/// The item is done: whoever waited for it waits for one thing less.
fn unblock(w: &mut Working, item: WorkItemId) -> Result<(), Refusal> {
    let Some(waiting) = w.dependents.remove(&item) else {
        return Ok(());
    };
    for entry_id in waiting {
        let entry = w.entry_mut(entry_id)?;
        if let Status::Queued { unmet, gate } = entry.status {
            entry.status = Status::Queued {
                unmet: unmet.saturating_sub(1),
                gate,
            };
        }
        let dependent = entry.work_item_id;
        if let Some(left) = w.waits_for.get_mut(&dependent) {
            left.remove(&item);
        }
    }
    w.changes.met.insert(item);
    Ok(())
}

fn retry_or_fail(w: &mut Working, ctx: &mut Ctx<'_>, run: &Run) -> Result<(), Refusal> {
    let item = w.item(run.work_item_id)?;
    if run.attempt > item.policy.max_retries(ctx.rules) {
        close_entry(w, run, Status::Failed)?;
        let data = facts!({
            "entry_id": run.entry_id, "work_item_id": run.work_item_id, "attempts": run.attempt,
        });
        w.record(ctx, "queue_entry.failed", run.project_id, data);
        return Ok(());
    }
    let delay = item
        .policy
        .backoff(ctx.rules)
        .delay(run.attempt, ctx.entropy);
    let gate = gating::status(&gating::ask(w, ctx, run.work_item_id, run.entry_id)?);
    let scheduled_for = ctx.now.plus(delay);
    let entry = w.entry_mut(run.entry_id)?;
    entry.status = Status::Queued { unmet: 0, gate };
    entry.scheduled_for = scheduled_for;
    let data = facts!({
        "entry_id": run.entry_id, "work_item_id": run.work_item_id, "attempt": run.attempt + 1,
        "scheduled_for": scheduled_for,
    });
    w.record(ctx, "queue_entry.retry_scheduled", run.project_id, data);
    Ok(())
}
