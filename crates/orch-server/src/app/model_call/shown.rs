//! The text of an answer on its way to whoever looks on: without secrets, wherever it is cut, and not more often
//! than eyes follow.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use orch_model::Deltas;
use orch_redact::TextRedactor;
use tokio::time::Instant;

use crate::models::Veil;

/// A server may send its answer letter by letter; looking at each costs more than the answer.
const PACE: Duration = Duration::from_millis(20);
const AT_ONCE_BYTES: usize = 16 << 10;

pub(super) struct Shown<'a> {
    to: Option<Deltas<'a>>,
    state: Mutex<State>,
}

struct State {
    redactor: TextRedactor,
    waiting: String,
    looked: Option<Instant>,
}

impl<'a> Shown<'a> {
    pub(super) fn new(to: Option<Deltas<'a>>, veil: &Veil) -> Self {
        Self {
            to,
            state: Mutex::new(State {
                redactor: veil.pieces(),
                waiting: String::new(),
                looked: None,
            }),
        }
    }

    pub(super) fn piece(&self, piece: &str) {
        let Some(to) = self.to else {
            return;
        };
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.waiting.push_str(piece);
        let is_early = state.looked.is_some_and(|looked| looked.elapsed() < PACE);
        if is_early && state.waiting.len() < AT_ONCE_BYTES {
            return;
        }
        state.looked = Some(Instant::now());
        let waiting = std::mem::take(&mut state.waiting);
        tell(to, &state.redactor.push(&waiting));
    }

    /// What was held back, now that nothing follows.
    pub(super) fn end(&self) {
        let Some(to) = self.to else {
            return;
        };
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = std::mem::take(&mut state.waiting);
        let known = state.redactor.push(&waiting);
        tell(to, &known);
        tell(to, &state.redactor.rest());
    }
}

fn tell(to: Deltas<'_>, text: &str) {
    if !text.is_empty() {
        to(text);
    }
}

#[cfg(test)]
mod tests {
    use orch_redact::Redactor;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn letters_are_told_together_and_a_secret_is_not_however_it_is_cut() {
        let told = Mutex::new(Vec::new());
        let to = |text: &str| told.lock().unwrap().push(text.to_owned());
        let veil = Veil::of(Redactor::new(["hunter2-hunter2"]));
        let shown = Shown::new(Some(&to), &veil);
        for letter in "it is hunter2-hunter2, then. ".repeat(100).split("") {
            shown.piece(letter);
        }
        tokio::time::advance(PACE).await;
        shown.piece("a");
        shown.end();
        let told = told.lock().unwrap();
        assert_eq!(
            told.concat(),
            format!("{}a", "it is ***, then. ".repeat(100))
        );
        assert!(told.len() < 6, "{}", told.len());
    }
}
