//! Models that are set, their prices, and what they have cost.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A model that can be asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Model {
    /// As roles, answers and prices name it.
    pub name: String,
    /// As its provider names it.
    pub model: String,
    /// `responses`, `chat`, `responses_else_chat`, `messages` or `program`.
    pub protocol: String,
    /// Its address, or the program.
    pub place: String,
    /// The setting that it comes from.
    pub source: String,
    /// The variable that its key is taken from; never the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_env: Option<String>,
    /// Roles that ask it, first or in place of another.
    pub roles: Vec<String>,
    /// None where it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Price>,
}

/// Micro-dollars for a million tokens: 1250000 is $1.25.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Price {
    #[schema(example = 1_250_000)]
    pub input: u64,
    /// Input that the provider had in its cache.
    #[schema(example = 125_000)]
    pub cached: u64,
    #[schema(example = 10_000_000)]
    pub output: u64,
}

/// A price as it is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPrice {
    /// Micro-dollars for a million tokens of input; 0 for a model that costs nothing.
    #[schema(example = 1_250_000)]
    pub input: u64,
    /// Of input from the provider's cache; as `input` where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = 125_000)]
    pub cached: Option<u64>,
    /// Of output, reasoning included.
    #[schema(example = 10_000_000)]
    pub output: u64,
}

/// An entry of the table of prices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ModelPrice {
    /// A model, and all whose names begin so; the longest entry counts.
    pub model: String,
    #[serde(flatten)]
    pub price: Price,
    /// `file` (ORCH_MODELS, ORCH_MODEL_PRICES) or `set`.
    pub source: String,
    /// When it was set, and by whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_by: Option<String>,
}

/// The whole table, as it is put in place of the one that was set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetPrices {
    /// At most 500; an empty list takes all prices back that were set.
    pub prices: Vec<SetPrice>,
}

/// One entry of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetPrice {
    #[schema(example = "gpt-5")]
    pub model: String,
    /// As in a price of its own.
    #[schema(example = 1_250_000)]
    pub input: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = 125_000)]
    pub cached: Option<u64>,
    #[schema(example = 10_000_000)]
    pub output: u64,
}

impl SetPrice {
    /// What it costs, apart from whose price it is.
    #[must_use]
    pub const fn price(&self) -> NewPrice {
        NewPrice {
            input: self.input,
            cached: self.cached,
            output: self.output,
        }
    }
}

/// What a model said to a trial.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ModelTrial {
    pub model: String,
    pub answered: bool,
    /// Its words, or why there are none.
    pub said: String,
    pub latency_ms: u64,
    pub input_tokens: u64,
    pub output_tokens: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_microusd: Option<u64>,
}

/// What a project's calls have cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Costs {
    pub project_id: i64,
    /// From then on; none for all time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// Before then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    pub total: CostLine,
    /// `role`, `model`, `plan`, `work_item`, `run` or `day`.
    pub by: String,
    /// The dearest first (days in order), at most 500.
    pub lines: Vec<CostLine>,
}

/// Calls added up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CostLine {
    /// Whose they are: a role, a model, a number or a day; `-` for calls that belong to none.
    pub name: String,
    pub calls: u64,
    /// Of these, without an answer.
    pub failed: u64,
    pub input_tokens: u64,
    pub cached_tokens: u64,
    pub output_tokens: u64,
    /// Of calls whose model had a price.
    pub cost_microusd: u64,
    /// Calls whose model had none.
    pub unpriced: u64,
}
