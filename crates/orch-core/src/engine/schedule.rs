//! Choosing what starts: a tick starts all that is eligible, a dispatch fills an agent's slots.

use std::collections::HashMap;
use std::time::Duration;

use super::{Ctx, Working, hold, start};
use crate::ids::{AgentName, ProjectId, QueueEntryId, RunId};
use crate::queue::QueueEntry;
use crate::run::{Run, RunState};

/// Orders ready entries: higher priority first; among equals the projects take turns, each in
/// the order in which its entries came.
#[must_use]
pub fn order(candidates: &[&QueueEntry]) -> Vec<QueueEntryId> {
    let mut sorted = candidates.to_vec();
    sorted.sort_by_key(|entry| (-i64::from(entry.priority), entry.id));
    let mut turns: HashMap<(i32, ProjectId), u32> = HashMap::new();
    let mut ranked: Vec<(i64, u32, QueueEntryId)> = sorted
        .iter()
        .map(|entry| {
            let turn = turns.entry((entry.priority, entry.project_id)).or_default();
            *turn += 1;
            (-i64::from(entry.priority), *turn, entry.id)
        })
        .collect();
    ranked.sort_unstable();
    ranked.into_iter().map(|(_, _, id)| id).collect()
}

/// Starts every loaded entry that is ready and due. What quota or a gate keeps back stays queued.
pub fn tick(w: &mut Working, ctx: &mut Ctx<'_>) -> Vec<Run> {
    start_ready(w, ctx, usize::MAX)
}

fn start_ready(w: &mut Working, ctx: &mut Ctx<'_>, most: usize) -> Vec<Run> {
    let due: Vec<&QueueEntry> = w
        .entries
        .values()
        .filter(|entry| entry.status.is_ready() && entry.scheduled_for <= ctx.now)
        .collect();
    let mut started = Vec::new();
    for id in order(&due) {
        if started.len() >= most {
            break;
        }
        // A refusal (quota, gate) leaves the entry queued; its reason is computed when it is shown.
        if let Ok(run) = start::start_entry(w, ctx, id) {
            started.push(run);
        }
    }
    started
}

/// Whether a dispatch may start ready entries, or only hand out runs that were started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    StartedRuns,
    QueueToo,
}

/// Fills up to `slots` slots of `agent` with unclaimed runs and, where `reach` allows, with ready
/// entries. Each run that is returned is claimed by the agent.
pub fn dispatch(
    w: &mut Working,
    ctx: &mut Ctx<'_>,
    agent: &AgentName,
    slots: usize,
    ttl: Duration,
    reach: Reach,
) -> Vec<Run> {
    let mut unclaimed: Vec<(i64, RunId)> = w
        .runs
        .values()
        .filter(|run| matches!(run.state, RunState::Running { lease: None }))
        .map(|run| (-i64::from(run.priority), run.id))
        .collect();
    unclaimed.sort_unstable();
    let mut chosen: Vec<RunId> = unclaimed
        .into_iter()
        .take(slots)
        .map(|(_, id)| id)
        .collect();
    if reach == Reach::QueueToo && chosen.len() < slots {
        chosen.extend(
            start_ready(w, ctx, slots - chosen.len())
                .iter()
                .map(|run| run.id),
        );
    }
    chosen
        .into_iter()
        .filter_map(|id| hold::claim(w, ctx, id, agent, ttl).ok())
        .collect()
}
