//! One request and what came of it, without secrets.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::digest::digest;
use crate::{Answer, Ask, Cost, ModelError};

/// The newest form of an exchange.
pub(super) const VERSION: u32 = 1;

/// Takes secrets out of a text. It is given each string by itself, so it must not count on what stands
/// around it.
pub type Redact = Arc<dyn Fn(&str) -> String + Send + Sync>;

/// Leaves texts as they are.
#[must_use]
pub fn unredacted() -> Redact {
    Arc::new(str::to_owned)
}

/// One line of a recording.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Exchange {
    /// The form of this line.
    pub v: u32,
    /// Of the request below, as 64 hex digits: what a replay goes by.
    pub digest: String,
    /// The model by the name that it was asked under.
    pub model: String,
    pub ask: Ask,
    pub outcome: Outcome,
    /// In micro-dollars, where there is a price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_micros: Option<Cost>,
    pub latency_ms: u64,
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Answer(Answer),
    Error(ModelError),
}

impl Exchange {
    /// An exchange with all texts redacted; the digest is of what is left, so that it tells nothing of a
    /// secret.
    #[must_use]
    pub fn new(
        model: &str,
        ask: &Ask,
        outcome: Result<&Answer, &ModelError>,
        redact: &Redact,
    ) -> Self {
        let (ask, digest) = redacted_ask(ask, redact);
        Self {
            v: VERSION,
            digest,
            model: model.to_owned(),
            ask,
            outcome: match outcome {
                Ok(answer) => Outcome::Answer(redacted(answer, redact)),
                Err(error) => Outcome::Error(redacted(error, redact)),
            },
            cost_micros: None,
            latency_ms: 0,
        }
    }
}

/// A request without secrets, and its digest.
pub(super) fn redacted_ask(ask: &Ask, redact: &Redact) -> (Ask, String) {
    let ask: Ask = redacted(ask, redact);
    let digest = digest(&serde_json::to_value(&ask).expect("invariant: a request is JSON"));
    (ask, digest)
}

/// A value with all its texts redacted; words of ours stay.
///
/// # Panics
/// When it does not survive being JSON, which a request, an answer and an error do.
#[must_use]
pub fn redacted<T: Serialize + DeserializeOwned>(value: &T, redact: &Redact) -> T {
    let mut json = serde_json::to_value(value).expect("invariant: what is recorded is JSON");
    walk(&mut json, redact);
    // Redaction changes texts alone; one that hits a word of ours (a role, say) would break the line.
    serde_json::from_value(json).unwrap_or_else(|_| {
        let mut json = serde_json::to_value(value).expect("invariant: what is recorded is JSON");
        walk_texts(&mut json, redact);
        serde_json::from_value(json).expect("invariant: a text in place of a text fits")
    })
}

fn walk(value: &mut Value, redact: &Redact) {
    match value {
        Value::String(text) => *text = redact(text),
        Value::Array(parts) => parts.iter_mut().for_each(|part| walk(part, redact)),
        Value::Object(parts) => parts.values_mut().for_each(|part| walk(part, redact)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// As [`walk`], but for the fields whose words are ours.
fn walk_texts(value: &mut Value, redact: &Redact) {
    const OURS: [&str; 4] = ["role", "kind", "finish", "sampling"];
    match value {
        Value::Object(parts) => parts
            .iter_mut()
            .filter(|(name, _)| !OURS.contains(&name.as_str()))
            .for_each(|(_, part)| walk_texts(part, redact)),
        Value::Array(parts) => parts.iter_mut().for_each(|part| walk_texts(part, redact)),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => walk(value, redact),
    }
}
