//! The serialised database: rows in memory, one commit after another, each all or nothing.
//!
//! Before each decision it loads what a store loads (edges, what is under way, the virtual time)
//! from its own tables, so that the changes which the engine reports are checked too.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use orch_core::engine::{
    self, Changes, Completion, Ctx, Enqueue, NewWorkItem, NextIds, Occupancy, Reach, Refusal,
    Requeue, Verdict, Waiting, Working,
};
use orch_core::entropy::Entropy;
use orch_core::ids::{AgentName, ProjectId, QueueEntryId, RunId, WorkItemId};
use orch_core::queue::Status;
use orch_core::rules::Rules;
use orch_core::run::{Run, RunState};
use orch_core::time::Timestamp;

use crate::approvals;
use crate::mutant::Mutant;
use crate::network::Hold;

pub const TTL: Duration = Duration::from_secs(15);

/// One transaction.
#[derive(Clone, Debug)]
pub enum Op {
    Create(NewWorkItem),
    Enqueue(WorkItemId, Enqueue),
    Start(WorkItemId),
    Tick,
    Dispatch {
        agent: AgentName,
        slots: usize,
    },
    Renew {
        agent: AgentName,
        hold: Hold,
    },
    Complete {
        agent: AgentName,
        hold: Hold,
        verdict: Verdict,
    },
    Ask {
        hold: Hold,
    },
    Unpark(RunId),
    Expire(RunId),
    EndHold {
        run: RunId,
        agent: AgentName,
    },
    CancelItem(WorkItemId),
    CancelRun(RunId),
    CancelEntry(QueueEntryId),
    RequeueItem(WorkItemId, Duration),
    RequeueRun(RunId),
    SetQuota(ProjectId, Option<u32>),
    Approve(WorkItemId),
    Change(WorkItemId, u64),
    /// An agent of somebody else claims a run that it chose.
    Claim {
        run: RunId,
        agent: AgentName,
    },
}

/// What a transaction answered and did.
pub struct Commit {
    pub answer: Result<Reply, Refusal>,
    pub changes: Changes,
}

#[derive(Clone, Debug)]
pub enum Reply {
    Entry(QueueEntryId),
    Runs(Vec<Run>),
    Done,
}

pub struct Database {
    pub w: Working,
    /// The dependencies of entries, and whether they are met.
    pub edges: BTreeMap<(QueueEntryId, WorkItemId), bool>,
    pub rules: Rules,
    open: BTreeSet<RunId>,
    entropy: Entropy,
    mutant: Mutant,
}

impl Database {
    pub fn new(seed: u64, rules: Rules, mutant: Mutant) -> Self {
        let next = NextIds {
            work_item: 1,
            entry: 1,
            run: 1,
        };
        Self {
            w: Working::new(next),
            edges: BTreeMap::new(),
            rules,
            open: BTreeSet::new(),
            entropy: Entropy::seeded(seed),
            mutant,
        }
    }

    /// Runs that have not ended, by id.
    pub fn open_runs(&self) -> impl Iterator<Item = &Run> {
        self.open.iter().map(|id| &self.w.runs[id])
    }

    pub fn holds_of(&self, agent: &AgentName) -> Vec<Hold> {
        self.open_runs()
            .filter(|run| run.lease().is_some_and(|lease| lease.agent == *agent))
            .map(|run| (run.id, run.epoch))
            .collect()
    }

    /// What is under way, counted from the runs.
    pub fn occupancy(&self) -> HashMap<ProjectId, Occupancy> {
        let mut all: HashMap<ProjectId, Occupancy> = self
            .w
            .projects
            .keys()
            .map(|id| (*id, Occupancy::default()))
            .collect();
        for run in self.open_runs() {
            let there = all.entry(run.project_id).or_default();
            there.open_runs += 1;
            if let Some(key) = &run.concurrency_key {
                there.keys.insert(key.clone(), run.id);
            }
        }
        all
    }

    pub fn commit(&mut self, op: &Op, now: Timestamp) -> Commit {
        self.load();
        let undo = self.mutant.before(&mut self.w, op);
        let mut ctx = Ctx {
            now,
            actor: "sim",
            rules: &self.rules,
            entropy: &mut self.entropy,
        };
        let answer = self.mutant.apply(&mut self.w, &mut ctx, op);
        let changes = std::mem::take(&mut self.w.changes);
        self.mutant.after(&mut self.w, &changes, undo);
        self.save_edges(&changes);
        for id in &changes.runs {
            if matches!(self.w.runs[id].state, RunState::Finished(_)) {
                self.open.remove(id);
            } else {
                self.open.insert(*id);
            }
        }
        Commit { answer, changes }
    }

    fn load(&mut self) {
        self.w.occupancy = self.occupancy();
        let passes = self
            .w
            .projects
            .values()
            .filter_map(|project| project.share.pass);
        self.w.virtual_time = passes.max().unwrap_or(0);
        self.w.open_entries.clear();
        let mut open: Vec<_> = self
            .w
            .entries
            .values()
            .filter(|entry| entry.status.is_open())
            .map(|entry| (entry.work_item_id, entry.id))
            .collect();
        open.sort_unstable();
        self.w.open_entries.extend(open);
        self.w.dependents.clear();
        self.w.waits_for.clear();
        for (&(entry, on), &met) in &self.edges {
            let queued = &self.w.entries[&entry];
            if !met && matches!(queued.status, Status::Queued { .. }) {
                self.w.dependents.entry(on).or_default().insert(entry);
                self.w
                    .waits_for
                    .entry(queued.work_item_id)
                    .or_default()
                    .insert(on);
            }
        }
    }

    fn save_edges(&mut self, changes: &Changes) {
        for &edge in &changes.new_dependencies {
            self.edges.insert(edge, false);
        }
        for &edge in &changes.met_dependencies {
            self.edges.entry(edge).or_insert(true);
        }
        for ((_, on), met) in &mut self.edges {
            *met |= changes.met.contains(on);
        }
        self.edges
            .retain(|(entry, _), met| *met || !changes.dropped.contains(entry));
    }

    /// How many of an entry's edges are unmet.
    pub fn unmet(&self, entry: QueueEntryId) -> usize {
        self.edges
            .range((entry, WorkItemId(i64::MIN))..=(entry, WorkItemId(i64::MAX)))
            .filter(|(_, met)| !**met)
            .count()
    }
}

/// Lets the engine decide.
pub fn apply(w: &mut Working, ctx: &mut Ctx<'_>, op: &Op) -> Result<Reply, Refusal> {
    let done = |_: Run| Reply::Done;
    match op {
        Op::Create(new) => engine::create_item(w, ctx, new.clone()).map(|_| Reply::Done),
        Op::Enqueue(item, want) => {
            engine::enqueue(w, ctx, *item, want.clone()).map(|entry| Reply::Entry(entry.id))
        }
        Op::Start(item) => engine::start_item(w, ctx, *item, None).map(done),
        Op::Tick => Ok(Reply::Runs(engine::tick(w, ctx))),
        Op::Dispatch { agent, slots } => Ok(Reply::Runs(engine::dispatch(
            w,
            ctx,
            agent,
            *slots,
            TTL,
            Reach::QueueToo,
        ))),
        Op::Renew { agent, hold } => {
            engine::heartbeat(w, ctx, hold.0, agent, Some(hold.1), None).map(|_| Reply::Done)
        }
        Op::Complete { hold, verdict, .. } => {
            let completion = Completion {
                epoch: Some(hold.1),
                verdict: *verdict,
                exit_code: None,
                reason: None,
            };
            engine::complete(w, ctx, hold.0, completion).map(done)
        }
        Op::Ask { hold } => {
            engine::park(w, ctx, hold.0, Some(hold.1))?;
            engine::release(w, ctx, hold.0, Some(hold.1)).map(|()| Reply::Done)
        }
        Op::Unpark(run) => engine::unpark(w, ctx, *run).map(|()| Reply::Done),
        Op::Expire(run) => engine::expire_lease(w, ctx, *run).map(|_| Reply::Done),
        Op::EndHold { run, agent } => {
            engine::end_agent_hold(w, ctx, *run, agent).map(|_| Reply::Done)
        }
        Op::CancelItem(item) => engine::cancel_item(w, ctx, *item).map(|_| Reply::Done),
        Op::CancelRun(run) => engine::cancel_run(w, ctx, *run, None).map(done),
        Op::CancelEntry(entry) => engine::cancel_entry(w, ctx, *entry).map(|_| Reply::Done),
        Op::RequeueItem(item, delay) => {
            let how = requeue(Waiting::For(*delay));
            engine::requeue_item(w, ctx, *item, how).map(|entry| Reply::Entry(entry.id))
        }
        Op::RequeueRun(run) => {
            let how = requeue(Waiting::Backoff);
            engine::requeue_run(w, ctx, *run, how).map(|entry| Reply::Entry(entry.id))
        }
        Op::SetQuota(project, max) => {
            if let Some(project) = w.projects.get_mut(project) {
                project.quota.max_runs_per_day = *max;
            }
            Ok(Reply::Done)
        }
        Op::Approve(item) => approvals::approve(w, ctx, *item).map(|()| Reply::Done),
        Op::Change(item, number) => approvals::change(w, ctx, *item, *number).map(|()| Reply::Done),
        Op::Claim { run, agent } => {
            engine::claim(w, ctx, *run, agent, TTL).map(|run| Reply::Runs(vec![run]))
        }
    }
}

fn requeue(waiting: Waiting) -> Requeue {
    Requeue {
        waiting,
        priority: None,
        trace_id: None,
    }
}
