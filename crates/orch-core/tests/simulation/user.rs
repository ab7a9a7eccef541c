//! People: add work, change their minds, and clear up in the end.

use std::time::Duration;

use orch_core::engine::{Enqueue, NewWorkItem, Verdict};
use orch_core::ids::{AgentName, ProjectId, RunId, WorkItemId};
use orch_core::queue::Status;
use orch_core::run::RunState;
use orch_core::work_item::{ConcurrencyKey, Kind, Policy, State};

use crate::approvals;
use crate::chance::Chance;
use crate::database::{Database, Op};
use crate::network::Hold;

/// What a person asks for. Items are named by number, because what was asked before may be lost.
#[derive(Clone, Debug)]
pub enum Wish {
    Add {
        project: ProjectId,
        key: Option<u64>,
        retries: u32,
        priority: i32,
        delay_ms: u64,
        /// Needs an approval.
        risky: bool,
    },
    /// Queues an item, waiting for others of its project; merges where it is queued already.
    Enqueue {
        nth: usize,
        on: Vec<usize>,
    },
    Start {
        nth: usize,
    },
    CancelItem {
        nth: usize,
    },
    CancelRun {
        nth: usize,
    },
    CancelEntry {
        nth: usize,
    },
    Requeue {
        nth: usize,
        delay_ms: u64,
    },
    RequeueRun {
        nth: usize,
    },
    Quota {
        project: ProjectId,
        max: u32,
    },
    Tick,
    /// Approves what stands still without.
    Approve,
    Change {
        nth: usize,
        number: u64,
    },
    /// Claims a run by its number, and completes it after a time, renewing nothing.
    Claim {
        nth: usize,
        works_us: u64,
    },
    ClaimEnds {
        hold: Hold,
    },
    /// Answers every question.
    Answer,
    /// Clears up: raises quotas, queues again what failed, gives up what can never be done.
    ClearUp,
}

impl Wish {
    pub fn random(chance: &mut Chance, projects: usize) -> Self {
        let nth = chance.index(1_000);
        let project = ProjectId(i64::try_from(chance.index(projects)).unwrap() + 1);
        match chance.range(0..=99) {
            0..=19 => Self::add(chance, project),
            20..=24 => Self::Change {
                nth,
                number: chance.range(1..=1_000),
            },
            25..=29 => Self::Claim {
                nth,
                works_us: chance.range(100_000..=40_000_000),
            },
            30..=34 => Self::Approve,
            35..=54 => {
                let count = chance.range(0..=3);
                let on = (0..count).map(|_| chance.index(1_000)).collect();
                Self::Enqueue { nth, on }
            }
            55..=59 => Self::Start { nth },
            60..=62 => Self::CancelItem { nth },
            63..=66 => Self::CancelRun { nth },
            67..=70 => Self::CancelEntry { nth },
            71..=77 => Self::Requeue {
                nth,
                delay_ms: chance.range(0..=5_000),
            },
            78..=83 => Self::RequeueRun { nth },
            84..=86 => Self::Quota {
                project,
                max: u32::try_from(chance.range(1..=12)).unwrap(),
            },
            87..=90 => Self::Tick,
            _ => Self::Answer,
        }
    }

    pub fn add(chance: &mut Chance, project: ProjectId) -> Self {
        Self::Add {
            project,
            key: chance.percent(25).then(|| chance.range(1..=2)),
            retries: u32::try_from(chance.range(0..=3)).unwrap(),
            priority: i32::try_from(chance.range(0..=4)).unwrap() - 2,
            delay_ms: if chance.percent(20) {
                chance.range(0..=10_000)
            } else {
                0
            },
            risky: chance.percent(15),
        }
    }

    /// The transactions that it comes to, as things stand.
    pub fn ops(&self, db: &Database) -> Vec<Op> {
        let item = |nth: usize| nth_of(&items(db), nth);
        let run = |nth: usize| {
            let mut ids: Vec<RunId> = db.w.runs.keys().copied().collect();
            ids.sort_unstable();
            nth_of(&ids, nth)
        };
        let one = |op: Option<Op>| op.into_iter().collect();
        match self {
            Self::Add {
                project,
                key,
                retries,
                priority,
                delay_ms,
                risky,
            } => {
                let title = if *risky { "destroy it" } else { "x" };
                let new = NewWorkItem {
                    project_id: *project,
                    title: title.into(),
                    description: String::new(),
                    kind: Kind::Task,
                    environment: None,
                    policy: Policy {
                        max_retries: Some(*retries),
                        ..Policy::default()
                    },
                    reference: None,
                    concurrency_key: key
                        .map(|key| ConcurrencyKey::parse(&format!("key-{key}")).unwrap()),
                };
                let want = Enqueue {
                    priority: Some(*priority),
                    delay: Some(Duration::from_millis(*delay_ms)),
                    ..Enqueue::default()
                };
                let id = WorkItemId(db.w.next.work_item);
                vec![Op::Create(new), Op::Enqueue(id, want)]
            }
            Self::Enqueue { nth, on } => one(item(*nth).map(|id| {
                let project = db.w.items[&id].project_id;
                let mut siblings = items(db);
                siblings.retain(|id| db.w.items[id].project_id == project);
                let on = on.iter().filter_map(|nth| nth_of(&siblings, *nth));
                let want = Enqueue {
                    depends_on: on.collect(),
                    ..Enqueue::default()
                };
                Op::Enqueue(id, want)
            })),
            Self::Start { nth } => one(item(*nth).map(Op::Start)),
            Self::CancelItem { nth } => one(item(*nth).map(Op::CancelItem)),
            Self::CancelRun { nth } => one(run(*nth).map(Op::CancelRun)),
            Self::CancelEntry { nth } => {
                let mut ids: Vec<_> = db.w.entries.keys().copied().collect();
                ids.sort_unstable();
                one(nth_of(&ids, *nth).map(Op::CancelEntry))
            }
            Self::Requeue { nth, delay_ms } => {
                let delay = Duration::from_millis(*delay_ms);
                one(item(*nth).map(|id| Op::RequeueItem(id, delay)))
            }
            Self::RequeueRun { nth } => one(run(*nth).map(Op::RequeueRun)),
            Self::Quota { project, max } => vec![Op::SetQuota(*project, Some(*max))],
            Self::Tick => vec![Op::Tick],
            Self::Approve => approve_all(db),
            Self::Change { nth, number } => one(item(*nth).map(|id| Op::Change(id, *number))),
            Self::Claim { nth, .. } => {
                let open: Vec<RunId> = db.open_runs().map(|run| run.id).collect();
                let agent = guest();
                one(nth_of(&open, *nth).map(|run| Op::Claim { run, agent }))
            }
            Self::ClaimEnds { hold } => vec![Op::Complete {
                agent: guest(),
                hold: *hold,
                verdict: Verdict::Success,
            }],
            Self::Answer => answers(db),
            Self::ClearUp => clear_up(db),
        }
    }
}

/// An agent that is not one of ours.
fn guest() -> AgentName {
    AgentName::parse("guest").unwrap()
}

fn approve_all(db: &Database) -> Vec<Op> {
    approvals::wanted(db).into_iter().map(Op::Approve).collect()
}

fn nth_of<T: Copy>(all: &[T], nth: usize) -> Option<T> {
    (!all.is_empty()).then(|| all[nth % all.len()])
}

fn items(db: &Database) -> Vec<WorkItemId> {
    let mut ids: Vec<WorkItemId> = db.w.items.keys().copied().collect();
    ids.sort_unstable();
    ids
}

fn answers(db: &Database) -> Vec<Op> {
    db.open_runs()
        .filter(|run| matches!(run.state, RunState::Waiting { .. }))
        .map(|run| Op::Unpark(run.id))
        .collect()
}

fn clear_up(db: &Database) -> Vec<Op> {
    let mut ops = answers(db);
    ops.extend(approve_all(db));
    let mut projects: Vec<ProjectId> = db.w.projects.keys().copied().collect();
    projects.sort_unstable();
    ops.extend(projects.into_iter().map(|id| Op::SetQuota(id, None)));
    for id in items(db) {
        let item = &db.w.items[&id];
        if matches!(item.state, State::Done | State::Cancelled) {
            continue;
        }
        let open =
            db.w.entries
                .values()
                .find(|entry| entry.work_item_id == id && entry.status.is_open());
        let is_cancelled = |on: &WorkItemId| db.w.items[on].state == State::Cancelled;
        match open {
            None => ops.push(Op::RequeueItem(id, Duration::ZERO)),
            Some(entry) if matches!(entry.status, Status::Queued { .. }) => {
                let hopeless = db
                    .edges
                    .iter()
                    .any(|((of, on), met)| *of == entry.id && !met && is_cancelled(on));
                if hopeless {
                    ops.push(Op::CancelItem(id));
                }
            }
            Some(_) => {}
        }
    }
    ops
}
