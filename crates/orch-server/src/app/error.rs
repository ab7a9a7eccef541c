//! Why an operation did not happen.

use std::fmt::Display;

use orch_api::problem::FieldError;
use orch_core::engine::Refusal;
use orch_core::info_request::Fault;
use orch_store::StoreError;

use super::budget::OverBudget;

/// The caller's mistake, a conflict of state, or our fault.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    #[error(transparent)]
    Refused(Refusal),
    #[error("{detail}")]
    Invalid {
        detail: String,
        errors: Vec<FieldError>,
    },
    /// There is no such thing, which has a name and not a number.
    #[error("{0}")]
    NotFound(String),
    #[error("{0}")]
    PreconditionFailed(String),
    #[error("{0}")]
    TooLarge(String),
    /// The disk has no room for new work; what it says names the disk.
    #[error("{0}")]
    NoSpace(String),
    /// Something that the server needs does not answer.
    #[error("{0}")]
    Unavailable(String),
    /// All places are taken; there will be one again.
    #[error("{detail}")]
    Busy { detail: String, after_seconds: u64 },
    /// A model's call could exceed a hard cap.
    #[error("{0}")]
    OverBudget(OverBudget),
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
            errors: vec![FieldError::new(field, message)],
        }
    }

    /// A value that is another than what is accepted.
    pub(crate) fn wrong(
        field: impl Into<String>,
        got: impl Display,
        expected: impl Into<String>,
    ) -> Self {
        let (field, expected, got) = (field.into(), expected.into(), shortened(&got.to_string()));
        Self::Invalid {
            detail: format!("`{field}` is {got}; expected {expected}"),
            errors: vec![FieldError::new(field, expected).got(got)],
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
            errors: faults
                .into_iter()
                .map(|fault| FieldError::new(fault.field, fault.message))
                .collect(),
        }
    }
}

/// A value as messages repeat it: its beginning, where it is long.
fn shortened(value: &str) -> String {
    const LONGEST: usize = 100;
    match value.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &value[..end]),
        None => value.to_owned(),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_value_is_shortened_and_stands_apart_from_what_is_expected() {
        let error = AppError::wrong("delay", "7".repeat(300), "a number");
        let shown = "7".repeat(100) + "…";
        assert_eq!(
            error.to_string(),
            format!("`delay` is {shown}; expected a number")
        );
        let AppError::Invalid { errors, .. } = error else {
            panic!("{error:?}")
        };
        assert_eq!(errors, [FieldError::new("delay", "a number").got(shown)]);
    }
}
