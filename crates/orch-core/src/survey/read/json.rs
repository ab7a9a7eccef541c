//! JSON, as far as manifests use it, and where its members stand.

use serde_json::{Map, Value};

/// The object that a text is; none where it is something else, or nested too deeply.
pub fn object(text: &str) -> Option<Map<String, Value>> {
    match serde_json::from_str(text.trim_start_matches('\u{feff}')) {
        Ok(Value::Object(object)) => Some(object),
        Ok(_) | Err(_) => None,
    }
}

/// The string at a path of members.
pub fn string_at<'v>(object: &'v Map<String, Value>, path: &[&str]) -> Option<&'v str> {
    let (first, rest) = path.split_first()?;
    let mut value = object.get(*first)?;
    for name in rest {
        value = value.get(name)?;
    }
    value.as_str()
}

/// The line of the member `key`; with a section, the first behind the section's own.
pub fn line_of(text: &str, section: Option<&str>, key: &str) -> u32 {
    let is_member = |line: &str, key: &str| {
        let mut rest = line;
        let quoted = format!("\"{key}\"");
        while let Some(at) = rest.find(&quoted) {
            rest = &rest[at + quoted.len()..];
            if rest.trim_start().starts_with(':') {
                return true;
            }
        }
        false
    };
    let mut lines = text.lines().enumerate();
    if let Some(section) = section
        && let Some((at, line)) = lines.find(|(_, line)| is_member(line, section))
        // The section may stand on one line with its members.
        && is_member(line, key)
        && section != key
    {
        return at as u32 + 1;
    }
    let found = lines.find(|(_, line)| is_member(line, key));
    found.map_or(1, |(at, _)| at as u32 + 1)
}

#[cfg(test)]
mod tests {
    use super::{line_of, object, string_at};

    #[test]
    fn members_are_found_with_their_lines() {
        let text = "{\n \"name\": \"test\",\n \"scripts\": {\n  \"test\": \"jest\" },\n \"engines\": {\"node\": \"14\"}\n}";
        let read = object(text).expect("an object");
        assert_eq!(string_at(&read, &["scripts", "test"]), Some("jest"));
        assert_eq!(line_of(text, Some("scripts"), "test"), 4);
        assert_eq!(line_of(text, Some("engines"), "node"), 5);
        assert_eq!(line_of(text, None, "name"), 2);
        assert!(object(&"[".repeat(100_000)).is_none());
        assert!(object(&"{\"a\":".repeat(100_000)).is_none());
    }
}
