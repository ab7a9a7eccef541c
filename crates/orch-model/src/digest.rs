//! What tells one request from another: SHA-256 over JSON in one spelling.

use std::fmt::Write as _;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// Of a value, whatever order its keys were written in, as 64 hex digits.
pub(crate) fn digest(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    hex::encode(Sha256::digest(text.as_bytes()))
}

fn write(value: &Value, out: &mut String) {
    let mut listed = |open: char, parts: Vec<(Option<&String>, &Value)>, close: char| {
        out.push(open);
        for (at, (key, part)) in parts.into_iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            if let Some(key) = key {
                let _ = write!(out, "{}:", Value::String(key.clone()));
            }
            write(part, out);
        }
        out.push(close);
    };
    match value {
        Value::Array(parts) => listed('[', parts.iter().map(|part| (None, part)).collect(), ']'),
        Value::Object(parts) => {
            let mut parts: Vec<_> = parts.iter().map(|(key, part)| (Some(key), part)).collect();
            parts.sort_by_key(|(key, _)| *key);
            listed('{', parts, '}');
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            let _ = write!(out, "{value}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_keys_does_not_matter_and_all_else_does() {
        let of = |text: &str| digest(&serde_json::from_str(text).unwrap());
        assert_eq!(
            of(r#"{"b":[1,{"d":2,"c":""}],"a":null}"#),
            of(r#"{"a":null,"b":[1,{"c":"","d":2}]}"#)
        );
        assert_ne!(of(r#"{"a":[1,2]}"#), of(r#"{"a":[2,1]}"#));
        assert_ne!(of(r#"["a","b"]"#), of(r#"["a\",\"b"]"#));
    }
}
