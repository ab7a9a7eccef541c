//! What can go wrong between a decision and the disk.

use orch_core::engine::Refusal;

use crate::schema::SchemaError;
use crate::segment;

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
    #[error(transparent)]
    Schema(#[from] SchemaError),
    #[error("failed to bring the database's schema forward")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    #[error("a stored {what} is not readable: `{value}`")]
    Corrupt { what: &'static str, value: String },
    #[error("the log files failed")]
    Log(#[from] segment::LogError),
    #[error("failed to read or write {path}")]
    Io {
        path: String,
        source: std::io::Error,
    },
    #[error("the log lines that came before were not stored")]
    LogNotStored,
    #[error("the store is shutting down")]
    Closed,
}

impl StoreError {
    pub(crate) fn corrupt(what: &'static str, value: impl Into<String>) -> Self {
        Self::Corrupt {
            what,
            value: value.into().chars().take(80).collect(),
        }
    }

    /// Whether a constraint of the database was violated, so that a batch is worth replaying.
    pub(crate) fn is_constraint(&self) -> bool {
        match self {
            Self::Database(sqlx::Error::Database(e)) => {
                e.is_unique_violation() || e.is_foreign_key_violation() || e.is_check_violation()
            }
            Self::Embedded(error) => {
                error.sqlite_error_code() == Some(rusqlite::ErrorCode::ConstraintViolation)
            }
            _ => false,
        }
    }
}
