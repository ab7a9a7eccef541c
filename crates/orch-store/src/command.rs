//! The hot operations, which the writer commits in groups. The set is closed: everything else is
//! an ordinary transaction.

use std::collections::BTreeSet;
use std::time::Duration;

use orch_core::engine::{self, Completion, Ctx, Enqueue, NewWorkItem, Reach, Refusal, Working};
use orch_core::ids::{AgentName, RunId, WorkItemId};
use orch_core::queue::QueueEntry;
use orch_core::run::{Expiry, Run};
use orch_core::work_item::WorkItem;

use crate::Needs;
use crate::segment::LogLine;

/// One hot operation.
#[derive(Clone, Debug)]
pub enum Command {
    /// All or none.
    CreateItems(Vec<NewWorkItem>),
    /// All or none.
    Enqueue(Vec<(WorkItemId, Enqueue)>),
    /// Starts everything eligible.
    Tick,
    /// Fills an agent's free slots.
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
    Complete {
        run: RunId,
        done: Completion,
        follows: Follows,
    },
    /// Takes a lapsed lease away.
    ExpireLease { run: RunId },
    /// The agent is known to be gone.
    EndHold { run: RunId, agent: AgentName },
}

/// What a completion was handed over behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Follows {
    Nothing,
    /// Logs of the run that the writer was given just before, and whose end was not awaited. When
    /// they are not stored, the run does not end.
    QueuedLogs,
}

/// What a command answers.
#[derive(Clone, Debug)]
pub enum Reply {
    Items(Vec<WorkItem>),
    Entries(Vec<QueueEntry>),
    Runs(Vec<Run>),
    Run(Box<Run>),
    Expiry(Expiry),
    /// The number of the first line that was added.
    Logged {
        first_seq: u64,
    },
}

impl Command {
    /// Whether it chooses among ready entries, and so must see everything before it committed.
    pub(crate) const fn schedules(&self) -> bool {
        matches!(self, Self::Tick | Self::Dispatch { .. })
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
            Self::Tick | Self::Dispatch { .. } => {}
            Self::Claim { run, .. } | Self::Heartbeat { run, .. } => {
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
            | Self::Dispatch { .. }
            | Self::Claim { .. }
            | Self::Heartbeat { .. }
            | Self::Log { .. }
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
            | Self::Dispatch { .. }
            | Self::Claim { .. }
            | Self::Heartbeat { .. }
            | Self::Log { .. }
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
                .map(|(item, want)| engine::enqueue(w, ctx, *item, want.clone()))
                .collect::<Result<_, _>>()
                .map(Reply::Entries),
            Self::Tick => Ok(Reply::Runs(engine::tick(w, ctx))),
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
