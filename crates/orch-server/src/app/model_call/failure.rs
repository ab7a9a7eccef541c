//! Why a role's model gave no answer, and what a caller over HTTP is told of it.

use std::time::Duration;

use orch_model::{Class, ModelError};

use super::super::AppError;

/// A caller who is told nothing of when a limit lifts may come back after so long.
const AGAIN_AFTER_SECONDS: u64 = 60;

/// There is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    #[error(
        "no model is configured: set OPENAI_API_KEY, or ORCH_OPENAI_BASE_URL for a server of your own (vLLM, Ollama), \
         and start the server again"
    )]
    NoModel,
    /// Whoever asked stopped it, or the server goes down.
    #[error("cancelled")]
    Cancelled,
    #[error("the model did not answer within {} s", .0.as_secs())]
    TooLate(Duration),
    #[error("the model answered without a text")]
    Empty,
    #[error("{0}")]
    Failed(#[from] ModelError),
}

impl From<NoAnswer> for AppError {
    fn from(why: NoAnswer) -> Self {
        let detail = why.to_string();
        match why {
            NoAnswer::NoModel => Self::conflict("no_model", detail),
            NoAnswer::Failed(error) => match error.class() {
                Class::Transient { after } | Class::Parked { after } => Self::Busy {
                    detail,
                    after_seconds: after
                        .map_or(AGAIN_AFTER_SECONDS, |after| after.as_secs().max(1)),
                },
                Class::Final => Self::Unavailable(detail),
            },
            NoAnswer::Cancelled | NoAnswer::TooLate(_) | NoAnswer::Empty => {
                Self::Unavailable(detail)
            }
        }
    }
}
