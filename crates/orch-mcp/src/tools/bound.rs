//! Answers within bounds: what is too long is cut and says so, so that no log or vision fills a model's memory.

use serde_json::Value;

/// Bytes of an answer as JSON.
pub(crate) const MOST_BYTES: usize = 64 << 10;
/// Bytes that a text may have, tried in turn until the whole fits.
const TEXTS: [usize; 4] = [16 << 10, 4 << 10, 1 << 10, 200];
/// Entries that a list may have, tried in turn once texts are short.
const LISTS: [usize; 4] = [100, 30, 10, 3];

/// The answer, cut where it must be.
pub(crate) fn bounded(mut answer: Value) -> Value {
    for bytes in TEXTS {
        shorten(&mut answer, bytes, usize::MAX);
        if fits(&answer) {
            return answer;
        }
    }
    for entries in LISTS {
        shorten(&mut answer, TEXTS[TEXTS.len() - 1], entries);
        if fits(&answer) {
            return answer;
        }
    }
    serde_json::json!({"cut": format!("the answer is larger than {MOST_BYTES} bytes; ask for less of it")})
}

fn fits(answer: &Value) -> bool {
    answer.to_string().len() <= MOST_BYTES
}

fn shorten(value: &mut Value, bytes: usize, entries: usize) {
    match value {
        Value::String(text) if text.len() > bytes => {
            let whole = text.len();
            text.truncate(text.floor_char_boundary(bytes));
            text.push_str(&format!("… (cut: it has {whole} bytes)"));
        }
        Value::Array(list) => {
            if list.len() > entries {
                let left = list.len() - entries;
                list.truncate(entries);
                list.push(format!("… (cut: {left} more)").into());
            }
            list.iter_mut().for_each(|one| shorten(one, bytes, entries));
        }
        Value::Object(members) => members
            .values_mut()
            .for_each(|one| shorten(one, bytes, entries)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
