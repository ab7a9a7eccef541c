//! The hot operations, which the writer commits in groups. The set is closed: everything else is
//! an ordinary transaction.

use std::collections::BTreeSet;
use std::time::Duration;

use orch_core::engine::{self, Completion, Ctx, Enqueue, NewWorkItem, Reach, Refusal, Working};
use orch_core::gate;
use orch_core::ids::{AgentName, RunId, WorkItemId};
use orch_core::project::Quota;
use orch_core::queue::QueueEntry;
use orch_core::run::{Expiry, Run};
use orch_core::work_item::WorkItem;

use crate::schedule::Left;
use crate::segment::LogLine;
use crate::step::Step;
use crate::{Needs, StepReport};

/// One hot operation.
#[derive(Clone, Debug)]
pub enum Command {
    /// All or none.
    CreateItems(Vec<NewWorkItem>),
    /// All or none.
    Enqueue(Vec<(WorkItemId, Enqueue)>),
    /// Starts everything eligible.
    Tick,
    /// Fills the free slots of the agents that are known to [`crate::Slots`].
    Fill,
    /// Hands runs to one agent.
    Dispatch {
        agent: AgentName,
        slots: usize,
        ttl: Duration,
        reach: Reach,
    },
    Claim {
        run: RunId,
        agent: AgentName,
        ttl: Duration,
    },
    Heartbeat {
        run: RunId,
        agent: AgentName,
        epoch: Option<u64>,
        ttl: Option<Duration>,
    },
    Log {
        run: RunId,
        epoch: Option<u64>,
        lines: Vec<LogLine>,
    },
    Step {
        run: RunId,
        report: Box<StepReport>,
    },
    Complete {
        run: RunId,
        done: Completion,
        follows: Follows,
    },
    /// Takes a lapsed lease away.
    ExpireLease {
        run: RunId,
    },
    /// The agent is known to be gone.
    EndHold {
        run: RunId,
        agent: AgentName,
    },
}

/// What a completion was handed over behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Follows {
    Nothing,
    /// Logs and step reports of the run that the writer was given just before, and whose end was not
    /// awaited. When they are not stored, the run does not end.
    QueuedLogs,
}

/// An entry as it was queued.
#[derive(Clone, Debug)]
pub struct Queued {
    pub entry: QueueEntry,
    pub hindered: Hindered,
}

/// Whether something besides time and quota may keep an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hindered {
    /// It is new, waits for nothing, and no gate, key or limit concerns it; the project's quota.
    No(Quota),
    Perhaps,
}

fn queued(
    w: &Working,
    ctx: &Ctx<'_>,
    entry: QueueEntry,
    want: &Enqueue,
) -> Result<Queued, Refusal> {
    let item = w.item(entry.work_item_id)?;
    let project = w.project(entry.project_id)?;
    let is_plain = want.depends_on.is_empty()
        && w.changes.new_entries.contains(&entry.id)
        && item.concurrency_key.is_none()
        && project.max_concurrent_runs.is_none()
        && !gate::is_gated(item, ctx.rules);
    let hindered = match is_plain {
        true => Hindered::No(project.quota),
        false => Hindered::Perhaps,
    };
    Ok(Queued { entry, hindered })
}

/// What a command answers.
#[derive(Clone, Debug)]
pub enum Reply {
    Items(Vec<WorkItem>),
    Entries(Vec<Queued>),
    Runs(Vec<Run>),
    Filled(Left),
    Run(Box<Run>),
    Expiry(Expiry),
    /// The number of the first line that was added.
    Logged {
        first_seq: u64,
    },
    Step(Box<Step>),
    /// It may be, and is stored later in the same commit.
    LetThrough,
}

impl Command {
    /// Whether it chooses among ready entries, and so must see everything before it committed.
    pub(crate) const fn schedules(&self) -> bool {
        matches!(self, Self::Tick | Self::Fill | Self::Dispatch { .. })
    }

    /// Whether something may be handed out once it is decided that was not before.
    pub(crate) const fn may_make_ready(&self) -> bool {
        matches!(
            self,
            Self::Enqueue(_)
                | Self::Complete { .. }
                | Self::ExpireLease { .. }
                | Self::EndHold { .. }
        )
    }

    /// The rows that it needs, besides those that scheduling chooses.
    pub(crate) fn add_needs(&self, needs: &mut Needs) {
        match self {
            Self::CreateItems(new) => needs
                .projects
                .extend(new.iter().map(|item| item.project_id)),
            Self::Enqueue(wanted) => {
                for (item, want) in wanted {
                    needs.items.insert(*item);
                    needs.items.extend(&want.depends_on);
                }
            }
            Self::Tick | Self::Fill | Self::Dispatch { .. } => {}
            Self::Claim { run, .. } | Self::Heartbeat { run, .. } | Self::Step { run, .. } => {
                needs.runs.insert(*run);
            }
            Self::Log { run, .. } => {
                needs.runs.insert(*run);
                needs.logged.insert(*run);
            }
            Self::Complete { run, .. } | Self::ExpireLease { run } | Self::EndHold { run, .. } => {
                needs.finishing.insert(*run);
            }
        }
    }

    /// Items that get dependencies: where a cycle may close.
    pub(crate) fn gets_dependencies(&self) -> BTreeSet<WorkItemId> {
        match self {
            Self::Enqueue(wanted) => wanted
                .iter()
                .filter(|(_, want)| !want.depends_on.is_empty())
                .map(|(item, _)| *item)
                .collect(),
            Self::CreateItems(_)
            | Self::Tick
            | Self::Fill
            | Self::Dispatch { .. }
            | Self::Claim { .. }
            | Self::Heartbeat { .. }
            | Self::Log { .. }
            | Self::Step { .. }
            | Self::Complete { .. }
            | Self::ExpireLease { .. }
            | Self::EndHold { .. } => BTreeSet::new(),
        }
    }

    /// Whether a refusal may leave a part done in the working set.
    pub(crate) fn has_parts(&self) -> bool {
        match self {
            Self::CreateItems(new) => new.len() > 1,
            Self::Enqueue(wanted) => wanted.len() > 1,
            Self::Tick
            | Self::Fill
            | Self::Dispatch { .. }
            | Self::Claim { .. }
            | Self::Heartbeat { .. }
            | Self::Log { .. }
            | Self::Step { .. }
            | Self::Complete { .. }
            | Self::ExpireLease { .. }
            | Self::EndHold { .. } => false,
        }
    }

    /// Lets the engine decide.
    pub(crate) fn apply(&self, w: &mut Working, ctx: &mut Ctx<'_>) -> Result<Reply, Refusal> {
        if let Some(current) = self.under_the_current_epoch(w) {
            return current.apply(w, ctx);
        }
        match self {
            Self::CreateItems(new) => new
                .iter()
                .map(|item| engine::create_item(w, ctx, item.clone()))
                .collect::<Result<_, _>>()
                .map(Reply::Items),
            Self::Enqueue(wanted) => wanted
                .iter()
                .map(|(item, want)| {
                    let entry = engine::enqueue(w, ctx, *item, want.clone())?;
                    queued(w, ctx, entry, want)
                })
                .collect::<Result<_, _>>()
                .map(Reply::Entries),
            Self::Tick => Ok(Reply::Runs(engine::tick(w, ctx))),
            // Decided for one agent after the other, where they are known.
            Self::Fill => Ok(Reply::Filled(Left::Nothing)),
            Self::Dispatch {
                agent,
                slots,
                ttl,
                reach,
            } => Ok(Reply::Runs(engine::dispatch(
                w, ctx, agent, *slots, *ttl, *reach,
            ))),
            Self::Claim { run, agent, ttl } => engine::claim(w, ctx, *run, agent, *ttl).map(boxed),
            Self::Heartbeat {
                run,
                agent,
                epoch,
                ttl,
            } => {
                engine::heartbeat(w, ctx, *run, agent, *epoch, *ttl)?;
                Ok(boxed(w.run(*run)?.clone()))
            }
            Self::Log { run, epoch, .. } => {
                w.run(*run)?.check_logger(*epoch, ctx.now)?;
                Ok(Reply::Logged { first_seq: 0 })
            }
            Self::Step { run, report } => {
                w.run(*run)?.check_writer(report.epoch, ctx.now)?;
                Ok(Reply::LetThrough)
            }
            Self::Complete { run, done, .. } => {
                engine::complete(w, ctx, *run, done.clone()).map(boxed)
            }
            Self::ExpireLease { run } => engine::expire_lease(w, ctx, *run).map(Reply::Expiry),
            Self::EndHold { run, agent } => {
                engine::end_agent_hold(w, ctx, *run, agent).map(Reply::Expiry)
            }
        }
    }
}

impl Command {
    /// Where the epoch check is switched off, a completion under an old epoch is taken for one
    /// under the current one.
    fn under_the_current_epoch(&self, w: &Working) -> Option<Self> {
        let Self::Complete { run, done, follows } = self else {
            return None;
        };
        if !orch_failpoint::has_fault("no_epoch_check") {
            return None;
        }
        let epoch = Some(w.run(*run).ok()?.epoch);
        (done.epoch != epoch).then(|| Self::Complete {
            run: *run,
            follows: *follows,
            done: Completion {
                epoch,
                ..done.clone()
            },
        })
    }
}

fn boxed(run: Run) -> Reply {
    Reply::Run(Box::new(run))
}
