//! A veil between a model and what it must not see: secrets reach neither it nor its tools, and none comes back.
//!
//! What is secret is decided by whoever gives the [`Redact`]. Pieces of a text that is still coming pass as they
//! are: they are to be looked at where they go, since a secret may be cut between two of them.

use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::form;
use crate::record::Redact;
use crate::{
    Answer, Ask, Asking, Deltas, Heavy, Provider, ToolCall, ToolSpec, Tools, Working, redacted,
};

/// A model that is told no secrets, and whose answers and errors show none.
pub struct Veiled {
    model: Arc<dyn Provider>,
    redact: Redact,
    heavy: Heavy,
}

impl Veiled {
    #[must_use]
    pub fn new(model: Arc<dyn Provider>, redact: Redact, heavy: Heavy) -> Self {
        Self {
            model,
            redact,
            heavy,
        }
    }
}

impl Provider for Veiled {
    fn model(&self) -> &str {
        self.model.model()
    }

    fn ask<'a>(&'a self, ask: &'a Ask, deltas: Deltas<'a>) -> Asking<'a> {
        Box::pin(async move {
            let (given, redact) = (ask.clone(), Arc::clone(&self.redact));
            let veiling = move || asked(&given, &redact);
            let ask = self.heavy.text(ask.bytes(), veiling).await;
            let answer = self.model.ask(&ask, deltas).await;
            let answer = answer.map_err(|error| redacted(&error, &self.redact))?;
            let calls = answer.calls.iter().map(|call| call.arguments.len());
            let bytes = answer.text.len() + calls.sum::<usize>();
            let redact = Arc::clone(&self.redact);
            let schema = ask.schema;
            let unveiled = self
                .heavy
                .text(bytes, move || shown(answer, schema.as_ref(), &redact));
            Ok(unveiled.await)
        })
    }
}

impl fmt::Debug for Veiled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.model.fmt(f)
    }
}

/// What is asked without secrets. The words of a schema's own are none: an answer must have them.
fn asked(ask: &Ask, redact: &Redact) -> Ask {
    let Some(schema) = &ask.schema else {
        return redacted(ask, redact);
    };
    let said = schema.to_string();
    let veiled = form::without(schema, redact);
    // As it stands at the end of the instructions.
    let (system, end) = match ask.system.strip_suffix(&said) {
        Some(system) => (system.to_owned(), veiled.to_string()),
        None => (ask.system.clone(), String::new()),
    };
    let rest = Ask {
        system,
        schema: None,
        ..ask.clone()
    };
    let mut rest = redacted(&rest, redact);
    rest.system.push_str(&end);
    rest.schema = Some(veiled);
    rest
}

/// An answer without secrets; one that is to fit a schema keeps the names that stand in it.
fn shown(answer: Answer, schema: Option<&Value>, redact: &Redact) -> Answer {
    let veiled = |call: ToolCall| ToolCall {
        id: call.id,
        name: call.name,
        arguments: without(&call.arguments, redact),
    };
    Answer {
        text: match schema {
            Some(schema) => form::fitting(&answer.text, schema, redact),
            None => without(&answer.text, redact),
        },
        calls: answer.calls.into_iter().map(veiled).collect(),
        version: redact(&answer.version),
        ..answer
    }
}

/// Tools whose answers show no secrets, however they are cut afterwards.
pub struct VeiledTools {
    tools: Arc<dyn Tools>,
    redact: Redact,
}

impl VeiledTools {
    #[must_use]
    pub fn new(tools: Arc<dyn Tools>, redact: Redact) -> Self {
        Self { tools, redact }
    }
}

impl Tools for VeiledTools {
    fn specs(&self) -> Vec<ToolSpec> {
        self.tools.specs()
    }

    fn call<'a>(&'a self, name: &'a str, arguments: Value) -> Working<'a> {
        Box::pin(async move { (self.redact)(&self.tools.call(name, arguments).await) })
    }
}

impl fmt::Debug for VeiledTools {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tools.fmt(f)
    }
}

/// A text without secrets. What was JSON stays JSON: where a secret is also a number in it, say, each of its
/// texts is looked at by itself.
#[must_use]
pub fn without(text: &str, redact: &Redact) -> String {
    let whole = redact(text);
    if whole == text {
        return whole;
    }
    match serde_json::from_str::<Value>(text) {
        Ok(mut value) if serde_json::from_str::<Value>(&whole).is_err() => {
            walk(&mut value, redact);
            value.to_string()
        }
        Ok(_) | Err(_) => whole,
    }
}

fn walk(value: &mut Value, redact: &Redact) {
    match value {
        Value::String(text) => *text = redact(text),
        Value::Array(parts) => parts.iter_mut().for_each(|part| walk(part, redact)),
        Value::Object(parts) => {
            let veiled = std::mem::take(parts).into_iter().map(|(name, mut part)| {
                walk(&mut part, redact);
                (redact(&name), part)
            });
            *parts = veiled.collect::<Map<String, Value>>();
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redact() -> Redact {
        Arc::new(|text: &str| text.replace("4711", "***"))
    }

    #[test]
    fn json_stays_json_and_its_texts_and_names_lose_their_secrets() {
        let veil = |text: &str| without(text, &redact());
        assert_eq!(veil("the pin is 4711."), "the pin is ***.");
        assert_eq!(
            veil(r#"{"pin": "4711", "n": 1}"#),
            r#"{"pin": "***", "n": 1}"#
        );
        assert_eq!(
            veil(r#"{"days":4711,"4711":["x4711"]}"#),
            r#"{"***":["x***"],"days":4711}"#
        );
        assert_eq!(veil("{\"pin\": 4711"), "{\"pin\": ***");
    }
}
