//! Tokens of a request, as far as what a provider or a program says of them can be believed.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// No answer has more tokens; whoever says so has miscounted.
pub(crate) const MOST_TOKENS: u64 = 1_000_000_000;

/// Tokens of one request; all 0 where the provider counts none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    /// All that was read, that from the cache included.
    pub input_tokens: u64,
    /// Of these, from the provider's cache.
    pub cached_tokens: u64,
    /// All that was written, reasoning included.
    pub output_tokens: u64,
}

impl Usage {
    /// Whether one answer can have cost so much.
    pub(crate) fn is_believable(&self) -> bool {
        [self.input_tokens, self.cached_tokens, self.output_tokens]
            .iter()
            .all(|count| *count <= MOST_TOKENS)
    }

    /// As a program says it, under the names above; none where a number makes no sense.
    pub(crate) fn told(value: &Value) -> Option<Self> {
        let input_tokens = tokens(value.get("input_tokens"))?;
        Some(Self {
            input_tokens,
            cached_tokens: tokens(value.get("cached_tokens"))?.min(input_tokens),
            output_tokens: tokens(value.get("output_tokens"))?,
        })
    }
}

impl std::ops::AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.input_tokens = self.input_tokens.saturating_add(other.input_tokens);
        self.cached_tokens = self.cached_tokens.saturating_add(other.cached_tokens);
        self.output_tokens = self.output_tokens.saturating_add(other.output_tokens);
    }
}

/// A count, which some servers write with a decimal point: 0 where there is none, and none where it is negative,
/// not whole, no number or beyond any sense.
pub(crate) fn tokens(value: Option<&Value>) -> Option<u64> {
    let value = match value {
        None | Some(Value::Null) => return Some(0),
        Some(value) => value,
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "whole, and within the bound that is asked for first"
    )]
    let rounded = || {
        let number = value.as_f64()?;
        let fits = number.fract() == 0.0 && (0.0..=MOST_TOKENS as f64).contains(&number);
        fits.then_some(number as u64)
    };
    value
        .as_u64()
        .or_else(rounded)
        .filter(|count| *count <= MOST_TOKENS)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn counts_out_of_any_sense_are_none() {
        for (value, wanted) in [
            (json!(7), Some(7)),
            (json!(7.0), Some(7)),
            (json!(null), Some(0)),
            (json!(MOST_TOKENS), Some(MOST_TOKENS)),
            (json!(MOST_TOKENS + 1), None),
            (json!(-5), None),
            (json!(0.5), None),
            (json!(1e30), None),
            (json!(u64::MAX), None),
            (json!("7"), None),
        ] {
            assert_eq!(tokens(Some(&value)), wanted, "{value}");
        }
        assert_eq!(tokens(None), Some(0));
    }
}
