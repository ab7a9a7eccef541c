//! How a program is told what is asked, and how its answer is read.

use serde_json::{Value, json};

use crate::{Answer, Ask, Message, ModelError, ToolCall, Usage, said};

/// What a program reads and writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speech {
    /// Plain text both ways: what `claude -p`, `codex exec -`, `llm` and the like take. Tools cannot be
    /// offered, tokens are not counted.
    Text,
    /// One JSON object each way: `{"v": 1, "model", "ask"}` in, an answer out: `{"text", "calls",
    /// "finish", "usage": {"input_tokens", "cached_tokens", "output_tokens"}, "version"}`, of which only
    /// text or calls must be there.
    Json,
}

impl Speech {
    /// What goes to standard input.
    pub(super) fn request(self, model: &str, ask: &Ask) -> Vec<u8> {
        match self {
            Self::Text => plain(ask).into_bytes(),
            Self::Json => {
                let mut line = json!({"v": 1, "model": model, "ask": ask}).to_string();
                line.push('\n');
                line.into_bytes()
            }
        }
    }

    /// Reads what came from standard output.
    pub(super) fn answer(self, program: &str, output: Vec<u8>) -> Result<Answer, ModelError> {
        let junk = |why: String| ModelError::Junk {
            place: program.to_owned(),
            why: said::clean(&why, None),
        };
        let answer = match self {
            Self::Text => {
                let text = String::from_utf8(output)
                    .map_err(|error| junk(format!("not UTF-8: {error}")))?;
                Answer {
                    text: text.trim_end().to_owned(),
                    ..Answer::default()
                }
            }
            Self::Json => {
                let mut value: Value = serde_json::from_slice(&output)
                    .map_err(|error| junk(format!("not JSON: {error}")))?;
                if !value.is_object() {
                    return Err(junk("JSON, but no object".to_owned()));
                }
                // Numbers that make no sense spoil no answer.
                let usage = match value.get_mut("usage").map(Value::take) {
                    None | Some(Value::Null) => Some(Usage::default()),
                    Some(usage @ Value::Object(_)) => Usage::told(&usage),
                    Some(_) => None,
                };
                if let Some(fields) = value.as_object_mut() {
                    fields.remove("usage");
                }
                let mut answer: Answer = serde_json::from_value(value)
                    .map_err(|error| junk(format!("no answer: {error}")))?;
                answer.count(usage);
                answer
            }
        };
        match answer.is_empty() {
            true => Err(junk("nothing".to_owned())),
            false => Ok(answer),
        }
    }
}

/// A conversation as people write it down. A single prompt stands alone.
fn plain(ask: &Ask) -> String {
    let mut parts = Vec::new();
    if !ask.system.is_empty() {
        parts.push(ask.system.clone());
    }
    match ask.messages.as_slice() {
        [Message::User { text }] => parts.push(text.clone()),
        messages => parts.extend(messages.iter().map(|message| match message {
            Message::User { text } => format!("User: {text}"),
            Message::Assistant { text, calls } => {
                let calls = calls.iter().map(
                    |ToolCall {
                         name, arguments, ..
                     }| format!("\n(calls {name} with {arguments})"),
                );
                format!("Assistant: {text}{}", calls.collect::<String>())
            }
            Message::Tool { text, .. } => format!("Tool: {text}"),
        })),
    }
    let mut text = parts.join("\n\n");
    text.push('\n');
    text
}
