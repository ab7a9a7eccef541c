//! What a single YAML scalar means, and which tags are obeyed.
//!
//! The YAML 1.2 core schema, no more: `yes`, `1_000` and dates are text.

use serde_saphyr::granit_parser::{ScalarStyle, Tag};

use super::node::Value;
use super::rules::excerpt;

/// Resolves a scalar by its tag, else by its style.
pub(super) fn value(text: String, style: ScalarStyle, tag: Option<&Tag>) -> Result<Value, String> {
    let is_core =
        |tag: &Tag, names: &[&str]| names.iter().any(|name| tag.is_yaml_core_schema_tag(name));
    match tag {
        None if style == ScalarStyle::Plain => Ok(resolve(text)),
        None => Ok(Value::Text(text)),
        Some(tag) if is_core(tag, &["str"]) || tag.original() == "!" => Ok(Value::Text(text)),
        Some(tag) if is_core(tag, &["int", "float", "bool", "null"]) => Ok(resolve(text)),
        Some(tag) => Err(unknown_tag(tag)),
    }
}

/// Refuses every tag on a list or mapping but its own core tag (`seq`, `map`).
pub(super) fn check_collection_tag(tag: Option<&Tag>, own: &str) -> Result<(), String> {
    match tag {
        None => Ok(()),
        Some(tag) if tag.is_yaml_core_schema_tag(own) || tag.original() == "!" => Ok(()),
        Some(tag) => Err(unknown_tag(tag)),
    }
}

fn unknown_tag(tag: &Tag) -> String {
    format!(
        "tag `{}` is not supported here; only the core tags such as !!str are",
        excerpt(&tag.original())
    )
}

fn resolve(text: String) -> Value {
    match text.as_str() {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true, text),
        "false" | "False" | "FALSE" => Value::Bool(false, text),
        _ if is_number(&text) => Value::Number(text),
        _ => Value::Text(text),
    }
}

fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if let Some(digits) = text.strip_prefix("0x") {
        return !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return !digits.is_empty() && digits.bytes().all(|byte| (b'0'..=b'7').contains(&byte));
    }
    match unsigned {
        ".inf" | ".Inf" | ".INF" => true,
        ".nan" | ".NaN" | ".NAN" => unsigned.len() == text.len(),
        _ => {
            // Rust reads exactly the core schema's floats, apart from the words inf and nan.
            unsigned.starts_with(|first: char| first.is_ascii_digit() || first == '.')
                && unsigned.parse::<f64>().is_ok()
        }
    }
}
