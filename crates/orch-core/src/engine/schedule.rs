//! Choosing what starts: a tick starts all that is eligible, a dispatch fills an agent's slots.
//!
//! Slots are what projects share: each run that a dispatch hands out is one turn of its project.
//! Starting costs no turn, so neither a tick nor a person who starts an item by hand is charged.
//!
//! Of the rows, the working set must hold the first *n* unclaimed runs and the first *n* ready and
//! due entries of each project, by priority and id, where *n* is the number of slots, leaving out
//! entries whose key an open run holds; the projects; what is under way in them
//! ([`super::Occupancy`]); and the virtual time.

use std::time::Duration;

use super::turns::{Candidate, Turn, Turns};
use super::{Ctx, Working, hold, limits, start};
use crate::ids::{AgentName, RunId};
use crate::queue::QueueEntry;
use crate::run::{Run, RunState};
use crate::time::Timestamp;

/// Starts every loaded entry that is ready and due, in the order in which projects take turns.
/// What quota, a limit, a key or a gate keeps back stays queued.
pub fn tick(w: &mut Working, ctx: &mut Ctx<'_>) -> Vec<Run> {
    let ready = w.entries.values().filter(|entry| is_due(entry, ctx.now));
    let mut turns = Turns::new(&w.projects, w.virtual_time, std::iter::empty(), ready);
    let mut runs = Vec::new();
    while let Some(turn) = turns.next() {
        match take(w, ctx, turn) {
            Take::Run(id) => {
                turns.taken(turn);
                runs.extend(w.runs.get(&id).cloned());
            }
            Take::NotThis => turns.passed_on(turn),
            Take::NothingMore => {}
        }
    }
    runs
}

fn is_due(entry: &QueueEntry, now: Timestamp) -> bool {
    entry.status.is_ready() && entry.scheduled_for <= now
}

/// Whether a dispatch may start ready entries, or only hand out runs that were started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    StartedRuns,
    QueueToo,
}

/// Fills up to `slots` slots of `agent`: projects take turns by their weights; within a project
/// unclaimed runs go first, then, where `reach` allows, ready entries, each by priority. Each run
/// that is returned is claimed by the agent.
pub fn dispatch(
    w: &mut Working,
    ctx: &mut Ctx<'_>,
    agent: &AgentName,
    slots: usize,
    ttl: Duration,
    reach: Reach,
) -> Vec<Run> {
    let started = w
        .runs
        .values()
        .filter(|run| matches!(run.state, RunState::Running { lease: None }));
    let ready = w
        .entries
        .values()
        .filter(|entry| reach == Reach::QueueToo && is_due(entry, ctx.now));
    let mut turns = Turns::new(&w.projects, w.virtual_time, started, ready);
    let mut held = Vec::new();
    while held.len() < slots
        && let Some(turn) = turns.next()
    {
        match take(w, ctx, turn) {
            Take::Run(id) => {
                if let Ok(run) = hold::claim(w, ctx, id, agent, ttl) {
                    charge(w, turn);
                    turns.taken(turn);
                    held.push(run);
                } else {
                    turns.passed_on(turn);
                }
            }
            Take::NotThis => turns.passed_on(turn),
            Take::NothingMore => {}
        }
    }
    held
}

/// What came of a turn.
enum Take {
    Run(RunId),
    NotThis,
    /// Nothing of the project may start now.
    NothingMore,
}

/// The run of a turn's candidate, started if it was not. The reason of a refusal is computed when
/// somebody looks; the entry stays queued.
fn take(w: &mut Working, ctx: &mut Ctx<'_>, turn: Turn) -> Take {
    match turn.candidate {
        Candidate::Started(id) => Take::Run(id),
        Candidate::Ready(_) if limits::project_is_full(w, ctx, turn.project).is_err() => {
            Take::NothingMore
        }
        Candidate::Ready(id) => {
            start::start_entry(w, ctx, id).map_or(Take::NotThis, |run| Take::Run(run.id))
        }
    }
}

/// The project has had its turn.
fn charge(w: &mut Working, turn: Turn) {
    if let Some(project) = w.projects.get_mut(&turn.project) {
        project.share.pass = Some(turn.at);
        w.virtual_time = w.virtual_time.max(turn.at);
        w.changes.projects.insert(turn.project);
    }
}
