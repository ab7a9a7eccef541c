//! A model whose exchanges are kept.

use std::fmt;
use std::sync::Arc;

use tokio::time::Instant;

use super::{Exchange, Journal, Redact};
use crate::{Answer, Ask, Asking, Deltas, ModelError, Prices, Provider};

/// Asks a model and keeps what comes of it. Around a [`crate::Patient`] it keeps what the work sees; within
/// one it keeps each attempt. A request that is given up by who asked is not kept.
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
        let begun = Instant::now();
        let outcome = self.model.ask(ask, deltas).await;
        let model = match &outcome {
            Ok(answer) if !answer.model.is_empty() => &answer.model,
            Ok(_) | Err(_) => self.model.model(),
        };
        let mut exchange = Exchange::new(model, ask, outcome.as_ref(), &self.redact);
        exchange.latency_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        exchange.cost_micros = match &outcome {
            Ok(answer) => self
                .prices
                .of(model)
                .ok()
                .map(|price| price.of(answer.usage)),
            Err(_) => None,
        };
        // An answer that was paid for is not thrown away for a full disk.
        if let Err(error) = self.journal.keep(exchange).await {
            tracing::error!(model.name = model, %error, "failed to keep an exchange with a model");
        }
        outcome
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
