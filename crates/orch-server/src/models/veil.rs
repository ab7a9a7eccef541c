//! What a model call neither tells nor shows: the keys of models and tools, and the secrets of its project.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use orch_model::{ModelError, Redact, redacted, without_secrets};
use orch_redact::{Redactor, TextRedactor};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Texts that are worth remembering: looking at one takes longer than comparing it with those that were looked at.
const LONG_BYTES: usize = 4 * 1024;
/// What is remembered of them.
const MOST_BYTES: usize = 8 * 1024 * 1024;

/// Hides what was secret when the call began.
#[derive(Clone)]
pub struct Veil {
    redactor: Arc<Redactor>,
    redact: Redact,
}

impl Veil {
    pub(crate) fn of(redactor: Redactor) -> Self {
        Self::over(Arc::new(redactor))
    }

    fn over(redactor: Arc<Redactor>) -> Self {
        let hides = Arc::clone(&redactor);
        let looked_at = LookedAt::default();
        Self {
            redactor,
            redact: Arc::new(move |text: &str| {
                if !looked_at.has(text) {
                    match hides.redact(text) {
                        Cow::Owned(hidden) => return hidden,
                        Cow::Borrowed(_) => looked_at.keep(text),
                    }
                }
                text.to_owned()
            }),
        }
    }

    /// The same for another call, which remembers nothing of this one.
    #[must_use]
    pub(crate) fn anew(&self) -> Self {
        Self::over(Arc::clone(&self.redactor))
    }

    /// A text without secrets; JSON stays JSON.
    #[must_use]
    pub fn text(&self, text: &str) -> String {
        without_secrets(text, &self.redact)
    }

    #[must_use]
    pub fn error(&self, error: &ModelError) -> ModelError {
        redacted(error, &self.redact)
    }

    /// A value that is JSON, without secrets in its texts.
    #[must_use]
    pub fn value<T: Serialize + DeserializeOwned>(&self, value: &T) -> T {
        redacted(value, &self.redact)
    }

    /// For a text that comes in pieces, wherever they are cut.
    #[must_use]
    pub fn pieces(&self) -> TextRedactor {
        TextRedactor::new(Arc::clone(&self.redactor))
    }

    #[must_use]
    pub fn redact(&self) -> &Redact {
        &self.redact
    }
}

/// Long texts that were looked at and held nothing: what is asked passes several places, each of which looks, and is
/// searched once.
#[derive(Default)]
struct LookedAt(Mutex<VecDeque<String>>);

impl LookedAt {
    fn has(&self, text: &str) -> bool {
        text.len() >= LONG_BYTES && self.lock().iter().any(|known| known == text)
    }

    fn keep(&self, text: &str) {
        if !(LONG_BYTES..=MOST_BYTES).contains(&text.len()) {
            return;
        }
        let mut known = self.lock();
        known.push_back(text.to_owned());
        let mut bytes: usize = known.iter().map(String::len).sum();
        while bytes > MOST_BYTES
            && let Some(oldest) = known.pop_front()
        {
            bytes -= oldest.len();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Veil {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Veil").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_searched_once_and_what_holds_a_secret_is_never_taken_for_looked_at() {
        let looked_at = LookedAt::default();
        let long = "a".repeat(LONG_BYTES);
        assert!(!looked_at.has(&long));
        looked_at.keep(&long);
        looked_at.keep("short");
        assert!(looked_at.has(&long) && !looked_at.has("short"));
        for letter in ["b", "c", "d"] {
            looked_at.keep(&letter.repeat(MOST_BYTES / 2));
        }
        assert!(!looked_at.has(&long), "what is remembered is bounded");

        let veil = Veil::of(Redactor::new(["hunter2-hunter2"]));
        let secret = long.clone() + " hunter2-hunter2";
        for _ in 0..2 {
            assert_eq!(veil.text(&secret), long.clone() + " ***");
            assert_eq!(veil.text(&long), long);
        }
    }
}
