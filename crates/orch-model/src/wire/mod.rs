//! The protocols: a request's body, and an answer read whole or from events.
//!
//! Strict in what is sent, lenient in what is taken: an answer's text may come in pieces, in items or at
//! the end, and counts once.

mod anthropic;
mod chat;
mod partial;
mod responses;
mod wish;

use serde_json::Value;

pub(crate) use partial::{End, Partial, Stage};
pub(crate) use wish::{Wish, Wishes};

use crate::usage::tokens;
use crate::{Answer, Ask, Finish, Usage};

/// The name that a schema has on the wire.
const SCHEMA_NAME: &str = "structured_answer";
/// Puts the temperature that is asked for into a body; a whole 0 as an integer, as models take it.
fn put_temperature(body: &mut Value, ask: &Ask) {
    match ask.sampling.temperature() {
        Some(temperature) if temperature.abs() < f64::EPSILON => body["temperature"] = 0.into(),
        Some(temperature) => body["temperature"] = temperature.into(),
        None => {}
    }
}

/// One protocol of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    Responses,
    Chat,
    Messages,
}

impl Wire {
    /// The path under the base address.
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Responses => "responses",
            Self::Chat => "chat/completions",
            Self::Messages => "messages",
        }
    }

    /// The body of a request, with the answer streamed.
    pub(crate) fn body(self, model: &str, ask: &Ask, wishes: Wishes) -> Value {
        match self {
            Self::Responses => responses::body(model, ask, wishes),
            Self::Chat => chat::body(model, ask, wishes),
            Self::Messages => anthropic::body(model, ask, wishes),
        }
    }

    /// Reads an answer that came in one piece.
    pub(crate) fn whole(self, value: &Value) -> Result<Answer, Broken> {
        if !value.is_object() {
            return Err(Broken::Junk("JSON, but no object".to_owned()));
        }
        if let Some(failure) = failure(value) {
            return Err(failure);
        }
        match self {
            Self::Responses => responses::whole(value),
            Self::Chat => chat::whole(value),
            Self::Messages => anthropic::whole(value),
        }
    }

    /// Takes one event in. `[DONE]` is no JSON and never comes here: see [`Partial::end`].
    pub(crate) fn event(
        self,
        value: &Value,
        so_far: &mut Partial,
        delta: &mut dyn FnMut(&str),
    ) -> Result<(), Broken> {
        match self {
            Self::Responses => responses::event(value, so_far, delta),
            Self::Chat => chat::event(value, so_far, delta),
            Self::Messages => anthropic::event(value, so_far, delta),
        }
    }
}

/// Why an answer is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    /// It is not the protocol.
    Junk(String),
    /// The provider says that it failed: its own error, in one of the forms that [`crate::http`] reads.
    Failed(Value),
}

fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or("")
}

/// The number of a part of an answer.
fn number(value: &Value, pointer: &str) -> u64 {
    value.pointer(pointer).and_then(Value::as_u64).unwrap_or(0)
}

/// An error where an answer would stand.
fn failure(value: &Value) -> Option<Broken> {
    let said = value.get("error").is_some_and(|error| !error.is_null());
    (said || text(value, "/type") == "error").then(|| Broken::Failed(value.clone()))
}

/// What was counted; none where a number makes no sense.
fn usage(value: &Value, input: &str, cached: &str, output: &str) -> Option<Usage> {
    let count = |pointer: &str| tokens(value.pointer(pointer));
    let input_tokens = count(input)?;
    Some(Usage {
        input_tokens,
        cached_tokens: count(cached)?.min(input_tokens),
        output_tokens: count(output)?,
    })
}

/// Text that stands alone or in parts.
fn content(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().map(|part| text(part, "/text")).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => String::new(),
    }
}

/// A call's arguments, which are JSON in a string or, with some servers, as they are.
fn arguments(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// An answer that calls tools ends for that, whatever else is said. A call without arguments has none.
fn finish(answer: &mut Answer, said: Finish) {
    for call in &mut answer.calls {
        if call.arguments.is_empty() {
            "{}".clone_into(&mut call.arguments);
        }
    }
    answer.finish = match answer.calls.is_empty() {
        true => said,
        false => Finish::Tools,
    };
}
