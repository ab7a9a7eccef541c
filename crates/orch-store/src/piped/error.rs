//! What can go wrong on a connection to the shared database.

use std::io::ErrorKind;

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
    #[error("no connection to the database within {} s", .within.as_secs())]
    NoConnection {
        within: std::time::Duration,
        /// Why the last attempt failed, if one came to its end.
        source: Option<Box<PipedError>>,
    },
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
            | Self::NoConnection { .. }
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
        let is_refused = self.io().is_some_and(|source| {
            matches!(
                source.kind(),
                // A socket's file is missing while its server is.
                ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset | ErrorKind::NotFound
            )
        });
        let passes = [SqlState::CANNOT_CONNECT_NOW, SqlState::TOO_MANY_CONNECTIONS];
        is_refused || self.state().is_some_and(|state| passes.contains(state))
    }

    fn io(&self) -> Option<&std::io::Error> {
        let Self::Postgres(error) = self else {
            return None;
        };
        std::error::Error::source(error).and_then(|source| source.downcast_ref())
    }

    /// Whether the connection was lost under way. What it had begun is taken back, but for a commit
    /// that was sent.
    pub(crate) fn is_lost_connection(&self) -> bool {
        let Self::Postgres(error) = self else {
            return false;
        };
        let is_ended = self.state().is_some_and(|state| {
            let code = state.code();
            code.starts_with("08") || code.starts_with("57P") || code == "25P03"
        });
        error.is_closed() || self.io().is_some() || is_ended
    }

    /// Whether the database or the way to it is to blame, and the same may succeed later.
    pub(crate) fn is_away(&self) -> bool {
        match self {
            Self::NoConnection { .. } => true,
            Self::Postgres(_) => {
                self.is_lost_connection()
                    || self.state().is_some_and(|state| says_away(state.code()))
            }
            Self::Unreadable(_)
            | Self::NoColumn(_)
            | Self::NoRow
            | Self::BrokenOff
            | Self::Closed => false,
        }
    }

    pub(crate) fn is_no_space(&self) -> bool {
        self.state() == Some(&SqlState::DISK_FULL)
    }
}

/// Whether a state of SQL says that the database serves nobody, or not this program, for now: it
/// ends connections, lets none in, writes nothing, or another's transaction holds the turn.
pub(crate) fn says_away(code: &str) -> bool {
    const CLASSES: [&str; 3] = ["08", "28", "57P"];
    const CODES: [&str; 5] = ["3D000", "53300", "25P03", "25006", "55P03"];
    CLASSES.iter().any(|class| code.starts_with(class)) || CODES.contains(&code)
}
