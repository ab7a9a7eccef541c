//! Why a call brought nothing, in words that the caller's model can act on.

use orch_api::client::ClientError;
use serde_json::{Value, json};

/// A call that failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// What was given cannot be used.
    #[error("{0}")]
    Input(String),
    /// The server said no, or did not answer.
    #[error("{0}")]
    Client(#[from] ClientError),
    /// The caller took it back.
    #[error("the call was cancelled")]
    Cancelled,
}

impl Fault {
    /// Whether it says that there is no such thing.
    pub(crate) fn is_missing(&self) -> bool {
        self.status() == Some(404)
    }

    /// The status of the server's refusal.
    pub(crate) fn status(&self) -> Option<u16> {
        match self {
            Self::Client(error) => error.problem().map(|problem| problem.status),
            Self::Input(_) | Self::Cancelled => None,
        }
    }

    /// As an object: `{"error": {"message": …}}`.
    pub(crate) fn shown(&self) -> Value {
        let mut error = json!({"message": self.to_string()});
        if let Self::Client(client) = self {
            if let Some(step) = client.next_step() {
                error["next_step"] = step.into();
            }
            if let Some(problem) = client.problem() {
                error["problem"] = serde_json::to_value(problem).unwrap_or_default();
            }
        }
        json!({"error": error})
    }
}
