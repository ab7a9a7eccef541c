//! One model behind the other: where the first cannot answer, the next is asked.

use std::sync::Arc;
use std::time::Duration;

use crate::{Answer, Ask, Asking, Class, Deltas, ModelError, Provider};

/// What a chain does at a usage limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnLimit {
    /// Gives the limit back, so that the work waits for this model: no lesser one takes its place.
    Park,
    /// Asks the next; only when no model answers does the work wait.
    Next,
}

/// Models in the order in which they are asked. Each is to bring its own [`crate::Patient`].
#[derive(Clone, Debug)]
pub struct Chain {
    first: Arc<dyn Provider>,
    others: Vec<Arc<dyn Provider>>,
    on_limit: OnLimit,
}

/// An answer, and who was asked before.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    pub answer: Answer,
    /// Models that gave none, and why.
    pub passed: Vec<(String, ModelError)>,
}

impl Chain {
    /// `first` is asked first, and `others` in their order.
    #[must_use]
    pub fn new(
        first: Arc<dyn Provider>,
        others: Vec<Arc<dyn Provider>>,
        on_limit: OnLimit,
    ) -> Self {
        Self {
            first,
            others,
            on_limit,
        }
    }

    /// Asks until one answers.
    ///
    /// # Errors
    /// When none does: the error that promises most, so a limit that lifts (the soonest of them) before
    /// what may pass, and that before what stays; of errors alike the first, which is the best model's. It
    /// names its model ([`ModelError::Of`]).
    pub async fn ask_in_turn(&self, ask: &Ask, deltas: Deltas<'_>) -> Result<Asked, ModelError> {
        let mut passed = Vec::new();
        for model in std::iter::once(&self.first).chain(&self.others) {
            let error = match model.ask(ask, deltas).await {
                Ok(answer) => return Ok(Asked { answer, passed }),
                Err(error) => error,
            };
            if matches!(error.class(), Class::Parked { .. }) && self.on_limit == OnLimit::Park {
                return Err(of(model.model(), error));
            }
            tracing::info!(
                model.name = model.model(),
                model.error = error.kind(),
                "a model gave no answer; the next of the chain is asked"
            );
            passed.push((model.model().to_owned(), error));
        }
        let best = passed.into_iter().min_by_key(|(_, error)| rank(error));
        let (model, error) = best.expect("invariant: a chain has a first model");
        Err(of(&model, error))
    }
}

fn of(model: &str, error: ModelError) -> ModelError {
    ModelError::Of {
        model: model.to_owned(),
        error: Box::new(error),
    }
}

/// The less, the more an error promises.
fn rank(error: &ModelError) -> (u8, Duration) {
    match error.class() {
        Class::Parked { after } => (0, after.unwrap_or(Duration::MAX)),
        Class::Transient { after } => (1, after.unwrap_or(Duration::MAX)),
        Class::Final => (2, Duration::MAX),
    }
}

impl Provider for Chain {
    /// That of the first; an [`Answer`] tells which one gave it.
    fn model(&self) -> &str {
        self.first.model()
    }

    fn ask<'a>(&'a self, ask: &'a Ask, deltas: Deltas<'a>) -> Asking<'a> {
        Box::pin(async move { Ok(self.ask_in_turn(ask, deltas).await?.answer) })
    }
}
