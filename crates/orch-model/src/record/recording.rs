//! Reading what was recorded.

use serde::Deserialize;
use thiserror::Error;

use super::Exchange;
use super::exchange::VERSION;

/// Bytes that are read of one recording.
const LARGEST_BYTES: usize = 256 << 20;

/// Exchanges in the order in which they ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recording(pub Vec<Exchange>);

/// A recording that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RecordingError {
    #[error("line {line} of the recording is no exchange: {why}")]
    Line { line: usize, why: String },
    #[error(
        "line {line} of the recording is of version {version}; this program reads up to {VERSION}"
    )]
    Version { line: usize, version: u32 },
    #[error("the recording has {bytes} bytes; at most {LARGEST_BYTES} are read")]
    TooLarge { bytes: usize },
}

/// What every version has.
#[derive(Deserialize)]
struct Versioned {
    v: u32,
}

impl Recording {
    /// Reads lines of JSON; empty ones are passed over.
    ///
    /// # Errors
    /// When a line is something else, or newer than this program.
    pub fn parse(text: &str) -> Result<Self, RecordingError> {
        if text.len() > LARGEST_BYTES {
            return Err(RecordingError::TooLarge { bytes: text.len() });
        }
        let mut exchanges = Vec::new();
        for (at, text) in text.lines().enumerate() {
            let line = at + 1;
            if text.trim().is_empty() {
                continue;
            }
            let wrong = |error: serde_json::Error| RecordingError::Line {
                line,
                why: error.to_string(),
            };
            let Versioned { v: version } = serde_json::from_str(text).map_err(wrong)?;
            if version == 0 || version > VERSION {
                return Err(RecordingError::Version { line, version });
            }
            exchanges.push(serde_json::from_str(text).map_err(wrong)?);
        }
        Ok(Self(exchanges))
    }

    /// The exchanges with one model.
    #[must_use]
    pub fn only(&self, model: &str) -> Self {
        let of_model = self.0.iter().filter(|exchange| exchange.model == model);
        Self(of_model.cloned().collect())
    }
}
