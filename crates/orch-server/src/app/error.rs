//! Why an operation did not happen.

use orch_core::engine::Refusal;
use orch_core::info_request::Fault;
use orch_store::StoreError;

/// The caller's mistake, a conflict of state, or our fault.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    #[error(transparent)]
    Refused(Refusal),
    #[error("{detail}")]
    Invalid { detail: String, faults: Vec<Fault> },
    #[error("{0}")]
    PreconditionFailed(String),
    #[error("{0}")]
    TooLarge(String),
    /// The disk has no room for new work; what it says names the disk.
    #[error("{0}")]
    NoSpace(String),
    #[error(transparent)]
    Store(StoreError),
}

impl AppError {
    pub(crate) fn not_found(noun: &'static str, id: i64) -> Self {
        Self::Refused(Refusal::not_found(noun, id))
    }

    pub(crate) fn conflict(code: &'static str, message: impl Into<String>) -> Self {
        Self::Refused(Refusal::conflict(code, message))
    }

    pub(crate) fn forbidden(code: &'static str, message: impl Into<String>) -> Self {
        Self::Refused(Refusal::Forbidden {
            code,
            message: message.into(),
        })
    }

    pub(crate) fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        let (field, message) = (field.into(), message.into());
        Self::Invalid {
            detail: format!("`{field}` {message}"),
            faults: vec![Fault { field, message }],
        }
    }

    /// Several values are wrong: `what`, and each with its reason.
    pub(crate) fn faults(what: &str, faults: Vec<Fault>) -> Self {
        let named: Vec<String> = faults
            .iter()
            .map(|fault| format!("`{}` {}", fault.field, fault.message))
            .collect();
        Self::Invalid {
            detail: format!("{what}: {}", named.join("; ")),
            faults,
        }
    }
}

impl From<StoreError> for AppError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Refused(refusal) => Self::Refused(refusal),
            other => Self::Store(other),
        }
    }
}

impl From<Refusal> for AppError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}
