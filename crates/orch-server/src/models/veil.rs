//! What a model call neither tells nor shows: the keys of models and tools, and the secrets of its project.

use std::fmt;
use std::sync::Arc;

use orch_model::{ModelError, Redact, redacted, without_secrets};
use orch_redact::{Redactor, TextRedactor};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Hides what was secret when the call began.
#[derive(Clone)]
pub struct Veil {
    redactor: Arc<Redactor>,
    redact: Redact,
}

impl Veil {
    pub(crate) fn of(redactor: Redactor) -> Self {
        let redactor = Arc::new(redactor);
        let hides = Arc::clone(&redactor);
        Self {
            redactor,
            redact: Arc::new(move |text: &str| hides.redact(text).into_owned()),
        }
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

impl fmt::Debug for Veil {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Veil").finish_non_exhaustive()
    }
}
