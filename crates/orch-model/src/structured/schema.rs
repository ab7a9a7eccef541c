//! A schema, checked itself, and what a value has wrong by it.

use std::collections::BTreeSet;
use std::fmt;

use jsonschema::{PatternOptions, Validator};
use serde_json::Value;
use thiserror::Error;

/// Errors that are told.
const MOST_ERRORS: usize = 8;
/// Characters of one of them.
const MOST_SAID: usize = 240;

/// Of a list at the top: the member by which no two of its entries may be called alike. JSON Schema cannot
/// say it; it is checked beside it, and no provider is sent it.
const DISTINCT: &str = "x-distinct";

/// A JSON Schema that answers are held to.
pub struct Schema {
    value: Value,
    validator: Validator,
    /// Lists, and the members that tell their entries apart.
    distinct: Vec<(String, String)>,
}

/// The same schema is the same, however it was compiled.
impl PartialEq for Schema {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value && self.distinct == other.distinct
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
    pub fn new(mut value: Value) -> Result<Self, SchemaError> {
        let wrong = |why: String| SchemaError { why: bounded(&why) };
        if !value.is_object() {
            return Err(wrong("it is no object".to_owned()));
        }
        let distinct = take_distinct(&mut value);
        let validator = jsonschema::options()
            .with_pattern_options(PatternOptions::regex())
            .build(&value)
            .map_err(|error| {
                wrong(format!(
                    "at {}: {error}",
                    place(error.instance_path().as_str())
                ))
            })?;
        Ok(Self {
            value,
            validator,
            distinct,
        })
    }

    /// The schema itself.
    #[must_use]
    pub const fn value(&self) -> &Value {
        &self.value
    }

    /// What is wrong with a value; nothing where it fits. Bounded, and without what the value holds.
    #[must_use]
    pub fn errors(&self, value: &Value) -> Vec<String> {
        let errors = self.validator.iter_errors(value).map(|error| {
            let at = place(error.instance_path().as_str()).to_owned();
            bounded(&format!("at {at}: {}", error.masked()))
        });
        errors.chain(self.alike(value)).take(MOST_ERRORS).collect()
    }

    /// Entries that are called as one before them is.
    fn alike(&self, value: &Value) -> Vec<String> {
        let mut errors = Vec::new();
        for (list, member) in &self.distinct {
            let mut names = BTreeSet::new();
            let entries = value.get(list).and_then(Value::as_array);
            for (at, entry) in entries.into_iter().flatten().enumerate() {
                let name = entry.get(member).and_then(Value::as_str);
                if name.is_some_and(|name| !names.insert(plain(name))) {
                    errors.push(bounded(&format!(
                        "at /{list}/{at}: its {member} is that of another; each is another, with a {member} of its own"
                    )));
                }
            }
        }
        errors
    }
}

fn take_distinct(schema: &mut Value) -> Vec<(String, String)> {
    let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
    let mut found = Vec::new();
    for (list, property) in properties.into_iter().flatten() {
        if let Some(Value::String(member)) = property
            .as_object_mut()
            .and_then(|property| property.remove(DISTINCT))
        {
            found.push((list.clone(), member));
        }
    }
    found
}

/// A name without case and what stands between its words.
fn plain(name: &str) -> String {
    let kept = name.chars().filter(|c| c.is_alphanumeric());
    kept.flat_map(char::to_lowercase).collect()
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Schema;

    #[test]
    fn entries_of_one_name_are_an_error_that_no_provider_is_told() {
        let schema = Schema::new(json!({
            "type": "object",
            "properties": {"options": {"type": "array", "minItems": 2, "x-distinct": "name"}},
        }))
        .unwrap();
        let named = |names: &[&str]| {
            let options: Vec<_> = names.iter().map(|name| json!({"name": name})).collect();
            schema.errors(&json!({"options": options}))
        };
        assert!(!schema.value().to_string().contains("x-distinct"));
        assert_eq!(named(&["SaaS monolith", "serverless"]), [""; 0]);
        let alike = named(&["SaaS monolith", "saas-monolith"]);
        assert_eq!(alike.len(), 1, "{alike:?}");
        assert!(alike[0].starts_with("at /options/1: its name"), "{alike:?}");
        assert_eq!(named(&["one"]).len(), 1);
    }
}
