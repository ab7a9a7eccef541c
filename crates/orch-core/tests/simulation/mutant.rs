//! Faults that are built into the simulated world on purpose, to show that the invariants notice.

use orch_core::engine::{Changes, Ctx, Refusal, Working};
use orch_core::ids::{ProjectId, QueueEntryId};
use orch_core::project::Project;
use orch_core::queue::Status;
use std::collections::HashMap;

use crate::database::{Op, Reply, apply};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    None,
    StaleCompletionsAccepted,
    EpochNotRaised,
    DependencyCounterNotDecremented,
    DependenciesIgnored,
    QuotaIgnored,
    RunLimitIgnored,
    ConcurrencyKeysIgnored,
    PassNotSaved,
    PriorityIgnored,
    LeasesNeverExpire,
    OpenEntriesForgotten,
    ApprovalsNotUsedUp,
}

/// What [`Mutant::after`] puts back.
#[derive(Default)]
pub struct Undo {
    projects: HashMap<ProjectId, Project>,
    unmet: HashMap<QueueEntryId, Status>,
    priorities: HashMap<QueueEntryId, i32>,
}

impl Mutant {
    pub fn before(self, w: &mut Working, op: &Op) -> Undo {
        let mut undo = Undo::default();
        let starts = matches!(op, Op::Start(_) | Op::Tick | Op::Dispatch { .. });
        if matches!(self, Self::QuotaIgnored | Self::RunLimitIgnored) && starts {
            undo.projects = w.projects.clone();
            for project in w.projects.values_mut() {
                if self == Self::QuotaIgnored {
                    project.quota.max_runs_per_day = None;
                } else {
                    project.max_concurrent_runs = None;
                }
            }
        }
        if self == Self::PassNotSaved {
            undo.projects = w.projects.clone();
        }
        if self == Self::ConcurrencyKeysIgnored {
            for there in w.occupancy.values_mut() {
                there.keys.clear();
            }
        }
        if self == Self::DependencyCounterNotDecremented && matches!(op, Op::Complete { .. }) {
            let queued = w.entries.iter().map(|(id, entry)| (*id, entry.status));
            undo.unmet = queued.collect();
        }
        if self == Self::DependenciesIgnored && starts {
            for entry in w.entries.values_mut() {
                if let Status::Queued { unmet, .. } = &mut entry.status {
                    *unmet = 0;
                }
            }
        }
        if self == Self::PriorityIgnored && starts {
            for (id, entry) in &mut w.entries {
                undo.priorities.insert(*id, entry.priority);
                entry.priority = 0;
            }
        }
        if self == Self::OpenEntriesForgotten && matches!(op, Op::Enqueue(..)) {
            w.open_entries.clear();
        }
        undo
    }

    pub fn apply(self, w: &mut Working, ctx: &mut Ctx<'_>, op: &Op) -> Result<Reply, Refusal> {
        match (self, op) {
            (
                Self::StaleCompletionsAccepted,
                Op::Complete {
                    agent,
                    hold,
                    verdict,
                },
            ) => {
                let hold = (hold.0, w.run(hold.0)?.epoch);
                let (agent, verdict) = (agent.clone(), *verdict);
                apply(
                    w,
                    ctx,
                    &Op::Complete {
                        agent,
                        hold,
                        verdict,
                    },
                )
            }
            (Self::LeasesNeverExpire, Op::Expire(_) | Op::EndHold { .. }) => Ok(Reply::Done),
            (Self::EpochNotRaised, Op::Dispatch { .. }) => {
                let reply = apply(w, ctx, op)?;
                let Reply::Runs(mut runs) = reply else {
                    return Ok(reply);
                };
                for run in &mut runs {
                    run.epoch = run.epoch.saturating_sub(1).max(1);
                    w.runs.insert(run.id, run.clone());
                }
                Ok(Reply::Runs(runs))
            }
            _ => apply(w, ctx, op),
        }
    }

    pub fn after(self, w: &mut Working, changes: &Changes, undo: Undo) {
        for (id, before) in undo.projects {
            if let Some(project) = w.projects.get_mut(&id) {
                if self == Self::PassNotSaved {
                    project.share = before.share;
                } else {
                    project.quota.max_runs_per_day = before.quota.max_runs_per_day;
                    project.max_concurrent_runs = before.max_concurrent_runs;
                }
            }
        }
        for id in &changes.entries {
            if let (Some(before @ Status::Queued { .. }), Some(entry)) =
                (undo.unmet.get(id), w.entries.get_mut(id))
            {
                entry.status = *before;
            }
        }
        if self == Self::ApprovalsNotUsedUp {
            for approval in w.approvals.values_mut().flatten() {
                approval.used_by = None;
            }
        }
        for (id, priority) in undo.priorities {
            if let Some(entry) = w.entries.get_mut(&id) {
                entry.priority = priority;
            }
        }
    }
}
