//! Runs: one attempt of a work item, held by at most one agent at a time.
//!
//! A hold is a lease with a monotonic epoch (the fencing token): whoever carries an older epoch,
//! or holds nothing any more, is refused.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::ids::{AgentName, ProjectId, QueueEntryId, RunId, WorkItemId};
use crate::source::Source;
use crate::time::Timestamp;
use crate::work_item::ConcurrencyKey;

/// After this many lapsed leases a run is not handed out again.
pub const MOST_TAKEOVERS: u32 = 3;

/// One attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    pub id: RunId,
    pub work_item_id: WorkItemId,
    pub project_id: ProjectId,
    pub entry_id: QueueEntryId,
    /// From 1.
    pub attempt: u32,
    pub priority: i32,
    /// The item's key when it was started: held until the run ends.
    pub concurrency_key: Option<ConcurrencyKey>,
    pub state: RunState,
    /// Goes up with every claim.
    pub epoch: u64,
    /// Leases that ran out.
    pub lapses: u32,
    pub trace_id: String,
    /// What it was started to run.
    pub digest: Digest,
    pub created_at: Timestamp,
    /// When it was started.
    pub started_at: Option<Timestamp>,
    /// The commit that it works on, once that is known.
    pub source: Option<Box<Source>>,
}

/// Where a run stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunState {
    Running { lease: Option<Lease> },
    Waiting { lease: Option<Lease> },
    Finished(Finish),
}

/// An agent's hold on a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    pub agent: AgentName,
    pub until: Timestamp,
    pub ttl: Duration,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finish {
    pub outcome: Outcome,
    pub at: Timestamp,
    pub exit_code: Option<i32>,
    /// Who held it, when anybody did.
    pub agent: Option<AgentName>,
    /// Why, in words, where there is something to say.
    pub reason: Option<String>,
}

/// The last word on a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    Succeeded,
    Failed,
    Cancelled,
    Lost,
}

impl Outcome {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Lost => "lost",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Succeeded, Self::Failed, Self::Cancelled, Self::Lost]
            .into_iter()
            .find(|outcome| outcome.as_str() == text)
    }
}

/// Why a caller may not write to a run. Each is a conflict of state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fenced {
    #[error("run {run} is already {status}")]
    Finished { run: RunId, status: &'static str },
    #[error("epoch {got} is stale: run {run} is at epoch {current}")]
    StaleEpoch { run: RunId, got: u64, current: u64 },
    #[error("run {run} is held by `{holder}`")]
    HeldByAnother { run: RunId, holder: AgentName },
    #[error("`{agent}` does not hold run {run}; claim it first")]
    NotHeld { run: RunId, agent: AgentName },
    #[error("the lease on run {run} has run out; claim it again, or cancel it")]
    Lapsed { run: RunId },
    #[error("run {run} was taken over since it was claimed; carry the epoch of your own claim")]
    TakenOver { run: RunId },
}

impl Run {
    /// As the API writes it.
    #[must_use]
    pub const fn status(&self) -> &'static str {
        match &self.state {
            RunState::Running { .. } => "running",
            RunState::Waiting { .. } => "waiting",
            RunState::Finished(finish) => finish.outcome.as_str(),
        }
    }

    #[must_use]
    pub const fn lease(&self) -> Option<&Lease> {
        match &self.state {
            RunState::Running { lease } | RunState::Waiting { lease } => lease.as_ref(),
            RunState::Finished(_) => None,
        }
    }

    fn set_lease(&mut self, new: Option<Lease>) {
        match &mut self.state {
            RunState::Running { lease } | RunState::Waiting { lease } => *lease = new,
            RunState::Finished(_) => {}
        }
    }

    fn refuse_finished(&self) -> Result<(), Fenced> {
        match &self.state {
            RunState::Running { .. } | RunState::Waiting { .. } => Ok(()),
            RunState::Finished(_) => Err(Fenced::Finished {
                run: self.id,
                status: self.status(),
            }),
        }
    }

    /// Whether somebody holds it at `now`.
    #[must_use]
    pub fn live_holder(&self, now: Timestamp) -> Option<&AgentName> {
        self.lease()
            .filter(|lease| now < lease.until)
            .map(|lease| &lease.agent)
    }

    /// Gives the run to `agent`. A holder that claims again keeps its epoch; anybody else gets a
    /// higher one, and only when no live lease stands against it.
    ///
    /// # Errors
    /// When it is finished or another agent holds it.
    pub fn claim(
        &mut self,
        agent: &AgentName,
        ttl: Duration,
        now: Timestamp,
    ) -> Result<Claim, Fenced> {
        self.refuse_finished()?;
        let lease = Lease {
            agent: agent.clone(),
            until: now.plus(ttl),
            ttl,
        };
        if let Some(holder) = self.live_holder(now) {
            if holder != agent {
                return Err(Fenced::HeldByAnother {
                    run: self.id,
                    holder: holder.clone(),
                });
            }
            self.set_lease(Some(lease));
            return Ok(Claim::Renewed);
        }
        let takeover = self.lease().is_some();
        if takeover {
            self.lapses += 1;
        }
        self.epoch += 1;
        self.set_lease(Some(lease));
        Ok(if takeover || self.lapses > 0 {
            Claim::TakenOver
        } else {
            Claim::Taken
        })
    }

    /// Renews the lease of its holder.
    ///
    /// # Errors
    /// When the run is finished, the epoch stale, or the caller does not hold it (any more).
    pub fn heartbeat(
        &mut self,
        agent: &AgentName,
        epoch: Option<u64>,
        ttl: Option<Duration>,
        now: Timestamp,
    ) -> Result<Timestamp, Fenced> {
        self.refuse_finished()?;
        self.check_epoch(epoch)?;
        let Some(lease) = self.lease() else {
            return Err(if self.lapses > 0 {
                Fenced::Lapsed { run: self.id }
            } else {
                Fenced::NotHeld {
                    run: self.id,
                    agent: agent.clone(),
                }
            });
        };
        if lease.agent != *agent {
            return Err(Fenced::HeldByAnother {
                run: self.id,
                holder: lease.agent.clone(),
            });
        }
        if now >= lease.until {
            return Err(Fenced::Lapsed { run: self.id });
        }
        let ttl = ttl.unwrap_or(lease.ttl);
        let until = now.plus(ttl);
        self.set_lease(Some(Lease {
            agent: agent.clone(),
            until,
            ttl,
        }));
        Ok(until)
    }

    /// Checks that a caller may write to the run: report, park, complete.
    ///
    /// One that carries an epoch is fenced by it alone: as long as nobody took the run over, its
    /// work counts, even when its lease has run out. One that carries none may write to a run
    /// that nobody claimed, that waits for a person, or whose lease is live and was never taken
    /// over.
    ///
    /// # Errors
    /// Names what stands against it.
    pub fn check_writer(&self, epoch: Option<u64>, now: Timestamp) -> Result<(), Fenced> {
        self.refuse_finished()?;
        self.check_epoch(epoch)?;
        if epoch.is_some() {
            return Ok(());
        }
        let run = self.id;
        let held = self.live_holder(now).is_some();
        match &self.state {
            RunState::Waiting { .. } if !held => Ok(()),
            RunState::Running { lease: Some(_) } if !held => Err(Fenced::Lapsed { run }),
            RunState::Running { .. } | RunState::Waiting { .. } if self.lapses == 0 => Ok(()),
            RunState::Running { .. } | RunState::Waiting { .. } if held => {
                Err(Fenced::TakenOver { run })
            }
            RunState::Running { .. } | RunState::Waiting { .. } => Err(Fenced::Lapsed { run }),
            RunState::Finished(_) => Ok(()),
        }
    }

    /// Checks that a caller may add to the log. Last lines may still come after the end.
    ///
    /// # Errors
    /// As [`Run::check_writer`], but for a finished run.
    pub fn check_logger(&self, epoch: Option<u64>, now: Timestamp) -> Result<(), Fenced> {
        match &self.state {
            RunState::Finished(_) => self.check_epoch(epoch),
            RunState::Running { .. } | RunState::Waiting { .. } => self.check_writer(epoch, now),
        }
    }

    /// Checks that a caller may add a file. After the end only whoever held the run may, which its epoch
    /// proves.
    ///
    /// # Errors
    /// As [`Run::check_logger`]; and for a finished run without an epoch.
    pub fn check_keeper(&self, epoch: Option<u64>, now: Timestamp) -> Result<(), Fenced> {
        match epoch {
            Some(_) => self.check_logger(epoch, now),
            None => self.check_writer(epoch, now),
        }
    }

    fn check_epoch(&self, epoch: Option<u64>) -> Result<(), Fenced> {
        match epoch {
            Some(got) if got != self.epoch => Err(Fenced::StaleEpoch {
                run: self.id,
                got,
                current: self.epoch,
            }),
            Some(_) | None => Ok(()),
        }
    }

    /// The holder gives the run back, so that any agent may go on with it.
    ///
    /// # Errors
    /// As [`Run::check_writer`].
    pub fn release(&mut self, epoch: Option<u64>, now: Timestamp) -> Result<(), Fenced> {
        self.check_writer(epoch, now)?;
        self.set_lease(None);
        Ok(())
    }

    /// Parks the run: it waits for a person. Its holder keeps its lease as long as it renews it.
    pub fn park(&mut self) {
        if let RunState::Running { lease } = &mut self.state {
            self.state = RunState::Waiting {
                lease: lease.take(),
            };
        }
    }

    /// What it waited for has come.
    pub fn unpark(&mut self) {
        if let RunState::Waiting { lease } = &mut self.state {
            self.state = RunState::Running {
                lease: lease.take(),
            };
        }
    }

    /// Takes a lapsed lease away. A waiting run only loses its holder; a running one counts a
    /// lapse, and after [`MOST_TAKEOVERS`] it is lost.
    pub fn expire(&mut self, now: Timestamp) -> Expiry {
        if self.lease().is_none_or(|lease| now < lease.until) {
            return Expiry::StillHeld;
        }
        match self.state {
            RunState::Waiting { .. } => {
                self.set_lease(None);
                Expiry::Released
            }
            RunState::Running { .. } => {
                self.lapses += 1;
                if self.lapses > MOST_TAKEOVERS {
                    Expiry::Lost
                } else {
                    self.set_lease(None);
                    Expiry::Released
                }
            }
            RunState::Finished(_) => Expiry::StillHeld,
        }
    }

    /// Ends the run.
    pub fn finish(
        &mut self,
        outcome: Outcome,
        exit_code: Option<i32>,
        reason: Option<String>,
        now: Timestamp,
    ) {
        let agent = self.lease().map(|lease| lease.agent.clone());
        self.state = RunState::Finished(Finish {
            outcome,
            at: now,
            exit_code,
            agent,
            reason,
        });
    }
}

/// What a claim came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    Taken,
    Renewed,
    TakenOver,
}

/// What expiring a lease came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    StillHeld,
    Released,
    Lost,
}

#[cfg(test)]
#[path = "run_tests.rs"]
mod tests;
