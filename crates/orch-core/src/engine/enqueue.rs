//! Queueing a work item, with everything it waits for.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Ctx, Refusal, Working, gating};
use crate::event::facts;
use crate::gate;
use crate::ids::{QueueEntryId, WorkItemId};
use crate::queue::{GateStatus, QueueEntry, Status};
use crate::work_item::State;

/// A place in the queue that is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Enqueue {
    pub depends_on: Vec<WorkItemId>,
    pub priority: Option<i32>,
    pub delay: Option<Duration>,
    pub trace_id: Option<String>,
}

/// Queues an item, or merges into its queued entry: all dependencies of both must be met, the
/// higher priority and the later time count.
///
/// # Errors
/// Unknown items, a dependency on itself, on another project or in a cycle, a cancelled item, or
/// one that runs.
pub fn enqueue(
    w: &mut Working,
    ctx: &Ctx<'_>,
    item_id: WorkItemId,
    want: Enqueue,
) -> Result<QueueEntry, Refusal> {
    let project_id = w.item(item_id)?.project_id;
    if w.item(item_id)?.state == State::Cancelled {
        return Err(Refusal::conflict(
            "work_item_cancelled",
            format!("work item {item_id} is cancelled"),
        ));
    }
    let unmet = new_unmet(w, item_id, &want.depends_on)?;
    let scheduled_for = ctx.now.plus(want.delay.unwrap_or_default());
    let want_dependencies = want.depends_on.clone();

    let id = match w.open_entry(item_id).map(|entry| (entry.id, entry.status)) {
        Some((_, Status::Running { run_id })) => {
            let message = format!(
                "work item {item_id} is running (run {run_id}); wait until it ends, or cancel it"
            );
            return Err(Refusal::conflict("work_item_running", message));
        }
        Some((
            id,
            Status::Queued {
                unmet: before,
                gate,
            },
        )) => {
            let added = u32::try_from(unmet.len()).unwrap_or(u32::MAX);
            let entry = w.entry_mut(id)?;
            entry.status = Status::Queued {
                unmet: before.saturating_add(added),
                gate,
            };
            entry.priority = want
                .priority
                .map_or(entry.priority, |p| p.max(entry.priority));
            entry.scheduled_for = entry.scheduled_for.max(scheduled_for);
            if want.trace_id.is_some() {
                entry.trace_id = want.trace_id;
            }
            id
        }
        Some((_, Status::Done | Status::Failed | Status::Cancelled)) | None => {
            let id = QueueEntryId(w.next.entry);
            w.next.entry += 1;
            let unmet = u32::try_from(unmet.len()).unwrap_or(u32::MAX);
            let entry = QueueEntry {
                id,
                work_item_id: item_id,
                project_id,
                priority: want.priority.unwrap_or(0),
                scheduled_for,
                status: Status::Queued {
                    unmet,
                    gate: GateStatus::Open,
                },
                attempts: 0,
                trace_id: want.trace_id,
                created_at: ctx.now,
            };
            w.entries.insert(id, entry);
            w.open_entries.insert(item_id, id);
            w.changes.new_entries.insert(id);
            w.changes.entries.insert(id);
            id
        }
    };
    for &dependency in &want_dependencies {
        if !unmet.contains(&dependency) && w.item(dependency)?.state == State::Done {
            w.changes.met_dependencies.push((id, dependency));
        }
    }
    for dependency in unmet {
        w.waits_for.entry(item_id).or_default().insert(dependency);
        w.dependents.entry(dependency).or_default().insert(id);
        w.changes.new_dependencies.push((id, dependency));
    }
    if gate::is_gated(w.item(item_id)?, ctx.rules) {
        gating::regate(w, ctx, item_id)?;
    }
    let entry = w.entries[&id].clone();
    let data = facts!({
        "entry_id": id, "work_item_id": item_id, "depends_on": want_dependencies,
        "priority": entry.priority, "scheduled_for": entry.scheduled_for,
    });
    w.record(ctx, "queue_entry.enqueued", project_id, data);
    Ok(entry)
}

/// The dependencies that are neither done nor waited for already.
fn new_unmet(
    w: &Working,
    item_id: WorkItemId,
    wanted: &[WorkItemId],
) -> Result<BTreeSet<WorkItemId>, Refusal> {
    let project_id = w.item(item_id)?.project_id;
    let mut unmet = BTreeSet::new();
    for &dependency in wanted {
        if dependency == item_id {
            return Err(Refusal::invalid(
                "depends_on",
                format!("names work item {item_id} itself"),
            ));
        }
        let on = w.item(dependency)?;
        if on.project_id != project_id {
            let message = format!(
                "names work item {dependency} of project {}, and work item {item_id} belongs to project {project_id}",
                on.project_id
            );
            return Err(Refusal::invalid("depends_on", message));
        }
        let waits_already = w
            .waits_for
            .get(&item_id)
            .is_some_and(|known| known.contains(&dependency));
        if on.state == State::Done || waits_already {
            continue;
        }
        if let Some(path) = path_back(w, dependency, item_id) {
            let names: Vec<String> = path.iter().map(ToString::to_string).collect();
            let message = format!(
                "work item {item_id} would wait for itself: {item_id} → {}",
                names.join(" → ")
            );
            return Err(Refusal::conflict("dependency_cycle", message));
        }
        unmet.insert(dependency);
    }
    Ok(unmet)
}

/// The chain of waiting items that leads from `from` to `to`, when there is one.
fn path_back(w: &Working, from: WorkItemId, to: WorkItemId) -> Option<Vec<WorkItemId>> {
    // Nothing waits for `to`: no chain can end there.
    if w.dependents.get(&to).is_none_or(BTreeSet::is_empty) {
        return None;
    }
    let mut seen = BTreeSet::from([from]);
    let mut stack = vec![vec![from]];
    while let Some(path) = stack.pop() {
        let last = *path.last().expect("invariant: a path is never empty");
        for &next in w.waits_for.get(&last).into_iter().flatten() {
            let mut longer = path.clone();
            longer.push(next);
            if next == to {
                return Some(longer);
            }
            if seen.insert(next) {
                stack.push(longer);
            }
        }
    }
    None
}
