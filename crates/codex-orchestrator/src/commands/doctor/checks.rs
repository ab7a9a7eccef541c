//! What a check found.

use serde::Serialize;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Ok,
    /// Works, or is not needed; somebody may want to know.
    Warning,
    /// Something will not work.
    Failed,
}

/// A check and its outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    pub name: &'static str,
    pub verdict: Verdict,
    pub message: String,
}

impl Check {
    pub fn ok(name: &'static str, message: impl Into<String>) -> Self {
        Self {
            name,
            verdict: Verdict::Ok,
            message: message.into(),
        }
    }

    pub fn warning(name: &'static str, message: impl Into<String>) -> Self {
        Self {
            name,
            verdict: Verdict::Warning,
            message: message.into(),
        }
    }

    pub fn failed(name: &'static str, message: impl Into<String>) -> Self {
        Self {
            name,
            verdict: Verdict::Failed,
            message: message.into(),
        }
    }
}
