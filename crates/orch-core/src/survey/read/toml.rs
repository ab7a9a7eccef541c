//! TOML, as far as manifests use it: tables, keys, strings, arrays over several lines, inline tables.

use super::words::{quoted, unquoted};

const MOST_ENTRIES: usize = 20_000;
/// The most lines of one value.
const MOST_LINES: usize = 4_000;

/// One key of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TomlEntry {
    /// `package`, `tool.poetry`, `bin` for `[[bin]]`; empty at the top.
    pub table: String,
    /// Which table of that name, for `[[bin]]`.
    pub number: usize,
    /// Empty for the table's own line.
    pub key: String,
    /// As it is written, without a comment behind it.
    pub value: String,
    pub line: u32,
}

/// All tables and keys, in their order.
pub fn toml_entries(text: &str) -> Vec<TomlEntry> {
    let mut found: Vec<TomlEntry> = Vec::new();
    let (mut table, mut number) = (String::new(), 0);
    let mut lines = text.lines().enumerate();
    while let Some((at, line)) = lines.next() {
        if found.len() >= MOST_ENTRIES {
            break;
        }
        let line_number = at as u32 + 1;
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if line.starts_with('[') {
            table = header(line);
            number += 1;
            found.push(TomlEntry {
                table: table.clone(),
                number,
                key: String::new(),
                value: String::new(),
                line: line_number,
            });
            continue;
        }
        let Some((key, value)) = key_and_value(line) else {
            continue;
        };
        let mut value = without_comment(value).to_owned();
        if value.starts_with("\"\"\"") || value.starts_with("'''") {
            let mark = value[..3].to_owned();
            if value.matches(mark.as_str()).count() < 2 {
                for (_, next) in lines.by_ref().take(MOST_LINES) {
                    value.push('\n');
                    value.push_str(next);
                    if next.contains(mark.as_str()) {
                        break;
                    }
                }
            }
        } else {
            let mut open = depth(&value);
            let mut taken = 0;
            while open > 0 && taken < MOST_LINES {
                let Some((_, next)) = lines.next() else { break };
                let next = without_comment(next);
                open += depth(next);
                value.push('\n');
                value.push_str(next);
                taken += 1;
            }
        }
        found.push(TomlEntry {
            table: table.clone(),
            number,
            key,
            value,
            line: line_number,
        });
    }
    found
}

fn header(line: &str) -> String {
    let inner = without_comment(line).trim_matches(['[', ']', ' ']);
    let parts = inner.split('.').map(unquoted);
    parts.collect::<Vec<_>>().join(".")
}

/// `"a-b" = 1`: the key may be in quotes.
fn key_and_value(line: &str) -> Option<(String, &str)> {
    let (key, rest) = match line.strip_prefix('"') {
        Some(rest) => {
            let (key, rest) = rest.split_once('"')?;
            (key, rest.trim_start().strip_prefix('=')?)
        }
        None => line.split_once('=')?,
    };
    let key = key.trim();
    (!key.is_empty()).then(|| (key.to_owned(), rest.trim()))
}

/// Up to a `#` outside of strings.
fn without_comment(line: &str) -> &str {
    let mut quote = None;
    for (at, c) in line.char_indices() {
        match (quote, c) {
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if c == open => quote = None,
            (None, '#') => return line[..at].trim_end(),
            (_, _) => {}
        }
    }
    line.trim_end()
}

/// How many brackets a line leaves open.
fn depth(line: &str) -> i64 {
    let (mut open, mut quote) = (0, None);
    for c in line.chars() {
        match (quote, c) {
            (None, '"' | '\'') => quote = Some(c),
            (Some(mark), c) if c == mark => quote = None,
            (None, '[' | '{') => open += 1,
            (None, ']' | '}') => open -= 1,
            (_, _) => {}
        }
    }
    open
}

/// The string under a key of an inline table: `{ version = "1", path = "x" }`.
pub fn inline_value<'t>(value: &'t str, key: &str) -> Option<&'t str> {
    let inner = value.trim().strip_prefix('{')?;
    let mut rest = inner;
    while let Some(at) = rest.find(key) {
        let before = rest[..at].chars().next_back();
        let behind = rest[at + key.len()..].trim_start();
        if before.is_none_or(|c| matches!(c, ' ' | ',' | '{' | '\t' | '\n'))
            && let Some(value) = behind.strip_prefix('=')
        {
            let value = value.trim_start();
            let end = value.find([',', '}']).unwrap_or(value.len());
            return match value.starts_with(['"', '\'']) {
                true => quoted(value),
                false => Some(value[..end].trim()),
            };
        }
        rest = &rest[at + key.len()..];
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{inline_value, toml_entries};

    #[test]
    fn tables_keys_and_values_over_several_lines_are_found_with_their_lines() {
        let text = "# c\n[package]\nname = \"a#b\" # why\n[dependencies]\nserde = { version = \"1\", features = [\n  \"derive\",\n] }\n\"x.y\" = '2'\n[[bin]]\nname = \"one\"\n";
        let found: Vec<_> = toml_entries(text)
            .into_iter()
            .map(|entry| (entry.table, entry.key, entry.line))
            .collect();
        let expected = [
            ("package", "", 2),
            ("package", "name", 3),
            ("dependencies", "", 4),
            ("dependencies", "serde", 5),
            ("dependencies", "x.y", 8),
            ("bin", "", 9),
            ("bin", "name", 10),
        ];
        assert_eq!(
            found,
            expected.map(|(table, key, line)| (table.to_owned(), key.to_owned(), line))
        );
        let serde = &toml_entries(text)[3].value;
        assert_eq!(inline_value(serde, "version"), Some("1"));
        assert_eq!(
            inline_value("{ workspace = true }", "workspace"),
            Some("true")
        );
    }
}
