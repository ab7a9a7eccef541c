//! A model that had tools, from a recording: what there were and what they answered is in the requests that were
//! recorded, so that nothing is asked of whoever serves them.

use std::fmt;
use std::sync::Arc;

use super::Replay;
use crate::{Answer, Ask, Asking, Deltas, Message, ModelError, Provider, Usage};

/// Rounds of calls that are replayed at most; more were never made.
const MOST_ROUNDS: usize = 64;

/// In place of [`crate::Tooled`] around a model that is replayed.
pub struct ReplayedTools {
    model: Arc<dyn Provider>,
    replay: Arc<Replay>,
}

impl ReplayedTools {
    /// `model` answers from `replay`, whatever stands between them.
    #[must_use]
    pub fn new(model: Arc<dyn Provider>, replay: Arc<Replay>) -> Self {
        Self { model, replay }
    }

    async fn asked(&self, ask: &Ask, deltas: Deltas<'_>) -> Result<Answer, ModelError> {
        let mut ask = ask.clone();
        if let Some(tools) = self.replay.offered(&ask) {
            ask.tools = tools;
        }
        let mut usage = Usage::default();
        let mut miscounted = false;
        for _ in 0..MOST_ROUNDS {
            let mut answer = self.model.ask(&ask, deltas).await?;
            usage += answer.usage;
            miscounted |= answer.miscounted;
            if answer.calls.is_empty() {
                answer.usage = usage;
                answer.miscounted = miscounted;
                return Ok(answer);
            }
            ask.messages.push(Message::Assistant {
                text: answer.text,
                calls: answer.calls,
            });
            // Where the recording ends here, the next request is not found in it, and the error says so.
            let results = self.replay.results(&ask);
            ask.messages.extend(results);
        }
        Err(ModelError::Rounds {
            rounds: u32::try_from(MOST_ROUNDS).unwrap_or(u32::MAX),
        })
    }
}

impl Provider for ReplayedTools {
    fn model(&self) -> &str {
        self.model.model()
    }

    fn ask<'a>(&'a self, ask: &'a Ask, deltas: Deltas<'a>) -> Asking<'a> {
        Box::pin(self.asked(ask, deltas))
    }
}

impl fmt::Debug for ReplayedTools {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.model.fmt(f)
    }
}
