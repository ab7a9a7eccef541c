//! Why a command was refused: the caller's mistake, or a conflict of state.

use crate::gate::Closed;
use crate::run::Fenced;

/// A refusal changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("there is no {noun} {id}")]
    NotFound { noun: &'static str, id: i64 },
    #[error("`{field}` {message}")]
    Invalid {
        field: &'static str,
        message: String,
    },
    #[error("{message}")]
    Conflict { code: &'static str, message: String },
    #[error("{message}")]
    Forbidden { code: &'static str, message: String },
}

impl Refusal {
    #[must_use]
    pub fn not_found(noun: &'static str, id: i64) -> Self {
        Self::NotFound { noun, id }
    }

    #[must_use]
    pub fn conflict(code: &'static str, message: impl Into<String>) -> Self {
        Self::Conflict {
            code,
            message: message.into(),
        }
    }

    #[must_use]
    pub fn invalid(field: &'static str, message: impl Into<String>) -> Self {
        Self::Invalid {
            field,
            message: message.into(),
        }
    }
}

impl From<Fenced> for Refusal {
    fn from(fenced: Fenced) -> Self {
        let code = match &fenced {
            Fenced::Finished { .. } => "run_finished",
            Fenced::StaleEpoch { .. } => "stale_epoch",
            Fenced::HeldByAnother { .. } => "held_by_another",
            Fenced::NotHeld { .. } => "not_held",
            Fenced::Lapsed { .. } => "lease_lapsed",
            Fenced::TakenOver { .. } => "taken_over",
        };
        Self::conflict(code, fenced.to_string())
    }
}

impl From<Closed> for Refusal {
    fn from(closed: Closed) -> Self {
        Self::Forbidden {
            code: closed.code(),
            message: closed.to_string(),
        }
    }
}
