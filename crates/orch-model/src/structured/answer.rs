//! Asking until the answer fits, at most twice.

use serde_json::Value;

use super::useful::unrefused;
use super::{Schema, find};
use crate::{Answer, Ask, Deltas, Finish, Message, ModelError, Provider, Usage};

/// Bytes of a wrong answer that the model is shown again.
const MOST_SHOWN: usize = 32 << 10;

/// An answer that fits.
#[derive(Clone, Debug, PartialEq)]
pub struct Structured {
    pub value: Value,
    /// The answer that holds it.
    pub answer: Answer,
    /// Tokens of all that was asked.
    pub usage: Usage,
    /// How often it was asked: once or twice.
    pub asked: u32,
}

/// Asks for an answer that fits `schema`, which need not be in `ask`. Where it does not fit, the model is
/// shown the errors and asked once more.
///
/// # Errors
/// [`ModelError::Schema`] when both answers do not fit, [`ModelError::Declined`] when the model refuses, and all that the provider fails with.
pub async fn ask_structured(
    provider: &dyn Provider,
    ask: &Ask,
    schema: &Schema,
    deltas: Deltas<'_>,
) -> Result<Structured, ModelError> {
    let mut ask = Ask {
        system: instructed(&ask.system, schema),
        schema: Some(schema.value().clone()),
        ..ask.clone()
    };
    let first = unrefused(provider.ask(&ask, deltas).await?)?;
    let mut usage = first.usage;
    let errors = match judge(&first, schema) {
        Ok(value) => {
            return Ok(Structured {
                value,
                answer: first,
                usage,
                asked: 1,
            });
        }
        Err(errors) => errors,
    };
    tracing::info!(
        model.name = %first.model,
        model.errors = errors.len(),
        "a model's answer does not fit its schema; it is asked once more"
    );
    ask.messages.push(Message::Assistant {
        text: head(&first.text),
        calls: Vec::new(),
    });
    ask.messages.push(Message::User {
        text: format!(
            "This answer cannot be used:\n- {}\nGive the whole answer again, as JSON that fits the schema, and nothing else.",
            errors.join("\n- ")
        ),
    });
    let mut second = unrefused(provider.ask(&ask, deltas).await?)?;
    usage += second.usage;
    second.miscounted |= first.miscounted;
    match judge(&second, schema) {
        Ok(value) => Ok(Structured {
            value,
            answer: second,
            usage,
            asked: 2,
        }),
        Err(errors) => Err(ModelError::Schema { errors }),
    }
}

fn instructed(system: &str, schema: &Schema) -> String {
    let gap = match system.is_empty() {
        true => "",
        false => "\n\n",
    };
    format!(
        "{system}{gap}Answer with one JSON value that fits this JSON Schema, and with nothing else:\n{}",
        schema.value()
    )
}

/// The beginning of a wrong answer; something at least, since no provider takes an empty turn.
fn head(text: &str) -> String {
    match text.trim().is_empty() {
        true => "(nothing)".to_owned(),
        false => text[..text.floor_char_boundary(MOST_SHOWN)].to_owned(),
    }
}

fn judge(answer: &Answer, schema: &Schema) -> Result<Value, Vec<String>> {
    let mut errors = None;
    for value in find::values(&answer.text) {
        let wrong = schema.errors(&value);
        if wrong.is_empty() {
            return Ok(value);
        }
        // Of several the first is the one that was meant.
        errors.get_or_insert(wrong);
    }
    let mut errors = errors.unwrap_or_else(|| vec![find::why_none(&answer.text)]);
    match answer.finish {
        Finish::Length => errors.insert(
            0,
            "it was cut at the bound of tokens: be shorter".to_owned(),
        ),
        Finish::Filtered => errors.insert(0, "a part of it was held back".to_owned()),
        Finish::Stop | Finish::Tools | Finish::Refused => {}
    }
    Err(errors)
}
