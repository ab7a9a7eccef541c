//! Wake-ups after a commit. They carry no data, and correctness never depends on one.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use orch_core::ids::RunId;
use tokio::sync::{Notify, watch};

use crate::Key;
use crate::herald::Herald;

/// Nobody looks at more rows at once.
const MOST_HEARD: usize = 1000;

type Watched = Mutex<HashMap<RunId, watch::Sender<u64>>>;

/// Who wants to know that something was committed, here or by another server.
#[derive(Clone, Default)]
pub struct Signals {
    schedule: Arc<Notify>,
    clock: Arc<Notify>,
    runs: Arc<Watched>,
    elsewhere: Arc<Elsewhere>,
    /// Tells the other servers, where there may be some.
    herald: Option<Arc<Herald>>,
}

/// Runs that other servers wrote to.
#[derive(Default)]
struct Elsewhere {
    runs: Mutex<Heard>,
    some: Notify,
    /// Rows that other servers could not read.
    unreadable: Mutex<Vec<(String, Key)>>,
}

/// What was heard since somebody looked.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard {
    Runs(BTreeSet<RunId>),
    /// It is not known which: news were missed, or there were many.
    AnyRun,
}

impl Default for Heard {
    fn default() -> Self {
        Self::Runs(BTreeSet::new())
    }
}

impl Signals {
    /// Resolves once work may have become startable or claimable since the last call.
    pub async fn schedulable(&self) {
        self.schedule.notified().await;
    }

    /// Resolves once entries may fall due, or leases run out, that did not before the last call.
    pub async fn timers_changed(&self) {
        self.clock.notified().await;
    }

    /// For how long the other servers could not be told of commits; `None` while they can.
    #[must_use]
    pub fn untold_for(&self) -> Option<std::time::Duration> {
        self.herald.as_ref()?.failing_for()
    }

    pub(crate) fn with_herald(herald: Arc<Herald>) -> Self {
        Self {
            herald: Some(herald),
            ..Self::default()
        }
    }

    /// Wakes the dispatchers of all servers.
    pub fn wake_scheduler(&self) {
        self.wake_scheduler_here();
        if let Some(herald) = &self.herald {
            herald.schedule();
        }
    }

    /// What became ready was handed out here as far as it goes. Other servers may have slots.
    pub(crate) fn note_filled(&self) {
        self.clock.notify_one();
        if let Some(herald) = &self.herald {
            herald.schedule();
        }
    }

    pub(crate) fn wake_scheduler_here(&self) {
        self.schedule.notify_one();
    }

    /// Resolves once another server wrote to runs; answers to which.
    pub async fn heard_from_elsewhere(&self) -> Heard {
        self.elsewhere.some.notified().await;
        let mut heard = self
            .elsewhere
            .runs
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *heard)
    }

    /// Another server wrote to these runs; `None` stands for any.
    pub(crate) fn woken_from_elsewhere(&self, ids: Option<BTreeSet<RunId>>) {
        match &ids {
            Some(ids) => self.wake_here(ids.iter().copied()),
            None => self.wake_all_here(),
        }
        {
            let elsewhere = &self.elsewhere.runs;
            let mut heard = elsewhere.lock().unwrap_or_else(PoisonError::into_inner);
            match (&mut *heard, ids) {
                (Heard::Runs(before), Some(ids)) => before.extend(ids),
                (heard, _) => *heard = Heard::AnyRun,
            }
        }
        self.elsewhere.some.notify_one();
    }

    pub(crate) fn tell_of_unreadable(&self, rows: BTreeSet<(&'static str, Key)>) {
        if let Some(herald) = &self.herald {
            herald.unreadable(rows);
        }
    }

    pub(crate) fn unreadable_heard(&self, rows: Vec<(String, Key)>) {
        let heard = &self.elsewhere.unreadable;
        let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
        if heard.len() < MOST_HEARD {
            heard.extend(rows);
        }
    }

    /// Rows that other servers could not read, since the last call.
    pub(crate) fn unreadable_elsewhere(&self) -> Vec<(String, Key)> {
        let heard = &self.elsewhere.unreadable;
        std::mem::take(&mut *heard.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Watches one run: its state and its log.
    #[must_use]
    pub fn watch_run(&self, id: RunId) -> RunWatch {
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        let sender = runs.entry(id).or_insert_with(|| watch::channel(0).0);
        RunWatch {
            id,
            receiver: Some(sender.subscribe()),
            runs: Arc::clone(&self.runs),
        }
    }

    pub(crate) fn wake_runs(&self, ids: &[RunId]) {
        self.wake_here(ids.iter().copied());
        if let Some(herald) = &self.herald {
            herald.runs(ids);
        }
    }

    fn wake_all_here(&self) {
        let runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        for sender in runs.values() {
            sender.send_modify(|count| *count = count.wrapping_add(1));
        }
    }

    fn wake_here(&self, ids: impl IntoIterator<Item = RunId>) {
        let runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        if runs.is_empty() {
            return;
        }
        for id in ids {
            if let Some(sender) = runs.get(&id) {
                sender.send_modify(|count| *count = count.wrapping_add(1));
            }
        }
    }
}

/// A subscription to one run; dropping the last one frees its place.
pub struct RunWatch {
    id: RunId,
    receiver: Option<watch::Receiver<u64>>,
    runs: Arc<Watched>,
}

impl RunWatch {
    /// How often the run or its log has changed since somebody watches; what changed so far will
    /// not wake this watch.
    pub fn mark(&mut self) -> u64 {
        let receiver = self.receiver.as_mut();
        receiver.map_or(0, |receiver| *receiver.borrow_and_update())
    }

    /// Resolves when the run or its log has changed since the last call, or the last mark.
    pub async fn changed(&mut self) {
        if let Some(receiver) = &mut self.receiver
            && receiver.changed().await.is_err()
        {
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for RunWatch {
    fn drop(&mut self) {
        self.receiver = None;
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        if runs
            .get(&self.id)
            .is_some_and(|sender| sender.receiver_count() == 0)
        {
            runs.remove(&self.id);
        }
    }
}
