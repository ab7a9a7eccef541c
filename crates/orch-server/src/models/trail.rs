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

impl Stop {
    /// Whether nothing reached the model: a budget let nothing through, or its tools are not there.
    #[must_use]
    pub fn never_was(&self) -> bool {
        matches!(self.error, Some(("withheld" | "unequipped", _)))
    }
}

/// A model all around whose error the trail is told: answers that were of no use, tools that are not there.
pub(crate) struct Judged {
    model: Arc<dyn Provider>,
    trail: Trail,
}

impl Judged {
    pub(crate) fn new(model: Arc<dyn Provider>, trail: Trail) -> Self {
        Self { model, trail }
    }
}

impl Provider for Judged {
    fn model(&self) -> &str {
        self.model.model()
    }

    fn ask<'a>(&'a self, ask: &'a Ask, deltas: Deltas<'a>) -> Asking<'a> {
        Box::pin(async move {
            let from = Instant::now();
            let error = match self.model.ask(ask, deltas).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let said = Some((error.kind(), error.to_string()));
            let mut stops = self.trail.lock();
            match stops.last_mut().filter(|stop| stop.model == self.model()) {
                Some(stop) if stop.error.is_none() => stop.error = said,
                Some(_) => {}
                None => stops.push(Stop {
                    model: self.model().to_owned(),
                    usage: Usage::default(),
                    error: said,
                    latency: from.elapsed(),
                }),
            }
            drop(stops);
            Err(error)
        })
    }
}

impl fmt::Debug for Judged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.model.fmt(f)
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
