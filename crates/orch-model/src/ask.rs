//! What a model is asked and what it answers, in no protocol's words.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Usage;

/// The seed of deterministic sampling, where there is one.
const SEED: u32 = 7;

/// One request.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ask {
    /// The standing instructions; empty for none.
    #[serde(default)]
    pub system: String,
    pub messages: Vec<Message>,
    /// A JSON Schema for the answer, where the provider can hold the model to it. The answer is to be
    /// checked in any case: see [`crate::ask_structured`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Value>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<ToolSpec>,
    /// Tokens that the answer may have; the provider's own bound where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_output_tokens: Option<u32>,
    #[serde(default)]
    pub sampling: Sampling,
}

impl Ask {
    /// A single message under standing instructions.
    #[must_use]
    pub fn new(system: impl Into<String>, prompt: impl Into<String>) -> Self {
        Self {
            system: system.into(),
            messages: vec![Message::User {
                text: prompt.into(),
            }],
            ..Self::default()
        }
    }

    /// Bytes of all that a model would read: no request has more tokens than this, but for the few that
    /// frame its messages.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let messages = self.messages.iter().map(|message| match message {
            Message::User { text } | Message::Tool { text, .. } => text.len(),
            Message::Assistant { text, calls } => {
                let calls = calls
                    .iter()
                    .map(|call| call.name.len() + call.arguments.len());
                text.len() + calls.sum::<usize>()
            }
        });
        let tools = self.tools.iter().map(|tool| {
            tool.name.len() + tool.description.len() + tool.parameters.to_string().len()
        });
        let schema = self
            .schema
            .as_ref()
            .map_or(0, |schema| schema.to_string().len());
        self.system.len() + messages.sum::<usize>() + tools.sum::<usize>() + schema
    }
}

/// A part of the conversation so far.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "role", rename_all = "snake_case")]
pub enum Message {
    User {
        text: String,
    },
    Assistant {
        text: String,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        calls: Vec<ToolCall>,
    },
    /// What a tool that the model called has answered.
    Tool {
        /// The call's [`ToolCall::id`].
        call: String,
        text: String,
    },
}

/// A tool that the model may call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolSpec {
    pub name: String,
    pub description: String,
    /// A JSON Schema of the arguments.
    pub parameters: Value,
}

/// A call that the model wants made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolCall {
    pub id: String,
    pub name: String,
    /// A JSON object as the model wrote it: it may be junk.
    pub arguments: String,
}

/// How the model chooses among what it could say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sampling {
    /// As alike as the provider offers: temperature 0 and a fixed seed. Where a model refuses that it is
    /// asked without.
    #[default]
    Deterministic,
    /// As the provider does by itself.
    Provider,
    /// By these numbers, where the protocol has them and the model does not refuse them.
    Chosen {
        /// In thousandths: 700 is 0.7.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        temperature_milli: Option<u16>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seed: Option<u32>,
    },
}

impl Sampling {
    /// The temperature that is asked for.
    #[must_use]
    pub fn temperature(self) -> Option<f64> {
        match self {
            Self::Deterministic => Some(0.0),
            Self::Provider => None,
            Self::Chosen {
                temperature_milli, ..
            } => temperature_milli.map(|milli| f64::from(milli) / 1000.0),
        }
    }

    /// The seed that is asked for.
    #[must_use]
    pub const fn seed(self) -> Option<u32> {
        match self {
            Self::Deterministic => Some(SEED),
            Self::Provider => None,
            Self::Chosen { seed, .. } => seed,
        }
    }
}

/// What came back.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Answer {
    pub text: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<ToolCall>,
    pub finish: Finish,
    pub usage: Usage,
    /// Its counts of tokens made no sense: none of them is believed, and the usage is that of an answer without
    /// counts.
    #[serde(skip_serializing_if = "is_false")]
    pub miscounted: bool,
    /// The model that answered, by the name that it was asked under: of a chain, which one it was. Prices
    /// go by this name.
    pub model: String,
    /// The model that answered, by its own word; empty where it gave none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub version: String,
}

impl Answer {
    /// Takes in what the provider counted; none where that made no sense, after which no count of it is believed.
    pub(crate) fn count(&mut self, told: Option<Usage>) {
        match told.filter(Usage::is_believable) {
            Some(usage) if !self.miscounted => self.usage = usage,
            Some(_) => {}
            None => {
                self.miscounted = true;
                self.usage = Usage::default();
            }
        }
    }

    /// The same answer, without counts that make no sense.
    #[must_use]
    pub(crate) fn counted(mut self) -> Self {
        self.count(Some(self.usage));
        self
    }

    /// Whether it says nothing and wants nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.text.is_empty() && self.calls.is_empty()
    }
}

/// Why the answer ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    /// It was done.
    #[default]
    Stop,
    /// It wants tools called.
    Tools,
    /// It reached the bound of tokens: the text is cut.
    Length,
    /// The provider held something back.
    Filtered,
    /// The model will not: its text says why.
    Refused,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the shape that serde calls"
)]
const fn is_false(value: &bool) -> bool {
    !*value
}
