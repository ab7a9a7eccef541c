//! What keeps a start back besides dependencies and the gate: the project's daily quota, its
//! limit on open runs, and concurrency keys.
//!
//! A run counts from its start to its end: held or not, running or waiting for a person.

use std::collections::HashMap;

use super::{Ctx, Refusal, Working};
use crate::ids::{ProjectId, RunId, WorkItemId};
use crate::project::Project;
use crate::run::Run;
use crate::work_item::ConcurrencyKey;

/// What is under way in a project.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Occupancy {
    /// Runs that have not ended.
    pub open_runs: u32,
    /// The keys that open runs hold.
    pub keys: HashMap<ConcurrencyKey, RunId>,
}

/// Why nothing of a project may start now.
pub(super) fn project_is_full(w: &Working, ctx: &Ctx<'_>, id: ProjectId) -> Result<(), Refusal> {
    let project = w.project(id)?;
    check_quota(project, ctx)?;
    let Some(max) = project.max_concurrent_runs else {
        return Ok(());
    };
    // Not loaded counts as full: a limit must never be exceeded.
    let open = w.occupancy.get(&id).map_or(max, |there| there.open_runs);
    if open < max {
        return Ok(());
    }
    let message = format!("project {id} may have {max} runs open at once, and {open}/{max} are");
    Err(Refusal::conflict("concurrency_limit", message))
}

/// Whether an item may start now, as far as quota, limit and its key are concerned.
pub(super) fn check(w: &Working, ctx: &Ctx<'_>, item_id: WorkItemId) -> Result<(), Refusal> {
    let item = w.item(item_id)?;
    project_is_full(w, ctx, item.project_id)?;
    let Some(key) = &item.concurrency_key else {
        return Ok(());
    };
    let holder = match w.occupancy.get(&item.project_id) {
        Some(there) => match there.keys.get(key) {
            Some(run) => format!("run {run} holds"),
            None => return Ok(()),
        },
        None => "another run may hold".to_owned(),
    };
    let message = format!("{holder} the concurrency key `{key}` of work item {item_id}");
    Err(Refusal::conflict("concurrency_key", message))
}

fn check_quota(project: &Project, ctx: &Ctx<'_>) -> Result<(), Refusal> {
    if project.quota.remaining(ctx.now) == Some(0) {
        let message = format!(
            "project {} has used its quota of {} runs today; it resets at {}",
            project.id,
            project.quota.max_runs_per_day.unwrap_or(0),
            ctx.now.next_day()
        );
        return Err(Refusal::conflict("quota_exceeded", message));
    }
    Ok(())
}

/// A run starts.
pub(super) fn occupy(w: &mut Working, run: &Run) {
    if let Some(there) = w.occupancy.get_mut(&run.project_id) {
        there.open_runs += 1;
        if let Some(key) = &run.concurrency_key {
            there.keys.insert(key.clone(), run.id);
        }
    }
}

/// A run has ended.
pub(super) fn vacate(w: &mut Working, run: &Run) {
    if let Some(there) = w.occupancy.get_mut(&run.project_id) {
        there.open_runs = there.open_runs.saturating_sub(1);
        if let Some(key) = &run.concurrency_key
            && there.keys.get(key) == Some(&run.id)
        {
            there.keys.remove(key);
        }
    }
}
