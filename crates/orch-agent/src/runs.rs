//! The runs that this process holds, from their assignment to their last acknowledgement.
//!
//! Works at most as many at once as there are slots. Two holds of the same run never work at the
//! same time, and a run's folder goes only once the server knows how the run ended.

use std::{
    collections::{HashMap, VecDeque},
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures::FutureExt as _;
use orch_api::proto::{Assignment, Held};
use orch_sandbox::exec::RunFolder;
use tokio::sync::{Semaphore, SemaphorePermit, mpsc};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use orch_redact::Hidden;

use crate::{
    clock::Now,
    desk::Desk,
    hold::{Hold, Loss},
    kept::{self, Upkeep},
    outbox::{Outbox, RunKey, RunLink},
    progress::RunLog,
    settle::{After, settle},
    tools::ToolDesk,
    work::answers,
    worker::{Ended, Finished, Job, Outcome, Worker},
};

/// All runs under way.
pub(crate) struct Runs {
    outbox: Arc<Outbox>,
    desk: Arc<Desk>,
    worker: Arc<dyn Worker>,
    now: Now,
    slots: Arc<Semaphore>,
    active: Mutex<HashMap<i64, Active>>,
    tasks: TaskTracker,
    kept: Mutex<VecDeque<RunFolder>>,
    removing: tokio::sync::Mutex<()>,
    keep: usize,
    upkeep: Upkeep,
}

struct Active {
    epoch: u64,
    hold: Hold,
    /// Cancelled when nothing of this hold is left.
    over: CancellationToken,
    task: Option<tokio::task::AbortHandle>,
}

impl Runs {
    pub(crate) fn new(
        outbox: Arc<Outbox>,
        desk: Arc<Desk>,
        worker: Arc<dyn Worker>,
        now: Now,
        slots: usize,
        keep: usize,
        upkeep: Upkeep,
    ) -> Self {
        Self {
            outbox,
            desk,
            worker,
            now,
            slots: Arc::new(Semaphore::new(slots.clamp(1, Semaphore::MAX_PERMITS))),
            active: Mutex::default(),
            tasks: TaskTracker::new(),
            kept: Mutex::default(),
            removing: tokio::sync::Mutex::default(),
            keep,
            upkeep,
        }
    }

    fn active(&self) -> MutexGuard<'_, HashMap<i64, Active>> {
        self.active.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is said to be held after a lost stream.
    pub(crate) fn held(&self) -> Vec<Held> {
        let active = self.active();
        let held = active.iter().map(|(run_id, active)| Held {
            run_id: *run_id,
            epoch: active.epoch,
        });
        held.collect()
    }

    /// Begins a run. One that is held already under this epoch goes on undisturbed; an older hold
    /// of the same run ends first.
    pub(crate) fn take(self: &Arc<Self>, assignment: Assignment) {
        let key = RunKey {
            run_id: assignment.run_id,
            epoch: assignment.epoch,
        };
        let mut active = self.active();
        let earlier = match active.get(&key.run_id) {
            Some(held) if held.epoch >= key.epoch => return,
            Some(held) => {
                held.hold.lose(Loss::Superseded);
                Some(held.over.clone())
            }
            None => None,
        };
        let (hold, said) = Hold::new(RunLink::new(key, Arc::clone(&self.outbox)));
        let over = CancellationToken::new();
        active.insert(
            key.run_id,
            Active {
                epoch: key.epoch,
                hold: hold.clone(),
                over: over.clone(),
                task: None,
            },
        );
        let runs = Arc::clone(self);
        let guard = over.drop_guard();
        let task = self.tasks.spawn(async move {
            if let Some(earlier) = earlier {
                earlier.cancelled().await;
            }
            runs.drive(assignment, &hold, said).await;
            runs.release(key);
            drop(guard);
        });
        if let Some(held) = active.get_mut(&key.run_id) {
            held.task = Some(task.abort_handle());
        }
    }

    fn release(&self, key: RunKey) {
        let mut active = self.active();
        if active
            .get(&key.run_id)
            .is_some_and(|held| held.epoch == key.epoch)
        {
            active.remove(&key.run_id);
        }
    }

    async fn drive(&self, assignment: Assignment, hold: &Hold, said: mpsc::Receiver<String>) {
        let hidden = Hidden::default();
        hidden.add(answers::secrets(&assignment.answers));
        let (log, carried) = RunLog::start(hold.link.clone(), hidden, self.now);
        let hidden = Arc::clone(log.hidden());
        // Kept until the server knows the end: its next run is not told of before.
        let (ended, _slot) = self.work(assignment, log, hold, said).await;
        // Ends as soon as all is posted, or the run is lost.
        if let Err(error) = carried.await {
            tracing::error!(%error, "the log of a run broke off");
        }
        match settle(hold, ended.outcome, &hidden.redactor()).await {
            After::Over => self.put_away(ended.folder).await,
            After::MayGoOn => drop(ended.folder),
            // What was done before the question stays; a folder without it is made again.
            After::Waits => {
                let has_begun = |folder: &RunFolder| folder.plan().exists();
                if !ended.folder.as_ref().is_some_and(has_begun) {
                    self.put_away(ended.folder).await;
                }
            }
        }
    }

    async fn work(
        &self,
        assignment: Assignment,
        log: RunLog,
        hold: &Hold,
        said: mpsc::Receiver<String>,
    ) -> (Ended, Option<SemaphorePermit<'_>>) {
        let stop = hold.stopped();
        let slot = tokio::select! {
            biased;
            () = stop.cancelled() => None,
            slot = self.slots.acquire() => slot.ok(),
        };
        if slot.is_none() {
            let ended = Ended {
                outcome: Outcome::Stopped,
                folder: None,
            };
            return (ended, slot);
        }
        orch_failpoint::pass("agent.run.assigned");
        let run_id = assignment.run_id;
        let job = Job {
            assignment,
            log,
            stop,
            said: said.into(),
            desk: Arc::clone(&self.desk),
            tool_desk: ToolDesk::new(hold.link.clone()),
        };
        let worked = AssertUnwindSafe(async { self.worker.work(job).await }).catch_unwind();
        let ended = worked.await.unwrap_or_else(|_| {
            tracing::error!(run.id = run_id, "the agent failed while it worked on a run");
            let reason = "the agent failed inside: its own log tells more";
            Ended {
                outcome: Outcome::Finished(Finished::failed(reason)),
                folder: None,
            }
        });
        (ended, slot)
    }

    /// Removes a finished run's folder, or keeps it in place of the oldest one kept.
    async fn put_away(&self, folder: Option<RunFolder>) {
        let Some(folder) = folder else {
            return;
        };
        if kept::is_kept(folder.path()) {
            let upkeep = self.upkeep.clone();
            let kept = tokio::task::spawn_blocking(move || {
                kept::strip(folder);
                upkeep.run();
            });
            if let Err(error) = kept.await {
                tracing::warn!(%error, "the keeping of a workspace broke off");
            }
            return;
        }
        {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.push_back(folder);
            if kept.len() <= self.keep {
                return;
            }
        }
        // Whoever removes already takes this one too.
        let Ok(_removing) = self.removing.try_lock() else {
            return;
        };
        while let Some(surplus) = self.surplus() {
            let removed = tokio::task::spawn_blocking(move || surplus.into_iter().for_each(remove));
            if let Err(error) = removed.await {
                tracing::warn!(%error, "the removal of runs' folders broke off");
            }
        }
    }

    /// What is kept beyond the number to keep, oldest first.
    fn surplus(&self) -> Option<Vec<RunFolder>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let surplus = kept
            .len()
            .checked_sub(self.keep)
            .filter(|surplus| *surplus > 0)?;
        Some(kept.drain(..surplus).collect())
    }

    /// The hold on a run is over; unknown and newer holds are left alone.
    pub(crate) fn lose(&self, key: RunKey, loss: Loss) {
        if let Some(held) = self.active().get(&key.run_id)
            && held.epoch == key.epoch
        {
            held.hold.lose(loss);
        }
    }

    /// Passes on what a person says to a run.
    pub(crate) fn say(&self, run: RunKey, text: String) {
        let active = self.active();
        let held = active.get(&run.run_id);
        let held = held.filter(|held| held.epoch == run.epoch);
        if !held.is_some_and(|held| held.hold.say(text)) {
            tracing::warn!(
                run.id = run.run_id,
                "what a person said did not reach the run"
            );
        }
    }

    /// The server took a run back, under whatever epoch it is held.
    pub(crate) fn revoke(&self, run_id: i64, reason: String) {
        if let Some(held) = self.active().get(&run_id) {
            held.hold.lose(Loss::TakenBack(reason));
        }
    }

    /// All holds are over.
    pub(crate) fn lose_all(&self, loss: &Loss) {
        for held in self.active().values() {
            held.hold.lose(loss.clone());
        }
    }

    /// Ends all work; the runs are given back.
    pub(crate) fn stop_all(&self) {
        self.tasks.close();
        for held in self.active().values() {
            held.hold.stop();
        }
    }

    /// Waits until nothing is under way, after [`Runs::stop_all`].
    pub(crate) async fn idle(&self) {
        self.tasks.wait().await;
    }

    /// Drops whatever is still under way, its processes included.
    pub(crate) fn abort_all(&self) {
        for held in self.active().values() {
            held.hold.lose(Loss::Outage);
            if let Some(task) = &held.task {
                task.abort();
            }
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.active().len()
    }
}

pub(crate) fn remove(folder: RunFolder) {
    let path = folder.path().to_owned();
    if let Err(error) = folder.remove() {
        let error = crate::text::chain(&error);
        tracing::warn!(path = %path.display(), %error, "failed to remove a run's folder");
    }
}
