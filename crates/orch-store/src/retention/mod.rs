//! Retention: removing the logs of finished runs that are old, or too much.
//!
//! What is removed of a run are always its first lines, and what is left of it knows how many.
//! Never touches a run that is not over, and never a line without an audit entry.

mod forget;
mod rows;
mod segments;

pub use forget::Removed;

use std::time::Duration;

use orch_core::time::Timestamp;

use crate::{Database, Store, StoreError};

/// What may be kept; everything where nothing is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// Logs of runs that ended longer ago are removed.
    pub age: Option<Duration>,
    /// Where logs take more, those of the oldest finished runs are removed.
    pub size_bytes: Option<u64>,
}

impl Retention {
    #[must_use]
    pub const fn is_off(&self) -> bool {
        self.age.is_none() && self.size_bytes.is_none()
    }

    /// Runs that ended before this are old.
    fn cutoff(&self, now: Timestamp) -> Option<Timestamp> {
        let age = i64::try_from(self.age?.as_micros()).ok()?;
        Some(Timestamp::from_micros(now.as_micros().saturating_sub(age)))
    }
}

/// Removes what is due; answers what that was. May be given up and called again at any point.
///
/// # Errors
/// When the database or the disk fails; what was removed before stays removed.
pub async fn apply(store: &Store, retention: Retention) -> Result<Removed, StoreError> {
    match store.database() {
        Database::Sqlite { logs, .. } => segments::apply(store, logs, retention).await,
        Database::Postgres { .. } => rows::apply(store, retention).await,
    }
}
