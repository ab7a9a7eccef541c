//! A model whose exchanges are kept.

use std::fmt;
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::time::Instant;

use super::{Exchange, Journal, Redact};
use crate::{Answer, Ask, Asking, Deltas, ModelError, Prices, Provider};

/// Asks a model and keeps what comes of it, also when nobody waits for it any more. Around a
/// [`crate::Patient`] it keeps what the work sees; within one it keeps each attempt.
#[derive(Clone)]
pub struct Recorder {
    model: Arc<dyn Provider>,
    journal: Arc<dyn Journal>,
    prices: Arc<Prices>,
    redact: Redact,
}

impl Recorder {
    #[must_use]
    pub fn new(
        model: Arc<dyn Provider>,
        journal: Arc<dyn Journal>,
        prices: Arc<Prices>,
        redact: Redact,
    ) -> Self {
        Self {
            model,
            journal,
            prices,
            redact,
        }
    }

    async fn asked(&self, ask: &Ask, deltas: Deltas<'_>) -> Result<Answer, ModelError> {
        let mut pending = Pending {
            recorder: self,
            ask,
            begun: Instant::now(),
            is_over: false,
        };
        let outcome = self.model.ask(ask, deltas).await;
        pending.is_over = true;
        let exchange = self.exchange(ask, &outcome, pending.begun);
        keep(&*self.journal, exchange).await;
        outcome
    }

    fn exchange(
        &self,
        ask: &Ask,
        outcome: &Result<Answer, ModelError>,
        begun: Instant,
    ) -> Exchange {
        let model = match outcome {
            Ok(answer) if !answer.model.is_empty() => &answer.model,
            Ok(_) | Err(_) => self.model.model(),
        };
        let mut exchange = Exchange::new(model, ask, outcome.as_ref(), &self.redact);
        exchange.latency_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        exchange.cost_micros = match outcome {
            Ok(answer) => self
                .prices
                .of(model)
                .ok()
                .map(|price| price.of(answer.usage)),
            Err(_) => None,
        };
        exchange
    }
}

/// An answer that was paid for is not thrown away for a full disk.
async fn keep(journal: &dyn Journal, exchange: Exchange) {
    let model = exchange.model.clone();
    if let Err(error) = journal.keep(exchange).await {
        tracing::error!(model.name = model, %error, "failed to keep an exchange with a model");
    }
}

/// A request under way.
struct Pending<'a> {
    recorder: &'a Recorder,
    ask: &'a Ask,
    begun: Instant,
    is_over: bool,
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        // Nobody waits here any more, so it is kept on the side; a runtime that ends takes it along.
        if let Ok(runtime) = Handle::try_current() {
            let given_up = Err(ModelError::GivenUp);
            let exchange = self.recorder.exchange(self.ask, &given_up, self.begun);
            let journal = self.recorder.journal.clone();
            runtime.spawn(async move { keep(&*journal, exchange).await });
        }
    }
}

impl Provider for Recorder {
    fn model(&self) -> &str {
        self.model.model()
    }

    fn ask<'a>(&'a self, ask: &'a Ask, deltas: Deltas<'a>) -> Asking<'a> {
        Box::pin(self.asked(ask, deltas))
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder")
            .field("model", &self.model)
            .finish_non_exhaustive()
    }
}
