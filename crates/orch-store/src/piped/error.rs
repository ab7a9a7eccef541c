//! What can go wrong on a connection to the shared database.

use tokio_postgres::error::SqlState;

/// A failure of the shared database, or of the connection to it.
#[derive(Debug, thiserror::Error)]
pub enum PipedError {
    #[error(transparent)]
    Postgres(#[from] tokio_postgres::Error),
    #[error("a stored value is not of its column's type")]
    Unreadable(#[source] tokio_postgres::Error),
    #[error("the answer has no column `{0}`")]
    NoColumn(&'static str),
    #[error("there is no such row")]
    NoRow,
    /// A statement failed or was given up, so that nothing of the transaction stands.
    #[error("the transaction was broken off before")]
    BrokenOff,
    #[error("no connection to the database within {} s", .0.as_secs())]
    NoConnection(std::time::Duration),
    #[error("the store is shutting down")]
    Closed,
}

impl PipedError {
    fn state(&self) -> Option<&SqlState> {
        match self {
            Self::Postgres(error) => error.code(),
            Self::Unreadable(_)
            | Self::NoColumn(_)
            | Self::NoRow
            | Self::BrokenOff
            | Self::NoConnection(_)
            | Self::Closed => None,
        }
    }

    /// Whether a row violates a constraint.
    pub(crate) fn is_constraint(&self) -> bool {
        self.state().is_some_and(|state| {
            [
                SqlState::UNIQUE_VIOLATION,
                SqlState::FOREIGN_KEY_VIOLATION,
                SqlState::CHECK_VIOLATION,
            ]
            .contains(state)
        })
    }

    /// Whether an attempt to connect may succeed a moment later.
    pub(super) fn may_pass(&self) -> bool {
        let Self::Postgres(error) = self else {
            return false;
        };
        let is_refused = std::error::Error::source(error)
            .and_then(|source| source.downcast_ref::<std::io::Error>())
            .is_some_and(|source| source.kind() == std::io::ErrorKind::ConnectionRefused);
        let passes = [SqlState::CANNOT_CONNECT_NOW, SqlState::TOO_MANY_CONNECTIONS];
        is_refused || self.state().is_some_and(|state| passes.contains(state))
    }

    pub(crate) fn is_no_space(&self) -> bool {
        self.state() == Some(&SqlState::DISK_FULL)
    }
}
