//! Why a role's model gave no answer, and what a caller over HTTP is told of it.

use std::time::Duration;

use orch_core::time::whole_seconds;
use orch_model::{Class, ModelError};

use super::super::AppError;
use super::super::budget::OverBudget;

/// A caller who is told nothing of when a limit lifts may come back after so long.
const AGAIN_AFTER_SECONDS: u64 = 60;

/// There is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    #[error(
        "no model is configured: set OPENAI_API_KEY, or ORCH_OPENAI_BASE_URL for a server of your own (vLLM, Ollama), \
         or name models in a file (ORCH_MODELS), and start the server again"
    )]
    NoModel,
    /// Models are set, and none for this role.
    #[error(
        "the role {role} asks no model: ORCH_MODELS names {models} and has no line for it; add `[default] chain = [\"{first}\"]` \
         to the file, or a line `[role.{role}]`, and start the server again"
    )]
    NoLine {
        role: String,
        models: String,
        first: String,
    },
    /// The role's own model is none that is set.
    #[error(
        "the role asks {model}, which is not set: name it in the file of ORCH_MODELS, or give the role a line there"
    )]
    UnknownModel { model: String },
    /// Whoever asked stopped it, or the server goes down.
    #[error("cancelled")]
    Cancelled,
    #[error("the model did not answer within {} s", .0.as_secs())]
    TooLate(Duration),
    /// It could have exceeded a hard cap.
    #[error("{0}")]
    OverBudget(OverBudget),
    /// A hard cap holds, and nobody knows what the model costs.
    #[error(
        "{why}: under a budget with a hard cap a model needs a price, by `codex-orchestrator models set-price`, PUT /models/prices/MODEL or ORCH_MODEL_PRICES"
    )]
    NoPrice { why: String },
    #[error("{0}")]
    Failed(#[from] ModelError),
    /// What must be kept from the model is not known.
    #[error(
        "the model was not asked, because the secrets of the project could not be read, which it must not be told: {why}"
    )]
    Secrets { why: String },
    /// The budgets on the way could not be read.
    #[error("the budgets could not be read; the server's log says why")]
    Store,
}

impl NoAnswer {
    /// When to ask again, where that was told; for a limit of which nobody says when it lifts, after a minute.
    #[must_use]
    pub fn again_after_seconds(&self) -> Option<u64> {
        let Self::Failed(error) = self else {
            return None;
        };
        match error.class() {
            Class::Transient { after } => after.map(|after| whole_seconds(after).max(1)),
            Class::Parked { after } => {
                Some(after.map_or(AGAIN_AFTER_SECONDS, |after| whole_seconds(after).max(1)))
            }
            Class::Final => None,
        }
    }
}

impl From<NoAnswer> for AppError {
    fn from(why: NoAnswer) -> Self {
        let detail = why.to_string();
        let again = why.again_after_seconds();
        match why {
            NoAnswer::NoModel => Self::conflict("no_model", detail),
            NoAnswer::NoLine { .. } => Self::conflict("no_model", detail),
            NoAnswer::UnknownModel { .. } => Self::conflict("unknown_model", detail),
            NoAnswer::NoPrice { .. } => Self::conflict("no_price", detail),
            NoAnswer::OverBudget(over) => Self::OverBudget(over),
            NoAnswer::Failed(error) => match error.class() {
                Class::Transient { .. } | Class::Parked { .. } => Self::Busy {
                    detail,
                    after_seconds: again.unwrap_or(AGAIN_AFTER_SECONDS),
                },
                Class::Final => Self::Unavailable(detail),
            },
            NoAnswer::Cancelled
            | NoAnswer::TooLate(_)
            | NoAnswer::Secrets { .. }
            | NoAnswer::Store => Self::Unavailable(detail),
        }
    }
}
