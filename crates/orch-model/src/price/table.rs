//! The table of prices, in TOML or JSON.
//!
//! ```toml
//! version = 1
//!
//! # Micro-dollars for a million tokens: 1250000 is $1.25.
//! [[price]]
//! model = "gpt-5"        # and all models whose names begin so; the longest beginning counts
//! input = 1250000
//! cached = 125000        # input from the provider's cache; as `input` where it is left out
//! output = 10000000
//! ```

use std::collections::BTreeMap;

use serde::Deserialize;
use thiserror::Error;

use super::Cost;
use crate::{Ask, Usage};

/// The newest form of the table.
const VERSION: u32 = 1;
const LARGEST_BYTES: usize = 1 << 20;
/// Tokens that frame a request and each of its parts.
const FRAME_TOKENS: u64 = 16;
/// Bytes of one token of ordinary text.
const LIKELY_BYTES: u64 = 4;

/// What a model costs, in micro-dollars for a million tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Price {
    pub input: u64,
    /// Input that the provider had in its cache.
    pub cached: u64,
    /// Output, reasoning included.
    pub output: u64,
}

impl Price {
    /// A model of one's own.
    pub const FREE: Self = Self {
        input: 0,
        cached: 0,
        output: 0,
    };

    /// What these tokens cost: exact, and rounded up to a micro-dollar once.
    #[must_use]
    pub fn of(&self, usage: Usage) -> Cost {
        let cached = usage.cached_tokens.min(usage.input_tokens);
        let part = |tokens: u64, price: u64| u128::from(tokens) * u128::from(price);
        let parts = [
            part(usage.input_tokens - cached, self.input),
            part(cached, self.cached),
            part(usage.output_tokens, self.output),
        ];
        Cost::from_millionths(parts.into_iter().fold(0, u128::saturating_add))
    }

    /// The most that a request can cost: a token has at least one byte, and the answer goes to its bound.
    /// This is what is reserved where nothing may be exceeded. `output_tokens` counts where the request
    /// has no bound of its own.
    #[must_use]
    pub fn at_most(&self, ask: &Ask, output_tokens: u32) -> Cost {
        let dearest = Self {
            cached: self.input.max(self.cached),
            input: self.input.max(self.cached),
            ..*self
        };
        dearest.of(Usage {
            input_tokens: framed(ask, 1),
            cached_tokens: 0,
            output_tokens: u64::from(ask.max_output_tokens.unwrap_or(output_tokens)),
        })
    }

    /// What a request will likely cost, if its answer goes to its bound.
    #[must_use]
    pub fn likely(&self, ask: &Ask, output_tokens: u32) -> Cost {
        self.of(Usage {
            input_tokens: framed(ask, LIKELY_BYTES),
            cached_tokens: 0,
            output_tokens: u64::from(ask.max_output_tokens.unwrap_or(output_tokens)),
        })
    }
}

fn framed(ask: &Ask, bytes_each: u64) -> u64 {
    let bytes = u64::try_from(ask.bytes()).unwrap_or(u64::MAX);
    let parts = (ask.messages.len() + ask.tools.len()) as u64 + 2;
    bytes
        .div_ceil(bytes_each)
        .saturating_add(parts.saturating_mul(FRAME_TOKENS))
}

/// Prices of models, by the beginnings of their names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prices(BTreeMap<String, Price>);

/// What is wrong with a table, or missing in it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PriceError {
    #[error("failed to read the table of prices: {0}")]
    Form(String),
    #[error("the table of prices is of version {0}; this program reads version {VERSION}")]
    Version(u32),
    #[error("the table of prices has {0:?} twice")]
    Twice(String),
    #[error("the table of prices has {0} bytes; at most {LARGEST_BYTES} are read")]
    TooLarge(usize),
    #[error(
        "the table of prices has no price for {model:?}{}: add one (0 for a model that costs nothing)",
        or_near(.nearest)
    )]
    Unknown {
        model: String,
        /// The entry whose name is most like it.
        nearest: Option<String>,
    },
}

fn or_near(nearest: &Option<String>) -> String {
    match nearest {
        Some(name) => format!("; the nearest is {name:?}"),
        None => String::new(),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    version: u32,
    #[serde(default)]
    price: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    model: String,
    input: u64,
    cached: Option<u64>,
    output: u64,
}

impl Prices {
    /// Reads a table, as JSON where it begins with a brace and as TOML otherwise.
    ///
    /// # Errors
    /// When it is neither, has other fields, another version or a model twice.
    pub fn parse(text: &str) -> Result<Self, PriceError> {
        if text.len() > LARGEST_BYTES {
            return Err(PriceError::TooLarge(text.len()));
        }
        let text = text.trim_start_matches('\u{feff}');
        let table: Table = match text.trim_start().starts_with('{') {
            true => {
                serde_json::from_str(text).map_err(|error| PriceError::Form(error.to_string()))?
            }
            false => toml::from_str(text).map_err(|error| PriceError::Form(error.to_string()))?,
        };
        if table.version != VERSION {
            return Err(PriceError::Version(table.version));
        }
        let mut prices = Self::default();
        for entry in table.price {
            let price = Price {
                input: entry.input,
                cached: entry.cached.unwrap_or(entry.input),
                output: entry.output,
            };
            if prices.0.insert(entry.model.clone(), price).is_some() {
                return Err(PriceError::Twice(entry.model));
            }
        }
        Ok(prices)
    }

    /// With an entry, in place of what had its name.
    #[must_use]
    pub fn with(mut self, model: impl Into<String>, price: Price) -> Self {
        self.0.insert(model.into(), price);
        self
    }

    /// All entries, by name.
    pub fn entries(&self) -> impl Iterator<Item = (&str, Price)> {
        self.0.iter().map(|(model, price)| (model.as_str(), *price))
    }

    /// The entry that counts for a model: the longest one with which its name begins.
    #[must_use]
    pub fn entry_of(&self, model: &str) -> Option<&str> {
        self.known(model).map(|(beginning, _)| beginning)
    }

    fn known(&self, model: &str) -> Option<(&str, Price)> {
        self.entries()
            .filter(|(beginning, _)| model.starts_with(beginning))
            .max_by_key(|(beginning, _)| beginning.len())
    }

    /// The price of a model: that of the longest entry with which its name begins.
    ///
    /// # Errors
    /// When there is none. Nothing is guessed: a cap that does not know a price caps nothing.
    pub fn of(&self, model: &str) -> Result<Price, PriceError> {
        self.known(model)
            .map(|(_, price)| price)
            .ok_or_else(|| PriceError::Unknown {
                model: model.to_owned(),
                nearest: self
                    .0
                    .keys()
                    .min_by_key(|name| distance(name, model))
                    .cloned(),
            })
    }
}

/// Letters to change, add or leave out between two names (Levenshtein), of their first hundred.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().take(100).collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, letter) in one.chars().take(100).enumerate() {
        let mut before = std::mem::replace(&mut row[0], at + 1);
        for (place, wanted) in other.iter().enumerate() {
            let changed = before + usize::from(letter != *wanted);
            before = row[place + 1];
            row[place + 1] = changed.min(before + 1).min(row[place] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TOML: &str = r#"
version = 1
[[price]]
model = "gpt-5"
input = 1250000
cached = 125000
output = 10000000
[[price]]
model = "gpt-5-mini"
input = 250000
output = 2000000
"#;

    #[test]
    fn a_table_is_the_same_in_toml_and_json() {
        let json = r#"{"version": 1, "price": [
            {"model": "gpt-5", "input": 1250000, "cached": 125000, "output": 10000000},
            {"model": "gpt-5-mini", "input": 250000, "output": 2000000}]}"#;
        let prices = Prices::parse(TOML).unwrap();
        assert_eq!(Prices::parse(json).unwrap(), prices);
        assert_eq!(prices.of("gpt-5-mini-2025-08-07").unwrap().cached, 250_000);
        assert_eq!(prices.of("gpt-5-2025-08-07").unwrap().cached, 125_000);
        assert_eq!(prices.entries().count(), 2);
    }

    #[test]
    fn a_model_without_a_price_is_an_error_that_names_the_nearest() {
        let error = Prices::parse(TOML).unwrap().of("gtp-5-mini").unwrap_err();
        assert_eq!(
            error.to_string(),
            r#"the table of prices has no price for "gtp-5-mini"; the nearest is "gpt-5-mini": add one (0 for a model that costs nothing)"#
        );
        assert!(
            !Prices::default()
                .of("m")
                .unwrap_err()
                .to_string()
                .contains("nearest")
        );
    }

    #[test]
    fn a_wrong_table_is_refused_clearly() {
        let said = |text: &str| Prices::parse(text).unwrap_err().to_string();
        assert!(said("version = 2").contains("version 2"));
        assert!(said("version = 1\nprices = []").contains("prices"));
        assert!(said("{").contains("failed to read"));
        assert!(said("").contains("version"));
        let negative = TOML.replace("1250000", "-1");
        assert!(said(&negative).contains("failed to read"));
        assert!(said(&format!("{TOML}{}", &TOML[12..])).contains("twice"));
        assert!(said(&" ".repeat(LARGEST_BYTES + 1)).contains("bytes"));
    }

    #[test]
    fn a_cost_counts_each_kind_of_token_and_rounds_up_once() {
        let price = Prices::parse(TOML).unwrap().of("gpt-5").unwrap();
        let usage = Usage {
            input_tokens: 1_000,
            cached_tokens: 200,
            output_tokens: 50,
        };
        // 800 x 1.25 + 200 x 0.125 + 50 x 10
        assert_eq!(price.of(usage), Cost::from_micros(1_525));
        let one = Usage {
            cached_tokens: 1,
            input_tokens: 1,
            output_tokens: 0,
        };
        assert_eq!(price.of(one), Cost::from_micros(1));
        assert_eq!(price.of(Usage::default()), Cost::ZERO);
        let most = Usage {
            input_tokens: u64::MAX,
            cached_tokens: u64::MAX,
            output_tokens: u64::MAX,
        };
        let dear = Price {
            input: u64::MAX,
            cached: u64::MAX,
            output: u64::MAX,
        };
        assert_eq!(dear.of(most), Cost::MOST);
        assert_eq!(Price::FREE.of(most), Cost::ZERO);
    }

    proptest! {
        #[test]
        fn no_answer_costs_more_than_what_was_reserved(
            text in ".{0,200}", bound in 0_u32..5_000, tokens in 0.0..1.0_f64, out in 0.0..1.0_f64, cached in 0.0..1.0_f64,
        ) {
            let price = Price { input: 1_250_000, cached: 125_000, output: 10_000_000 };
            let ask = Ask { max_output_tokens: Some(bound), ..Ask::new("be brief", text) };
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "shares of small counts")]
            let share = |of: usize, part: f64| (of as f64 * part) as u64;
            let input = share(ask.bytes(), tokens) + 3 * FRAME_TOKENS;
            let usage = Usage {
                input_tokens: input,
                cached_tokens: share(usize::try_from(input).unwrap(), cached),
                output_tokens: share(bound as usize, out),
            };
            prop_assert!(price.of(usage) <= price.at_most(&ask, 0));
            prop_assert!(price.likely(&ask, 0) <= price.at_most(&ask, 0));
        }
    }
}
