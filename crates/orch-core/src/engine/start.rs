//! Starting runs: the one place where a queue entry becomes a run.

use super::{Ctx, Enqueue, Refusal, Working, enqueue, gating, limits};
use crate::event::facts;
use crate::gate::Gate;
use crate::ids::{QueueEntryId, RunId, WorkItemId};
use crate::queue::Status;
use crate::run::{Run, RunState};
use crate::work_item::State;

/// Starts an item now, by hand: queues it if needed, and ignores its delay but nothing else.
///
/// # Errors
/// A missing approval (forbidden), unfinished dependencies, a used-up quota or limit, a key that
/// another run holds, or a run under way (conflicts).
pub fn start_item(
    w: &mut Working,
    ctx: &mut Ctx<'_>,
    item_id: WorkItemId,
    trace_id: Option<String>,
) -> Result<Run, Refusal> {
    let item = w.item(item_id)?;
    let before = w.open_entry(item_id).map(|entry| entry.id);
    if let Some(Status::Queued { unmet, .. }) = w.open_entry(item_id).map(|entry| entry.status)
        && unmet > 0
    {
        let waiting: Vec<String> = w
            .waits_for
            .get(&item_id)
            .into_iter()
            .flatten()
            .map(ToString::to_string)
            .collect();
        let message = format!(
            "work item {item_id} waits for unfinished work items: {}",
            waiting.join(", ")
        );
        return Err(Refusal::conflict("dependency_unfinished", message));
    }
    // The gate is asked before anything is queued, so that a refusal leaves nothing behind.
    let provisional = before.unwrap_or(QueueEntryId(w.next.entry));
    if item.state != State::Cancelled
        && !matches!(
            w.open_entry(item_id).map(|e| e.status),
            Some(Status::Running { .. })
        )
        && let Gate::Closed(closed) = gating::ask(w, ctx, item_id, provisional)?
    {
        return Err(closed.into());
    }
    limits::check(w, ctx, item_id)?;
    let entry = match before {
        Some(id) if matches!(w.entries[&id].status, Status::Queued { .. }) => id,
        Some(_) | None => {
            let want = Enqueue {
                trace_id,
                ..Enqueue::default()
            };
            enqueue(w, ctx, item_id, want)?.id
        }
    };
    start_entry(w, ctx, entry)
}

/// Makes the next run of a ready entry, unclaimed.
pub(super) fn start_entry(
    w: &mut Working,
    ctx: &mut Ctx<'_>,
    entry_id: QueueEntryId,
) -> Result<Run, Refusal> {
    let entry = w
        .entries
        .get(&entry_id)
        .ok_or(Refusal::not_found("queue entry", entry_id.get()))?;
    let item_id = entry.work_item_id;
    let priority = entry.priority;
    let attempt = entry.attempts + 1;
    let trace_id = entry
        .trace_id
        .clone()
        .unwrap_or_else(|| ctx.entropy.trace_id());
    limits::check(w, ctx, item_id)?;
    match gating::ask(w, ctx, item_id, entry_id)? {
        Gate::Free => {}
        Gate::Approved(approval_id) => gating::use_approval(w, item_id, entry_id, approval_id),
        Gate::Closed(closed) => {
            gating::regate(w, ctx, item_id)?;
            return Err(closed.into());
        }
    }
    let item = w.item_mut(item_id)?;
    item.state = State::InProgress;
    item.version += 1;
    let (project_id, digest) = (item.project_id, item.digest);
    let concurrency_key = item.concurrency_key.clone();

    let id = RunId(w.next.run);
    w.next.run += 1;
    let run = Run {
        id,
        work_item_id: item_id,
        project_id,
        entry_id,
        attempt,
        priority,
        concurrency_key,
        state: RunState::Running { lease: None },
        epoch: 0,
        lapses: 0,
        trace_id,
        digest,
        created_at: ctx.now,
        started_at: Some(ctx.now),
        source: None,
    };
    w.runs.insert(id, run.clone());
    w.changes.new_runs.insert(id);
    w.changes.runs.insert(id);
    limits::occupy(w, &run);

    let entry = w.entry_mut(entry_id)?;
    entry.status = Status::Running { run_id: id };
    entry.attempts = attempt;

    let project = w
        .projects
        .get_mut(&project_id)
        .ok_or(Refusal::not_found("project", project_id.get()))?;
    project.quota = project.quota.count(ctx.now);
    w.changes.projects.insert(project_id);

    let data = facts!({
        "run_id": id, "work_item_id": item_id, "entry_id": entry_id, "attempt": attempt, "digest": digest,
    });
    w.record(ctx, "run.started", project_id, data);
    Ok(run)
}
