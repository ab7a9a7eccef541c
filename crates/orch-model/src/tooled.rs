//! A model that is given tools: what it calls is called, and it is asked on, until it answers.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use serde_json::Value;

use crate::{
    Answer, Ask, Asking, Deltas, Message, ModelError, Provider, ToolCall, ToolSpec, Usage,
};

/// Calls of one round that are made; the others are told so.
const MOST_CALLS: usize = 32;

/// A tool at work.
pub type Working<'a> = Pin<Box<dyn Future<Output = String> + Send + 'a>>;

/// What a model may call. Whether it may is decided here, by whose rights the model acts; the model's own
/// word grants nothing.
pub trait Tools: Send + Sync + fmt::Debug {
    /// What there is.
    fn specs(&self) -> Vec<ToolSpec>;

    /// Calls the tool `name`, which is one of [`Self::specs`]. What it answers is for the model, also when
    /// it fails.
    fn call<'a>(&'a self, name: &'a str, arguments: Value) -> Working<'a>;
}

/// How far a model may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leash {
    /// How often it may call tools before it must answer.
    pub rounds: u32,
    /// Bytes of one tool's answer that the model is shown.
    pub answer_bytes: usize,
}

impl Default for Leash {
    fn default() -> Self {
        Self {
            rounds: 16,
            answer_bytes: 32 << 10,
        }
    }
}

/// Asks a model with tools until it answers without calling any. Its answer counts the tokens of all
/// rounds.
#[derive(Clone, Debug)]
pub struct Tooled {
    model: Arc<dyn Provider>,
    tools: Arc<dyn Tools>,
    leash: Leash,
}

impl Tooled {
    #[must_use]
    pub fn new(model: Arc<dyn Provider>, tools: Arc<dyn Tools>, leash: Leash) -> Self {
        Self {
            model,
            tools,
            leash,
        }
    }

    async fn asked(&self, ask: &Ask, deltas: Deltas<'_>) -> Result<Answer, ModelError> {
        let mut ask = ask.clone();
        ask.tools = self.tools.specs();
        let mut usage = Usage::default();
        let mut miscounted = false;
        for _ in 0..=self.leash.rounds {
            let mut answer = self.model.ask(&ask, deltas).await?;
            usage += answer.usage;
            miscounted |= answer.miscounted;
            if answer.calls.is_empty() {
                answer.usage = usage;
                answer.miscounted = miscounted;
                return Ok(answer);
            }
            let mut results = Vec::new();
            for (at, call) in answer.calls.iter().enumerate() {
                let text = match at < MOST_CALLS {
                    true => self.answer_to(call, &ask.tools).await,
                    false => format!("not called: at most {MOST_CALLS} calls are made at a time"),
                };
                results.push(Message::Tool {
                    call: call.id.clone(),
                    text,
                });
            }
            ask.messages.push(Message::Assistant {
                text: answer.text,
                calls: answer.calls,
            });
            ask.messages.append(&mut results);
        }
        Err(ModelError::Rounds {
            rounds: self.leash.rounds,
        })
    }

    async fn answer_to(&self, call: &ToolCall, specs: &[ToolSpec]) -> String {
        if !specs.iter().any(|spec| spec.name == call.name) {
            let names: Vec<&str> = specs.iter().map(|spec| spec.name.as_str()).collect();
            return format!(
                "there is no tool of that name; there are: {}",
                names.join(", ")
            );
        }
        let arguments = match serde_json::from_str::<Value>(&call.arguments) {
            Ok(arguments) if arguments.is_object() => arguments,
            Ok(_) => return "the arguments are JSON, but no object".to_owned(),
            Err(error) => return format!("the arguments are not JSON: {error}"),
        };
        let mut text = self.tools.call(&call.name, arguments).await;
        if text.len() > self.leash.answer_bytes {
            let whole = text.len();
            text.truncate(text.floor_char_boundary(self.leash.answer_bytes));
            text.push_str(&format!("\n(cut: it has {whole} bytes)"));
        }
        text
    }
}

impl Provider for Tooled {
    fn model(&self) -> &str {
        self.model.model()
    }

    fn ask<'a>(&'a self, ask: &'a Ask, deltas: Deltas<'a>) -> Asking<'a> {
        Box::pin(self.asked(ask, deltas))
    }
}
