//! What can go wrong between a decision and the disk.

use orch_core::engine::Refusal;

use crate::piped::{self, PipedError};
use crate::reach::ReachError;
use crate::schema::SchemaError;
use crate::{Unreadable, segment};

/// A refusal is the caller's business; everything else is ours.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    /// The embedded one, while writing.
    #[error("the database failed")]
    Embedded(#[from] rusqlite::Error),
    /// The shared one, while writing or in a short read.
    #[error("the database failed")]
    Piped(#[from] PipedError),
    /// The shared one cannot be reached at all.
    #[error(transparent)]
    Reach(#[from] ReachError),
    /// The shared one was away; nothing was changed.
    #[error("the database is away: {0}")]
    Away(String),
    /// The shared one went away while a commit was under way, and could not be asked about it.
    #[error("the connection to the database was lost during a commit, whose outcome is not known")]
    OutcomeUnknown(#[source] Box<StoreError>),
    #[error(transparent)]
    Schema(#[from] SchemaError),
    #[error("failed to bring the database's schema forward")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// What a column holds cannot be.
    #[error("column {column} {what}")]
    Corrupt { column: &'static str, what: String },
    #[error(transparent)]
    Unreadable(#[from] Box<Unreadable>),
    #[error("the log files failed")]
    Log(#[from] segment::LogError),
    #[error("failed to read or write {path}")]
    Io {
        path: String,
        source: std::io::Error,
    },
    #[error("the log lines that came before were not stored")]
    LogNotStored,
    #[error("there is no space left: {0}")]
    NoSpace(String),
    #[error("the store is shutting down")]
    Closed,
}

impl From<std::convert::Infallible> for StoreError {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}

impl StoreError {
    pub(crate) fn corrupt(column: &'static str, value: impl Into<String>) -> Self {
        let value: String = value.into().chars().take(80).collect();
        Self::Corrupt {
            column,
            what: format!("holds `{value}`"),
        }
    }

    /// The text is not repeated: whoever asks for the server's health may not know what it says.
    pub(crate) fn no_json(column: &'static str) -> Self {
        Self::Corrupt {
            column,
            what: "holds a text that is not its JSON".to_owned(),
        }
    }

    /// Whether one row is to blame, so that a batch is worth replaying: it violates a constraint of
    /// the database, or cannot be read.
    pub(crate) fn is_of_one_row(&self) -> bool {
        let is_constraint = match self {
            Self::Database(sqlx::Error::Database(e)) => {
                e.is_unique_violation() || e.is_foreign_key_violation() || e.is_check_violation()
            }
            Self::Embedded(error) => {
                error.sqlite_error_code() == Some(rusqlite::ErrorCode::ConstraintViolation)
            }
            Self::Piped(error) => error.is_constraint(),
            _ => false,
        };
        is_constraint || self.is_unreadable()
    }

    /// Whether a stored row holds what cannot be read.
    #[must_use]
    pub fn is_unreadable(&self) -> bool {
        matches!(
            self,
            Self::Corrupt { .. }
                | Self::Unreadable(_)
                | Self::Database(sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_))
                | Self::Piped(PipedError::Unreadable(_))
                | Self::Embedded(
                    rusqlite::Error::InvalidColumnType(..)
                        | rusqlite::Error::FromSqlConversionFailure(..)
                        | rusqlite::Error::Utf8Error(..)
                )
        )
    }

    /// Whether there is no space left where something was to be written. Nothing was changed, and
    /// the same may succeed later.
    #[must_use]
    pub fn is_no_space(&self) -> bool {
        match self {
            Self::NoSpace(_) => true,
            // SQLITE_FULL, whatever follows in an extended code; and PostgreSQL's disk_full.
            Self::Database(sqlx::Error::Database(error)) => match error.code().as_deref() {
                Some("53100") => true,
                Some(code) => code.parse::<i32>().is_ok_and(|code| code & 0xff == 13),
                None => false,
            },
            Self::Embedded(error) => {
                error.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull)
            }
            Self::Piped(error) => error.is_no_space(),
            Self::Database(sqlx::Error::Io(source)) | Self::Io { source, .. } => {
                has_no_space(source)
            }
            Self::Log(segment::LogError::Io { source, .. }) => has_no_space(source),
            Self::Refused(_)
            | Self::Database(_)
            | Self::Reach(_)
            | Self::Away(_)
            | Self::OutcomeUnknown(_)
            | Self::Schema(_)
            | Self::Migrate(_)
            | Self::Corrupt { .. }
            | Self::Unreadable(_)
            | Self::Log(_)
            | Self::LogNotStored
            | Self::Closed => false,
        }
    }

    /// Whether the shared database is to blame, or the way to it: it is away, or lets nobody in, and
    /// the same may succeed later.
    #[must_use]
    pub fn is_away(&self) -> bool {
        match self {
            Self::Reach(_) | Self::Away(_) | Self::OutcomeUnknown(_) => true,
            Self::Piped(error) => error.is_away(),
            Self::Database(sqlx::Error::PoolTimedOut | sqlx::Error::Io(_)) => !self.is_no_space(),
            Self::Database(sqlx::Error::Database(error)) => {
                let is_shared = error.try_downcast_ref::<sqlx::postgres::PgDatabaseError>();
                is_shared.is_some_and(|error| piped::says_away(error.code()))
            }
            Self::Refused(_)
            | Self::Database(_)
            | Self::Embedded(_)
            | Self::Schema(_)
            | Self::Migrate(_)
            | Self::Corrupt { .. }
            | Self::Unreadable(_)
            | Self::Log(_)
            | Self::Io { .. }
            | Self::LogNotStored
            | Self::NoSpace(_)
            | Self::Closed => false,
        }
    }

    /// Whether something was changed cannot be told.
    #[must_use]
    pub fn is_of_unknown_outcome(&self) -> bool {
        matches!(self, Self::OutcomeUnknown(_))
    }

    /// Whether the connection was lost on the way, so that another one may do better at once.
    pub(crate) fn is_lost_connection(&self) -> bool {
        matches!(self, Self::Piped(error) if error.is_lost_connection())
    }

    /// Whether it comes from the shared database.
    #[must_use]
    pub fn is_of_shared_database(&self) -> bool {
        match self {
            Self::Database(sqlx::Error::Database(error)) => error
                .try_downcast_ref::<sqlx::postgres::PgDatabaseError>()
                .is_some(),
            Self::Piped(_) => true,
            other => other.is_away(),
        }
    }

    /// The same failure, for another who shared the commit.
    pub(crate) fn of_the_same_commit(&self) -> Self {
        let message = format!("the commit failed: {self}");
        if self.is_no_space() {
            Self::NoSpace(message)
        } else if self.is_of_unknown_outcome() {
            Self::OutcomeUnknown(Box::new(Self::Away(message)))
        } else if self.is_away() {
            Self::Away(message)
        } else {
            Self::Database(sqlx::Error::Protocol(message))
        }
    }
}

fn has_no_space(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_known_wherever_it_shows() {
        let full = || std::io::Error::from_raw_os_error(28);
        let attempt = segment::LogError::Io {
            attempt: "write",
            path: "1.seg".into(),
            source: full(),
        };
        let path = "artifact".to_owned();
        for error in [
            StoreError::from(sqlx::Error::from(full())),
            StoreError::Log(attempt),
            StoreError::Io {
                path,
                source: full(),
            },
        ] {
            assert!(error.is_no_space(), "{error:?}");
            assert!(error.of_the_same_commit().is_no_space());
        }
        assert!(!StoreError::Closed.is_no_space());
        assert!(!StoreError::Closed.of_the_same_commit().is_no_space());
    }

    #[tokio::test]
    async fn a_full_database_file_is_a_full_disk() {
        let pool = sqlx::SqlitePool::connect("sqlite::memory:")
            .await
            .expect("a database");
        let mut conn = pool.acquire().await.expect("a connection");
        let limit = "PRAGMA page_size = 512; CREATE TABLE t (x); PRAGMA max_page_count = 2";
        sqlx::raw_sql(limit)
            .execute(&mut *conn)
            .await
            .expect("a small database");
        let insert = "INSERT INTO t VALUES (zeroblob(100000))";
        let error = sqlx::raw_sql(insert).execute(&mut *conn).await.unwrap_err();
        assert!(StoreError::from(error).is_no_space());
    }
}
