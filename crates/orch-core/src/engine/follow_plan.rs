//! Bringing work items and the queue in line with a plan that a person approved: what is new is made,
//! what changed and has not begun is rewritten, what is gone is cancelled, and whatever is to be done
//! waits for what the plan says, and no longer for what an earlier plan said.
//!
//! What is done stays done, and what runs goes on.

use std::collections::BTreeSet;

use super::{Ctx, Enqueue, NewWorkItem, Refusal, Working};
use super::{cancel_entry, cancel_item, create_item, enqueue, item_changed};
use crate::digest::Digest;
use crate::event::facts;
use crate::ids::{RunId, WorkItemId};
use crate::queue::{QueueEntry, Status};
use crate::work_item::{State, check_title};

/// A task of the plan, as work to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedWork {
    /// `T-12`: how messages name it.
    pub task: String,
    /// The item that does it so far.
    pub item: Option<WorkItemId>,
    pub work: NewWorkItem,
    pub wording: Wording,
    /// Places in the list; all are before this one.
    pub depends_on: Vec<usize>,
    /// The recipe of the item, which its digest binds.
    pub recipe: Option<String>,
}

/// What of a task's text is another than its item was made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wording {
    Same,
    /// Only what does not change the work, such as its estimate.
    Reworded,
    /// What is to be done.
    Changed,
}

/// What became of the items.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Followed {
    /// The item of each task, in the order of the list.
    pub items: Vec<WorkItemId>,
    pub created: Vec<WorkItemId>,
    pub rewritten: Vec<WorkItemId>,
    pub cancelled: Vec<WorkItemId>,
    /// Runs that were cancelled with their items.
    pub stopped: Vec<RunId>,
}

/// Brings items and queue in line with the plan. The working set must hold the items that there are,
/// with what waits for them, and the runs of `removed` as ones that finish.
///
/// # Errors
/// A task that changed while a run works on it (conflict), or work that cannot be stored.
pub fn follow_plan(
    w: &mut Working,
    ctx: &mut Ctx<'_>,
    planned: &[PlannedWork],
    removed: &[WorkItemId],
) -> Result<Followed, Refusal> {
    refuse_running(w, planned)?;
    let mut followed = Followed::default();
    let mut of_plans: BTreeSet<WorkItemId> = removed.iter().copied().collect();
    of_plans.extend(planned.iter().filter_map(|task| task.item));
    for &item in removed {
        remove(w, ctx, item, &mut followed)?;
    }
    for task in planned {
        let item = item_of(w, ctx, task, &mut followed)?;
        if w.item(item)?.state == State::Proposed {
            w.item_mut(item)?.state = State::Approved;
        }
        followed.items.push(item);
        of_plans.insert(item);
        let after: Vec<WorkItemId> = task
            .depends_on
            .iter()
            .filter_map(|&place| followed.items.get(place).copied())
            .collect();
        if w.item(item)?.state != State::Done {
            queue(w, ctx, item, after, &of_plans)?;
        }
    }
    Ok(followed)
}

/// What a run works on must not become something else under its hands.
fn refuse_running(w: &Working, planned: &[PlannedWork]) -> Result<(), Refusal> {
    let mut named = Vec::new();
    for task in planned
        .iter()
        .filter(|task| task.wording == Wording::Changed)
    {
        if let Some(item) = task.item
            && let Some(Status::Running { run_id }) = w.open_entry(item).map(|entry| entry.status)
        {
            named.push(format!("{} (work item {item}, run {run_id})", task.task));
        }
    }
    if named.is_empty() {
        return Ok(());
    }
    let message = format!(
        "runs work on tasks that this version changes: {}; wait until they end, or cancel them, and approve again",
        named.join(", ")
    );
    Err(Refusal::conflict("plan_work_running", message))
}

fn remove(
    w: &mut Working,
    ctx: &mut Ctx<'_>,
    item: WorkItemId,
    followed: &mut Followed,
) -> Result<(), Refusal> {
    if matches!(w.item(item)?.state, State::Done | State::Cancelled) {
        return Ok(());
    }
    if let Some(Status::Running { run_id }) = w.open_entry(item).map(|entry| entry.status) {
        followed.stopped.push(run_id);
    }
    cancel_item(w, ctx, item)?;
    followed.cancelled.push(item);
    Ok(())
}

/// The item that does a task from now on.
fn item_of(
    w: &mut Working,
    ctx: &Ctx<'_>,
    task: &PlannedWork,
    followed: &mut Followed,
) -> Result<WorkItemId, Refusal> {
    let Some(id) = task.item else {
        let made = create_item(w, ctx, task.work.clone())?.id;
        followed.created.push(made);
        return Ok(made);
    };
    let runs = matches!(
        w.open_entry(id).map(|entry| entry.status),
        Some(Status::Running { .. })
    );
    match w.item(id)?.state {
        // Whoever approves a plan that has the task wants it done.
        State::Cancelled => {
            let made = create_item(w, ctx, task.work.clone())?.id;
            followed.created.push(made);
            Ok(made)
        }
        State::Proposed | State::Approved | State::InProgress | State::Review
            if task.wording != Wording::Same && !runs =>
        {
            rewrite(w, ctx, id, task)?;
            followed.rewritten.push(id);
            Ok(id)
        }
        State::Proposed | State::Approved | State::InProgress | State::Review | State::Done => {
            Ok(id)
        }
    }
}

/// The item says what the plan says; approvals of what it said before are void.
fn rewrite(
    w: &mut Working,
    ctx: &Ctx<'_>,
    id: WorkItemId,
    task: &PlannedWork,
) -> Result<(), Refusal> {
    let title = check_title(&task.work.title).map_err(|why| Refusal::invalid("title", why))?;
    let item = w.item_mut(id)?;
    item.title = title;
    item.description.clone_from(&task.work.description);
    item.kind = task.work.kind;
    let mut digest = Digest::of_work_item(
        &item.title,
        &item.description,
        task.recipe.as_deref(),
        item.environment.as_deref(),
    );
    if let Some(source) = &item.pinned {
        digest = digest.with_source(source);
    }
    let (title, project) = (item.title.clone(), item.project_id);
    item_changed(w, ctx, id, digest)?;
    let data = facts!({"work_item_id": id, "title": title, "digest": digest});
    w.record(ctx, "work_item.changed", project, data);
    Ok(())
}

/// Queues an item behind `after`, unless it runs. What people made it wait for besides stays.
fn queue(
    w: &mut Working,
    ctx: &Ctx<'_>,
    item: WorkItemId,
    after: Vec<WorkItemId>,
    of_plans: &BTreeSet<WorkItemId>,
) -> Result<(), Refusal> {
    let entry = w.open_entry(item).cloned();
    let mut want = Enqueue {
        depends_on: after,
        ..Enqueue::default()
    };
    match entry {
        Some(QueueEntry {
            status: Status::Running { .. },
            ..
        }) => return Ok(()),
        Some(entry) => {
            let have = w.waits_for.get(&item).cloned().unwrap_or_default();
            let mut missing = false;
            for on in &want.depends_on {
                missing |= w.item(*on)?.state != State::Done && !have.contains(on);
            }
            let wanted: BTreeSet<WorkItemId> = want.depends_on.iter().copied().collect();
            let surplus = have
                .iter()
                .any(|on| of_plans.contains(on) && !wanted.contains(on));
            if !missing && !surplus {
                return Ok(());
            }
            if surplus {
                let others = have.iter().filter(|on| !of_plans.contains(on));
                want.depends_on.extend(others.copied());
                want.priority = Some(entry.priority);
                want.trace_id.clone_from(&entry.trace_id);
                want.delay = Some(entry.scheduled_for.since(ctx.now));
                cancel_entry(w, ctx, entry.id)?;
            }
        }
        None => {}
    }
    enqueue(w, ctx, item, want)?;
    Ok(())
}
