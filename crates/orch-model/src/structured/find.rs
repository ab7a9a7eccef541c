//! The JSON within an answer: all of it, in a fence, or with talk around it.

use serde_json::{Deserializer, Value};

/// Places that are looked at: an answer of megabytes is not read from each of its braces.
const MOST_PLACES: usize = 16;

/// Values that may be meant, the likeliest first.
pub(crate) fn values(text: &str) -> Vec<Value> {
    let text = text.trim().trim_start_matches('\u{feff}');
    if let Ok(value) = serde_json::from_str(text) {
        return vec![value];
    }
    let fenced: Vec<Value> = fences(text)
        .filter_map(|inner| serde_json::from_str(inner.trim()).ok())
        .take(MOST_PLACES)
        .collect();
    match fenced.is_empty() {
        true => embedded(text),
        false => fenced,
    }
}

/// What stands between lines of ``` , with or without a word behind the first.
fn fences(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let open = rest.find("```")?;
        let inner = &rest[open + 3..];
        let body = inner.find('\n').map_or("", |end| &inner[end + 1..]);
        // A fence within a string of the JSON has no line of its own.
        let close = body
            .starts_with("```")
            .then_some(0)
            .or_else(|| body.find("\n```"));
        let end = close.unwrap_or(body.len());
        let found = &body[..end];
        rest = body
            .get(end + 1..)
            .and_then(|tail| tail.split_once("```"))
            .map_or("", |(_, tail)| tail);
        Some(found)
    })
}

/// Objects and lists that begin somewhere in the text.
fn embedded(text: &str) -> Vec<Value> {
    let mut found = Vec::new();
    let mut from = 0;
    for _ in 0..MOST_PLACES {
        let Some(place) = text[from..].find(['{', '[']) else {
            break;
        };
        let begin = from + place;
        let mut reader = Deserializer::from_str(&text[begin..]).into_iter::<Value>();
        from = match reader.next() {
            Some(Ok(value)) => {
                found.push(value);
                begin + reader.byte_offset()
            }
            Some(Err(_)) | None => begin + 1,
        };
    }
    // A list such as [1] is more often a footnote than the answer.
    found.sort_by_key(|value| !value.is_object());
    found
}

/// Why there is no value, with the parser's own words where the answer is meant to be JSON.
pub(super) fn why_none(text: &str) -> String {
    let text = text.trim();
    match serde_json::from_str::<Value>(text) {
        _ if text.is_empty() => "it is empty".to_owned(),
        Err(error) if text.starts_with(['{', '[']) => format!("it is not JSON: {error}"),
        Ok(_) | Err(_) => "it holds no JSON".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn json_is_found_wherever_models_put_it() {
        let wanted = json!({"a": "``` { }"});
        for text in [
            r#" {"a": "``` { }"} "#,
            "\u{feff}{\"a\": \"``` { }\"}",
            "```json\n{\"a\": \"``` { }\"}\n```",
            "Here it is:\n\n```\n{\"a\": \"``` { }\"}\n```\nAnything else?",
            "```sh\nls\n```\nand\n```JSON\n{\"a\": \"``` { }\"}\n```",
            "```json\n{\"a\": \"``` { }\"}",
            "As agreed [1] the answer is {\"a\": \"``` { }\"}. {Bye}",
        ] {
            assert_eq!(values(text).first(), Some(&wanted), "{text}");
        }
        assert_eq!(values("```\n```"), Vec::<Value>::new());
        assert_eq!(values("no { json [ here"), Vec::<Value>::new());
        assert_eq!(values("```"), Vec::<Value>::new());
    }

    #[test]
    fn megabytes_of_braces_are_given_up_soon() {
        let text = format!("x{}", "{\"a\":[".repeat(500_000));
        assert_eq!(values(&text), Vec::<Value>::new());
        assert!(why_none("{\"a\": 1,}").contains("not JSON"));
        assert_eq!(why_none("  "), "it is empty");
        assert_eq!(why_none("I am sorry"), "it holds no JSON");
    }
}
