//! The digest that an approval of requirements binds: SHA-256 of the canonical JSON of all that a person
//! sees of the version. Positions in the text, and what only serves later proposals, are not part of it.

use std::fmt::Write as _;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::model::Document;

impl Document {
    /// 64 hex digits.
    pub fn digest(&self) -> String {
        hex::encode(Sha256::digest(canonical(&self.approved())))
    }

    /// What is approved.
    fn approved(&self) -> Value {
        let items: Vec<Value> = self
            .items
            .iter()
            .map(|item| {
                json!({
                    "id": item.id,
                    "kind": item.kind,
                    "text": item.text,
                    "priority": item.priority,
                    "mvp": item.mvp,
                    "sentence": item.source.sentence,
                    "attachment": item.source.attachment,
                    "about": item.about,
                    "answer": item.answer,
                })
            })
            .collect();
        json!({
            "format": "orch/requirements/v1",
            "items": items,
            "options": self.options,
            "chosen_option": self.chosen_option,
            "findings": self.findings,
        })
    }
}

/// JSON without spaces, members by name.
fn canonical(value: &Value) -> String {
    let mut out = String::new();
    write(value, &mut out);
    out
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Object(members) => {
            let mut names: Vec<&String> = members.keys().collect();
            names.sort_unstable();
            out.push('{');
            for (at, name) in names.into_iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write(&Value::String(name.clone()), out);
                out.push(':');
                write(&members[name], out);
            }
            out.push('}');
        }
        Value::Array(values) => {
            out.push('[');
            for (at, value) in values.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write(value, out);
            }
            out.push(']');
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            write!(out, "{value}").expect("invariant: writing to a String cannot fail");
        }
    }
}
