//! Who was asked on the way to an answer: each model of a line, with what came of it.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use orch_model::{Ask, Asking, Deltas, Provider, Usage};
use tokio::time::Instant;

/// One model that was asked once, retries included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    pub model: String,
    pub usage: Usage,
    /// A kind and a sentence, where it gave no answer.
    pub error: Option<(&'static str, String)>,
    pub latency: Duration,
}

/// All that were asked for one call, in order.
#[derive(Clone, Debug, Default)]
pub struct Trail(Arc<Mutex<Vec<Stop>>>);

impl Trail {
    /// What happened so far.
    #[must_use]
    pub fn stops(&self) -> Vec<Stop> {
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Stop>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A model whose answers and errors are noted.
pub(super) struct Noted {
    pub(super) model: Arc<dyn Provider>,
    pub(super) trail: Trail,
}

impl Provider for Noted {
    fn model(&self) -> &str {
        self.model.model()
    }

    fn ask<'a>(&'a self, ask: &'a Ask, deltas: Deltas<'a>) -> Asking<'a> {
        Box::pin(async move {
            let from = Instant::now();
            let outcome = self.model.ask(ask, deltas).await;
            self.trail.lock().push(Stop {
                model: self.model().to_owned(),
                usage: outcome
                    .as_ref()
                    .map(|answer| answer.usage)
                    .unwrap_or_default(),
                error: outcome
                    .as_ref()
                    .err()
                    .map(|error| (error.kind(), error.to_string())),
                latency: from.elapsed(),
            });
            outcome
        })
    }
}

impl fmt::Debug for Noted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.model.fmt(f)
    }
}
