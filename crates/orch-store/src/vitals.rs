//! How the store is: whether its writer gets on, and whether its disk takes what is written.
//!
//! Counters alone, so that whoever looks never waits for what may be stuck.

use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use orch_core::time::Timestamp;

use crate::conn::sql;
use crate::{Conn, Store, StoreError};

/// What is counted.
#[derive(Debug)]
pub(crate) struct Vitals {
    opened: Instant,
    /// Milliseconds after `opened` at which a transaction had its turn last.
    turn_ms: AtomicI64,
    /// Those who wait for their turn.
    waiting: AtomicUsize,
    /// The same for the last write that failed for lack of space, while none succeeded since.
    full_ms: AtomicI64,
}

/// Before the first of its kind.
const NEVER: i64 = i64::MIN;
/// Where nobody writes, a full disk is not full for ever.
const FULL_FOR_MS: i64 = 60_000;

impl Default for Vitals {
    fn default() -> Self {
        Self {
            opened: Instant::now(),
            turn_ms: AtomicI64::default(),
            waiting: AtomicUsize::default(),
            full_ms: AtomicI64::new(NEVER),
        }
    }
}

/// Somebody who waits for a turn, until this is dropped.
pub(crate) struct Waiting<'a>(&'a Vitals);

impl Vitals {
    fn now_ms(&self) -> i64 {
        i64::try_from(self.opened.elapsed().as_millis()).unwrap_or(i64::MAX)
    }

    pub(crate) fn wait(&self) -> Waiting<'_> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        Waiting(self)
    }

    fn is_full(&self) -> bool {
        let full_ms = self.full_ms.load(Ordering::Relaxed);
        full_ms != NEVER && self.now_ms() - full_ms < FULL_FOR_MS
    }

    /// Notes how a commit ended.
    pub(crate) fn note(&self, committed: &Result<(), StoreError>) {
        match committed {
            Ok(()) => self.full_ms.store(NEVER, Ordering::Relaxed),
            Err(error) if error.is_no_space() => {
                self.full_ms.store(self.now_ms(), Ordering::Relaxed);
            }
            Err(_) => {}
        }
    }
}

impl Waiting<'_> {
    /// The turn has come.
    pub(crate) fn over(self) {
        self.0.turn_ms.store(self.0.now_ms(), Ordering::Relaxed);
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Work that waits for a transaction which does not end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stuck {
    pub waiting: usize,
    pub since: Duration,
}

/// What the database says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pulse {
    /// When its newest audit entry was made; none in a new installation.
    pub newest_entry: Option<Timestamp>,
    /// Its own clock, where it has one.
    pub clock: Option<Timestamp>,
}

impl Store {
    /// The transaction under way, where it takes longer than `patience`.
    #[must_use]
    pub fn stuck(&self, patience: Duration) -> Option<Stuck> {
        let waiting = self.vitals.waiting.load(Ordering::Relaxed) + self.commands_waiting();
        let under_way = self.state.try_lock().is_err();
        let turn_ms = self.vitals.turn_ms.load(Ordering::Relaxed);
        let since_ms = self.vitals.now_ms().saturating_sub(turn_ms);
        let since = Duration::from_millis(u64::try_from(since_ms).unwrap_or(0));
        ((under_way || waiting > 0) && since > patience).then_some(Stuck { waiting, since })
    }

    /// Whether a write failed for lack of space a moment ago, and none succeeded since.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.vitals.is_full()
    }

    /// Asks the database for a sign of life.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn pulse(&self) -> Result<Pulse, StoreError> {
        let conn = &mut self.look().await?;
        let newest: Option<(i64,)> = crate::conn::optional!(
            conn,
            (i64,),
            "SELECT at FROM audit ORDER BY seq DESC LIMIT 1"
        )?;
        let clock = match conn {
            Conn::PostgresPiped(_) | Conn::PostgresTx(_) | Conn::PostgresRead(_) => {
                let now: (i64,) = crate::conn::one!(
                    conn,
                    (i64,),
                    sql!(postgres: "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)")
                )?;
                Some(Timestamp::from_micros(now.0))
            }
            Conn::SqliteInline(_) | Conn::SqliteTx(_) | Conn::SqliteRead(_) => None,
        };
        Ok(Pulse {
            newest_entry: newest.map(|(at,)| Timestamp::from_micros(at)),
            clock,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_is_noted_until_something_was_written() {
        let vitals = Vitals::default();
        let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
        vitals.note(&Err(sqlx::Error::from(full).into()));
        assert!(vitals.is_full());
        vitals.note(&Err(StoreError::Closed));
        assert!(vitals.is_full());
        vitals.note(&Ok(()));
        assert!(!vitals.is_full());
    }
}
