//! The idempotency key that a request acts under. It is taken in the very commit of the request's
//! first act, so that no crash can leave an act without its key, or a key without an act.
//!
//! It goes along with the task that serves the request, and every transaction that this task
//! begins finds it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use orch_core::audit::Head;
use orch_core::time::Timestamp;

use crate::conn::send;
use crate::{Conn, StoreError};

tokio::task_local! {
    static CURRENT: Arc<Reservation>;
}

/// A key that is taken with the first act.
#[derive(Debug)]
pub struct Reservation {
    key: String,
    /// A digest of the request.
    request: String,
    was_used: AtomicBool,
}

impl Reservation {
    #[must_use]
    pub fn new(key: &str, request: &str) -> Arc<Self> {
        Arc::new(Self {
            key: key.to_owned(),
            request: request.to_owned(),
            was_used: AtomicBool::default(),
        })
    }

    /// Serves a request under the key.
    pub async fn hold<F: Future>(self: Arc<Self>, serving: F) -> F::Output {
        CURRENT.scope(self, serving).await
    }

    /// Whether a commit took it along; that commit may have failed.
    #[must_use]
    pub fn was_used(&self) -> bool {
        self.was_used.load(Ordering::Relaxed)
    }

    /// That of the present task.
    pub(crate) fn current() -> Option<Arc<Self>> {
        CURRENT.try_with(Arc::clone).ok()
    }

    /// Takes the key, with the audit entries that stand for the act.
    pub(crate) async fn take(
        &self,
        conn: &mut Conn,
        before: Head,
        after: Head,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.was_used.store(true, Ordering::Relaxed);
        let entries = serde_json::json!({"first": before.seq + 1, "last": after.seq}).to_string();
        send!(
            conn,
            "INSERT INTO idempotency (key, request, status, headers, body, created_at)
             VALUES ($1, $2, 0, $3, $4, $5) ON CONFLICT (key) DO NOTHING",
            self.key.as_str(),
            self.request.as_str(),
            entries.as_str(),
            [0_u8; 0].as_slice(),
            now.as_micros()
        )?;
        Ok(())
    }
}
