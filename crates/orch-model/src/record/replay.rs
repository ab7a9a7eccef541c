//! Answers from a recording, without a network.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use super::exchange::redacted_ask;
use super::{Exchange, Outcome, Recording, Redact};
use crate::{Answer, Ask, Asking, Deltas, Message, ModelError, Provider, ToolSpec};

/// Answers each request as the recording has it, errors included. A request is known by its digest; the
/// same one asked again gets what it got the next time.
pub struct Replay {
    recording: Recording,
    model: String,
    redact: Redact,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Which exchanges were given out.
    used: Vec<bool>,
    asked: usize,
}

impl Replay {
    /// `redact` is what the recording was made with. Requests that were given up are passed over: nobody
    /// saw what came of them.
    #[must_use]
    pub fn new(recording: Recording, redact: Redact) -> Self {
        let model = recording.0.first();
        Self {
            model: model
                .map_or("replay", |exchange| &exchange.model)
                .to_owned(),
            state: Mutex::new(State {
                used: recording.0.iter().map(was_given_up).collect(),
                asked: 0,
            }),
            recording,
            redact,
        }
    }

    /// Exchanges that nobody has asked for yet: a replay that is through leaves none.
    #[must_use]
    pub fn left(&self) -> usize {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.used.iter().filter(|used| !**used).count()
    }

    /// The tools that were offered with a request that is otherwise this one.
    pub(super) fn offered(&self, ask: &Ask) -> Option<Vec<ToolSpec>> {
        let (ask, _) = redacted_ask(ask, &self.redact);
        self.first_left(|recorded| {
            let bare = Ask {
                tools: Vec::new(),
                ..recorded.clone()
            };
            (!recorded.tools.is_empty() && bare == ask).then(|| recorded.tools.clone())
        })
    }

    /// What tools answered where a conversation went on as this one does; nothing where none did.
    pub(super) fn results(&self, ask: &Ask) -> Vec<Message> {
        let (ask, _) = redacted_ask(ask, &self.redact);
        let found = self.first_left(|recorded| {
            let later = recorded.messages.strip_prefix(ask.messages.as_slice())?;
            let results: Vec<Message> = later
                .iter()
                .take_while(|message| matches!(message, Message::Tool { .. }))
                .cloned()
                .collect();
            (recorded.system == ask.system && !results.is_empty()).then_some(results)
        });
        found.unwrap_or_default()
    }

    /// The first request that nobody has made yet and of which something is found.
    fn first_left<T>(&self, mut of: impl FnMut(&Ask) -> Option<T>) -> Option<T> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let all = self.recording.0.iter().zip(&state.used);
        all.filter(|(_, used)| !**used)
            .find_map(|(exchange, _)| of(&exchange.ask))
    }

    fn answer(&self, ask: &Ask) -> Result<Answer, ModelError> {
        let (_, digest) = redacted_ask(ask, &self.redact);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.asked += 1;
        let number = state.asked;
        let found = self
            .recording
            .0
            .iter()
            .enumerate()
            .find(|(place, exchange)| exchange.digest == digest && !state.used[*place]);
        let Some((place, exchange)) = found else {
            return Err(ModelError::NotRecorded { number, digest });
        };
        state.used[place] = true;
        match &exchange.outcome {
            Outcome::Answer(answer) => Ok(answer.clone().counted()),
            Outcome::Error(error) => Err(error.clone()),
        }
    }
}

fn was_given_up(exchange: &Exchange) -> bool {
    exchange.outcome == Outcome::Error(ModelError::GivenUp)
}

impl Provider for Replay {
    /// That of the recording's first exchange.
    fn model(&self) -> &str {
        &self.model
    }

    fn ask<'a>(&'a self, ask: &'a Ask, deltas: Deltas<'a>) -> Asking<'a> {
        Box::pin(async move {
            let answer = self.answer(ask)?;
            if !answer.text.is_empty() {
                deltas(&answer.text);
            }
            Ok(answer)
        })
    }
}

impl fmt::Debug for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replay")
            .field("model", &self.model)
            .field("exchanges", &self.recording.0.len())
            .finish_non_exhaustive()
    }
}
