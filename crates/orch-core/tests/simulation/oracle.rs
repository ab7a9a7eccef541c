//! The invariants, checked after every commit against the oracle's own record of what happened.
//!
//! It never asks the engine: it follows the rows that changed.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use orch_core::ids::{AgentName, ProjectId, QueueEntryId, RunId, WorkItemId};
use orch_core::queue::Status;
use orch_core::run::{Outcome, Run, RunState};
use orch_core::time::Timestamp;
use orch_core::work_item::State;

use crate::approvals;
use crate::database::{Commit, Database, Op, Reply};
use crate::network::Hold;
use crate::turns;

/// An invariant that did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    pub invariant: &'static str,
    pub detail: String,
}

pub fn violated(invariant: &'static str, detail: impl Into<String>) -> Result<(), Violation> {
    let detail = detail.into();
    Err(Violation { invariant, detail })
}

/// A run as it was after the last commit that changed it.
struct Shadow {
    epoch: u64,
    holder: Option<AgentName>,
    finished: bool,
}

#[derive(Default)]
pub struct Oracle {
    runs: HashMap<RunId, Shadow>,
    /// Who was given each epoch of each run.
    leases: HashMap<Hold, AgentName>,
    /// What each entry waits for.
    needs: HashMap<QueueEntryId, BTreeSet<WorkItemId>>,
    done: HashSet<WorkItemId>,
    /// Runs started in the newest day that each project has seen.
    days: HashMap<ProjectId, (Timestamp, u32)>,
    uses: approvals::Uses,
    waits: turns::Waits,
}

impl Oracle {
    pub fn check(
        &mut self,
        db: &Database,
        op: &Op,
        commit: &Commit,
        now: Timestamp,
    ) -> Result<(), Violation> {
        if let Err(refusal) = &commit.answer {
            if commit.changes.is_empty() {
                return Ok(());
            }
            return violated("a refusal changes nothing", format!("{op:?}: {refusal}"));
        }
        self.completion(op, commit)?;
        self.note_dependencies(op, commit);
        let unclaimed_before = self.unclaimed_before(commit);
        for id in &commit.changes.runs {
            self.run(db, &db.w.runs[id], now)?;
        }
        if !commit.changes.is_empty() {
            self.entries(db)?;
            Self::limits(db)?;
            self.uses.check(db)?;
        }
        if !matches!(op, Op::Dispatch { .. } | Op::Tick) {
            return Ok(());
        }
        let projects = db.w.projects.keys();
        let quotas_left = projects.map(|id| (*id, self.quota_left(db, *id, now)));
        let quotas_left = quotas_left.collect();
        self.waits
            .check(db, op, commit, &unclaimed_before, now, &quotas_left)
    }

    /// Of the runs that were handed out, those that had been started before.
    fn unclaimed_before(&self, commit: &Commit) -> HashSet<RunId> {
        match &commit.answer {
            Ok(Reply::Runs(runs)) => runs
                .iter()
                .map(|run| run.id)
                .filter(|id| self.runs.contains_key(id))
                .collect(),
            Ok(Reply::Entry(_) | Reply::Done) | Err(_) => HashSet::new(),
        }
    }

    fn completion(&self, op: &Op, commit: &Commit) -> Result<(), Violation> {
        let Op::Complete { agent, hold, .. } = op else {
            return Ok(());
        };
        let current = self.runs.get(&hold.0).map(|run| run.epoch);
        let fair = current == Some(hold.1) && self.leases.get(hold) == Some(agent);
        if fair || commit.answer.is_err() {
            return Ok(());
        }
        violated(
            "no completion of an old epoch is accepted",
            format!("{agent} completed {hold:?}, the run is at epoch {current:?}"),
        )
    }

    fn note_dependencies(&mut self, op: &Op, commit: &Commit) {
        if let (Op::Enqueue(_, want), Ok(Reply::Entry(entry))) = (op, &commit.answer) {
            let unmet = want.depends_on.iter().filter(|on| !self.done.contains(on));
            self.needs.entry(*entry).or_default().extend(unmet);
        }
    }

    fn run(&mut self, db: &Database, run: &Run, now: Timestamp) -> Result<(), Violation> {
        let finished = matches!(run.state, RunState::Finished(_));
        let holder = run.lease().map(|lease| lease.agent.clone());
        match self.runs.get(&run.id) {
            None => self.started(db, run, now)?,
            Some(before) if before.finished => {
                return violated("a finished run never changes", format!("run {}", run.id));
            }
            Some(before) if before.epoch > run.epoch => {
                return violated("epochs only go up", format!("run {}", run.id));
            }
            Some(_) => {}
        }
        let before = self.runs.get(&run.id);
        let renewed = before.is_some_and(|b| b.epoch == run.epoch && b.holder == holder);
        if !renewed {
            approvals::covers(db, run)?;
        }
        if let Some(agent) = &holder
            && !renewed
            && let Some(first) = self.leases.insert((run.id, run.epoch), agent.clone())
        {
            return violated(
                "no run is leased twice in one epoch",
                format!("run {} epoch {}: {first}, then {agent}", run.id, run.epoch),
            );
        }
        if let RunState::Finished(finish) = &run.state
            && finish.outcome == Outcome::Succeeded
        {
            self.done.insert(run.work_item_id);
            for needs in self.needs.values_mut() {
                needs.remove(&run.work_item_id);
            }
        }
        let shadow = Shadow {
            epoch: run.epoch,
            holder,
            finished,
        };
        self.runs.insert(run.id, shadow);
        Ok(())
    }

    fn started(&mut self, db: &Database, run: &Run, now: Timestamp) -> Result<(), Violation> {
        let needs = self.needs.get(&run.entry_id);
        if let Some(on) = needs.and_then(|needs| needs.first()) {
            return violated(
                "dependency order is kept",
                format!("run {} started before work item {on} was done", run.id),
            );
        }
        self.done.remove(&run.work_item_id);
        let (day, count) = self.day(run.project_id, now);
        self.days.insert(run.project_id, (day, count + 1));
        let max = db.w.projects[&run.project_id].quota.max_runs_per_day;
        if max.is_some_and(|max| count >= max) {
            return violated(
                "quotas are never exceeded",
                format!("project {}: run {} of {max:?}", run.project_id, count + 1),
            );
        }
        Ok(())
    }

    /// A clock that goes back over midnight does not give the quota back.
    fn day(&self, project: ProjectId, now: Timestamp) -> (Timestamp, u32) {
        let today = now.start_of_day();
        match self.days.get(&project) {
            Some(&(day, count)) if day >= today => (day, count),
            Some(_) | None => (today, 0),
        }
    }

    fn quota_left(&self, db: &Database, project: ProjectId, now: Timestamp) -> u32 {
        let max = db.w.projects[&project].quota.max_runs_per_day;
        max.map_or(u32::MAX, |max| max.saturating_sub(self.day(project, now).1))
    }

    fn entries(&self, db: &Database) -> Result<(), Violation> {
        let mut open = HashSet::new();
        for entry in db.w.entries.values() {
            if entry.status.is_open() && !open.insert(entry.work_item_id) {
                let detail = format!("work item {}", entry.work_item_id);
                return violated("an item has one open entry", detail);
            }
            let Status::Queued { unmet, .. } = entry.status else {
                continue;
            };
            let real = self.needs.get(&entry.id).map_or(0, BTreeSet::len);
            if unmet as usize != real || real != db.unmet(entry.id) {
                return violated(
                    "unmet counters equal the unmet edges",
                    format!("entry {}: {unmet}, {real} in truth", entry.id),
                );
            }
        }
        Ok(())
    }

    fn limits(db: &Database) -> Result<(), Violation> {
        let mut open: BTreeMap<ProjectId, u32> = BTreeMap::new();
        let mut keys = HashSet::new();
        for run in db.open_runs() {
            *open.entry(run.project_id).or_default() += 1;
            if let Some(key) = &run.concurrency_key
                && !keys.insert((run.project_id, key))
            {
                let detail = format!("project {}: `{key}`", run.project_id);
                return violated("a concurrency key has one run", detail);
            }
        }
        for (id, open) in open {
            let max = db.w.projects[&id].max_concurrent_runs;
            if max.is_some_and(|max| open > max) {
                let detail = format!("project {id}: {open} of {max:?}");
                return violated("limits on open runs are never exceeded", detail);
            }
        }
        if db.w.occupancy == db.occupancy() {
            Ok(())
        } else {
            violated("the engine counts what is under way", "")
        }
    }

    /// Once all is healed and quiet.
    pub fn at_the_end(db: &Database) -> Result<(), Violation> {
        let left: BTreeSet<WorkItemId> =
            db.w.items
                .values()
                .filter(|item| !matches!(item.state, State::Done | State::Cancelled))
                .map(|item| item.id)
                .collect();
        if left.is_empty() {
            return Ok(());
        }
        violated("all work is finished in the end", format!("left: {left:?}"))
    }
}
