//! Wake-ups after a commit. They carry no data, and correctness never depends on one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use orch_core::ids::RunId;
use tokio::sync::{Notify, watch};

type Watched = Mutex<HashMap<RunId, watch::Sender<u64>>>;

/// Who wants to know that something was committed.
#[derive(Clone, Default)]
pub struct Signals {
    schedule: Arc<Notify>,
    runs: Arc<Watched>,
}

impl Signals {
    /// Resolves once work may have become startable or claimable since the last call.
    pub async fn schedulable(&self) {
        self.schedule.notified().await;
    }

    /// Wakes the dispatcher.
    pub fn wake_scheduler(&self) {
        self.schedule.notify_one();
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

    pub(crate) fn wake_runs(&self, ids: impl IntoIterator<Item = RunId>) {
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
    /// Resolves when the run or its log has changed since the last call.
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
