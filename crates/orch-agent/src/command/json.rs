//! Looking into an event whose shape may be another one than expected.

use serde_json::Value;

/// Longest output of a tool that is repeated in the log, in bytes.
const LONGEST_OUTPUT: usize = 64 * 1024;

pub(super) fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// The largest count: sums are made of them in 64 bits with a sign.
pub(super) const MOST: u64 = i64::MAX.unsigned_abs();

/// A count, which is never more than [`MOST`].
pub(super) fn number(value: &Value, pointer: &str) -> u64 {
    let number = value.pointer(pointer).and_then(Value::as_u64);
    number.unwrap_or_default().min(MOST)
}

/// What several counts are together.
pub(super) fn sum(counts: &[u64]) -> u64 {
    counts
        .iter()
        .fold(0, |sum: u64, count| sum.saturating_add(*count).min(MOST))
}

/// A tool's use in a few words: its command, its file, or its arguments.
pub(super) fn used(tool: &str, input: &Value) -> String {
    for key in ["command", "cmd"] {
        if let Some(command) = input.get(key).and_then(Value::as_str) {
            return format!("$ {command}");
        }
    }
    for key in ["file_path", "filePath", "path", "pattern", "url", "query"] {
        if let Some(what) = input.get(key).and_then(Value::as_str) {
            return format!("[{tool} {what}]");
        }
    }
    let arguments: String = input.to_string().chars().take(200).collect();
    format!("[{tool} {arguments}]")
}

/// The text of a result, which is a text or a list of parts.
pub(super) fn output(value: &Value) -> String {
    let whole = match value {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let texts = parts.iter().map(|part| text(part, "/text"));
            texts.collect::<Vec<_>>().join("\n")
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => String::new(),
    };
    match whole.len() > LONGEST_OUTPUT {
        true => format!("{}…", &whole[..whole.floor_char_boundary(LONGEST_OUTPUT)]),
        false => whole,
    }
}
