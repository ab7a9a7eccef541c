//! The invariants of dispatching: nothing eligible is left beside a free slot, priorities order
//! within a project, and no project waits beyond its bound.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};

use orch_core::ids::{ProjectId, QueueEntryId, RunId};
use orch_core::run::{Run, RunState};
use orch_core::time::Timestamp;

use crate::approvals;
use crate::database::{Commit, Database, Op, Reply};
use crate::oracle::{Violation, violated};

/// A candidate's place in its project: started runs first, then by priority, then by age.
type Place = (bool, Reverse<i32>, QueueEntryId);

/// How many slots others got while a project with work waited.
#[derive(Default)]
pub struct Waits(HashMap<ProjectId, u64>);

impl Waits {
    pub fn check(
        &mut self,
        db: &Database,
        op: &Op,
        commit: &Commit,
        unclaimed_before: &HashSet<RunId>,
        now: Timestamp,
        quotas_left: &HashMap<ProjectId, u32>,
    ) -> Result<(), Violation> {
        let (runs, slots) = match (op, &commit.answer) {
            (Op::Dispatch { slots, .. }, Ok(Reply::Runs(runs))) => (runs, *slots),
            (Op::Tick, _) => {
                let left = entries_left(db, now, quotas_left);
                return match left.first_key_value() {
                    None => Ok(()),
                    Some((project, _)) => {
                        let detail = format!("project {project}, after a tick");
                        violated("nothing eligible is left out", detail)
                    }
                };
            }
            _ => return Ok(()),
        };
        let mut left = entries_left(db, now, quotas_left);
        for run in db.open_runs() {
            if matches!(run.state, RunState::Running { lease: None })
                && !approvals::is_held_back(db, run)
            {
                let place = (false, Reverse(run.priority), run.entry_id);
                left.entry(run.project_id).or_default().push(place);
            }
        }
        if runs.len() < slots
            && let Some((project, _)) = left.first_key_value()
        {
            let detail = format!("project {project}, {} of {slots} slots", runs.len());
            return violated("nothing eligible is left out", detail);
        }
        let place = |run: &Run| {
            let started_before = unclaimed_before.contains(&run.id);
            (!started_before, Reverse(run.priority), run.entry_id)
        };
        priorities(runs, &left, place)?;
        self.fairness(db, runs, &left)
    }

    fn fairness(
        &mut self,
        db: &Database,
        runs: &[Run],
        left: &BTreeMap<ProjectId, Vec<Place>>,
    ) -> Result<(), Violation> {
        self.0.retain(|project, _| left.contains_key(project));
        for run in runs {
            for project in left.keys() {
                let count = self.0.entry(*project).or_default();
                if *project == run.project_id {
                    *count = 0;
                    continue;
                }
                *count += 1;
                if *count > bound(db, *project) {
                    let detail = format!("project {project} waited for {count} slots");
                    return violated("no project waits beyond its bound", detail);
                }
            }
        }
        Ok(())
    }
}

/// Between two turns of a project the virtual time moves by at most its stride, and each other
/// gets one turn for each of its own strides that begins in between.
fn bound(db: &Database, of: ProjectId) -> u64 {
    let stride = |id: &ProjectId| db.w.projects[id].share.weight.stride();
    let others = db.w.projects.keys().filter(|id| **id != of);
    others.map(|other| stride(&of) / stride(other) + 1).sum()
}

fn priorities(
    runs: &[Run],
    left: &BTreeMap<ProjectId, Vec<Place>>,
    place: impl Fn(&Run) -> Place,
) -> Result<(), Violation> {
    let mut last: HashMap<ProjectId, Place> = HashMap::new();
    for run in runs {
        let here = place(run);
        let before = last.insert(run.project_id, here);
        let skipped = left.get(&run.project_id).and_then(|left| left.iter().min());
        if before.is_some_and(|before| before > here) || skipped.is_some_and(|first| *first < here)
        {
            let detail = format!("run {} of project {}", run.id, run.project_id);
            return violated("priorities order within a project", detail);
        }
    }
    Ok(())
}

/// Entries that could start now, by project.
fn entries_left(
    db: &Database,
    now: Timestamp,
    quotas_left: &HashMap<ProjectId, u32>,
) -> BTreeMap<ProjectId, Vec<Place>> {
    let under_way = db.occupancy();
    let mut left: BTreeMap<ProjectId, Vec<Place>> = BTreeMap::new();
    for entry in db.w.entries.values() {
        let id = entry.project_id;
        let there = &under_way[&id];
        let key = db.w.items[&entry.work_item_id].concurrency_key.as_ref();
        let max = db.w.projects[&id].max_concurrent_runs.unwrap_or(u32::MAX);
        if entry.status.is_ready()
            && entry.scheduled_for <= now
            && there.open_runs < max
            && quotas_left[&id] > 0
            && key.is_none_or(|key| !there.keys.contains_key(key))
        {
            let place = (true, Reverse(entry.priority), entry.id);
            left.entry(id).or_default().push(place);
        }
    }
    left
}
