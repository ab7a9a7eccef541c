//! Secrets and the form of an answer: the names that a schema gives are no secrets, whatever a secret's value is. What
//! stands under them is looked at as ever.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::record::Redact;
use crate::structured::values;
use crate::veiled;

/// Members of a schema that hold words for readers, or values.
const WORDS: [&str; 7] = [
    "title",
    "description",
    "$comment",
    "default",
    "examples",
    "const",
    "enum",
];
/// Members of a schema whose own members are named by whoever wrote it.
const NAMED: [&str; 4] = ["properties", "patternProperties", "$defs", "definitions"];

/// A schema without secrets in what it says. Its form stays.
pub(crate) fn without(schema: &Value, redact: &Redact) -> Value {
    let mut schema = schema.clone();
    veil_schema(&mut schema, redact);
    schema
}

fn veil_schema(schema: &mut Value, redact: &Redact) {
    match schema {
        Value::Object(members) => {
            for (name, member) in members.iter_mut() {
                if WORDS.contains(&name.as_str()) {
                    veil(member, &BTreeSet::new(), redact);
                } else if let (true, Value::Object(named)) =
                    (NAMED.contains(&name.as_str()), &mut *member)
                {
                    named.values_mut().for_each(|one| veil_schema(one, redact));
                } else {
                    veil_schema(member, redact);
                }
            }
        }
        Value::Array(parts) => parts.iter_mut().for_each(|part| veil_schema(part, redact)),
        // Words of JSON Schema, and the names of what must be there.
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// An answer without secrets, in which the names of `schema` stay.
pub(crate) fn fitting(text: &str, schema: &Value, redact: &Redact) -> String {
    if redact(text) == text {
        return text.to_owned();
    }
    let found = values(text);
    if found.is_empty() {
        return veiled::without(text, redact);
    }
    let mut names = BTreeSet::new();
    names_of(schema, &mut names);
    let veiled = found.into_iter().map(|mut value| {
        veil(&mut value, &names, redact);
        value.to_string()
    });
    veiled.collect::<Vec<_>>().join("\n")
}

fn names_of<'s>(schema: &'s Value, names: &mut BTreeSet<&'s str>) {
    match schema {
        Value::Object(members) => {
            for (name, member) in members {
                if let ("properties", Value::Object(named)) = (name.as_str(), member) {
                    names.extend(named.keys().map(String::as_str));
                }
                names_of(member, names);
            }
        }
        Value::Array(parts) => parts.iter().for_each(|part| names_of(part, names)),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Takes secrets out of texts, and out of names but for those that are `known`.
fn veil(value: &mut Value, known: &BTreeSet<&str>, redact: &Redact) {
    match value {
        Value::String(text) => *text = redact(text),
        Value::Array(parts) => parts.iter_mut().for_each(|part| veil(part, known, redact)),
        Value::Object(members) => {
            let veiled = std::mem::take(members)
                .into_iter()
                .map(|(name, mut member)| {
                    veil(&mut member, known, redact);
                    let name = match known.contains(name.as_str()) {
                        true => name,
                        false => redact(&name),
                    };
                    (name, member)
                });
            *members = veiled.collect();
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;

    #[test]
    fn a_secret_that_is_called_as_a_field_hides_values_and_no_field() {
        let redact: Redact = Arc::new(|text: &str| text.replace("items", "***"));
        let schema = json!({
            "type": "object", "required": ["items"], "description": "the items",
            "properties": {"items": {"type": "array", "items": {"enum": ["items", "other"]}}}
        });
        assert_eq!(
            without(&schema, &redact),
            json!({
                "type": "object", "required": ["items"], "description": "the ***",
                "properties": {"items": {"type": "array", "items": {"enum": ["***", "other"]}}}
            })
        );
        for (text, veiled) in [
            (
                r#"{"items":["my items"],"no items":1}"#,
                r#"{"items":["my ***"],"no ***":1}"#,
            ),
            (
                "Here:\n```json\n{\"items\":[\"items\"]}\n```\nthe items",
                r#"{"items":["***"]}"#,
            ),
            ("no JSON, items", "no JSON, ***"),
            (r#"{"other":[]}"#, r#"{"other":[]}"#),
        ] {
            assert_eq!(fitting(text, &schema, &redact), veiled);
        }
    }
}
