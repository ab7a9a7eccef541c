//! A schema, checked itself, and what a value has wrong by it.

use std::fmt;

use jsonschema::{PatternOptions, Validator};
use serde_json::Value;
use thiserror::Error;

/// Errors that are told.
const MOST_ERRORS: usize = 8;
/// Characters of one of them.
const MOST_SAID: usize = 240;

/// A JSON Schema that answers are held to.
pub struct Schema {
    value: Value,
    validator: Validator,
}

/// The same schema is the same, however it was compiled.
impl PartialEq for Schema {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

/// A schema that is none.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the schema of an answer is not a JSON Schema: {why}")]
pub struct SchemaError {
    why: String,
}

impl Schema {
    /// Takes drafts 4 to 2020-12; without `$schema` it is the last. Nothing is fetched: all that it refers
    /// to must be within it. Patterns take linear time.
    ///
    /// # Errors
    /// When it is none.
    pub fn new(value: Value) -> Result<Self, SchemaError> {
        let wrong = |why: String| SchemaError { why: bounded(&why) };
        if !value.is_object() {
            return Err(wrong("it is no object".to_owned()));
        }
        let validator = jsonschema::options()
            .with_pattern_options(PatternOptions::regex())
            .build(&value)
            .map_err(|error| {
                wrong(format!(
                    "at {}: {error}",
                    place(error.instance_path().as_str())
                ))
            })?;
        Ok(Self { value, validator })
    }

    /// The schema itself.
    #[must_use]
    pub const fn value(&self) -> &Value {
        &self.value
    }

    /// What is wrong with a value; nothing where it fits. Bounded, and without what the value holds.
    #[must_use]
    pub fn errors(&self, value: &Value) -> Vec<String> {
        self.validator
            .iter_errors(value)
            .take(MOST_ERRORS)
            .map(|error| {
                let at = place(error.instance_path().as_str()).to_owned();
                bounded(&format!("at {at}: {}", error.masked()))
            })
            .collect()
    }
}

fn place(pointer: &str) -> &str {
    match pointer.is_empty() {
        true => "the top",
        false => pointer,
    }
}

fn bounded(text: &str) -> String {
    let mut short: String = text.chars().take(MOST_SAID).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Schema").field(&self.value).finish()
    }
}
