//! YAML, as far as pipelines and compose files use it: block mappings and lists, and block scalars. Anchors,
//! tags and flow collections are left as they are written.

use super::words::unquoted;

const MOST_ENTRIES: usize = 20_000;
const DEEPEST: usize = 32;

/// One scalar, or a key whose value stands below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct YamlEntry {
    /// The keys on the way to it; `[]` for the item of a list.
    pub path: Vec<String>,
    /// Empty where it stands below.
    pub value: String,
    pub line: u32,
}

impl YamlEntry {
    /// Whether the path is this one; `*` stands for any key.
    pub fn is(&self, path: &[&str]) -> bool {
        self.path.len() == path.len()
            && self
                .path
                .iter()
                .zip(path)
                .all(|(key, wanted)| *wanted == "*" || key == wanted)
    }
}

/// All keys and scalars, in their order.
pub fn yaml_entries(text: &str) -> Vec<YamlEntry> {
    let mut found = Vec::new();
    let mut stack: Vec<(usize, String)> = Vec::new();
    let mut lines = text.lines().enumerate().peekable();
    while let Some((at, raw)) = lines.next() {
        if found.len() >= MOST_ENTRIES {
            break;
        }
        let line = without_comment(raw);
        if line.trim().is_empty() || line.starts_with("---") || line.starts_with('%') {
            continue;
        }
        let mut indent = line.len() - line.trim_start().len();
        let mut rest = line.trim_start();
        // A list may stand at the indent of its key: its items are deeper than that.
        stack.retain(|(depth, key)| {
            *depth < indent || (*depth == indent && key != "[]" && rest.starts_with("- "))
        });
        while rest == "-" || rest.starts_with("- ") {
            stack.retain(|(depth, key)| *depth < indent || (*depth == indent && key != "[]"));
            if stack.len() < DEEPEST {
                stack.push((indent, "[]".to_owned()));
            }
            let inner = rest[1..].trim_start();
            indent += rest.len() - inner.len();
            rest = inner;
        }
        let (key, value) = match split_key(rest) {
            Some((key, value)) => (Some(key), value),
            None => (None, rest),
        };
        if let Some(key) = key
            && stack.len() < DEEPEST
        {
            stack.push((indent, unquoted(key).to_owned()));
        }
        let path: Vec<String> = stack.iter().map(|(_, key)| key.clone()).collect();
        let value = value.trim();
        let first = at as u32 + 1;
        if value.starts_with(['|', '>']) && value.len() <= 4 {
            let (value, line) = block(&mut lines, raw);
            found.push(YamlEntry {
                path,
                value,
                line: line.unwrap_or(first),
            });
        } else {
            found.push(YamlEntry {
                path,
                value: unquoted(value).to_owned(),
                line: first,
            });
        }
    }
    found
}

/// The lines of a block scalar, and the number of the first.
fn block<'t>(
    lines: &mut std::iter::Peekable<impl Iterator<Item = (usize, &'t str)>>,
    head: &str,
) -> (String, Option<u32>) {
    let outer = head.len() - head.trim_start().len();
    let (mut value, mut first) = (String::new(), None);
    while let Some((at, line)) = lines.peek().copied() {
        let indent = line.len() - line.trim_start().len();
        if !line.trim().is_empty() && indent <= outer {
            break;
        }
        if first.is_none() && !line.trim().is_empty() {
            first = Some(at as u32 + 1);
        }
        if first.is_some() {
            value.push_str(line.trim());
            value.push('\n');
        }
        lines.next();
    }
    (value, first)
}

/// `key: value`; a colon in quotes or without a blank behind it belongs to a value.
fn split_key(line: &str) -> Option<(&str, &str)> {
    if line.starts_with(['"', '\'']) {
        let mark = line.chars().next()?;
        let end = line[1..].find(mark)? + 2;
        let rest = line[end..].trim_start().strip_prefix(':')?;
        return Some((&line[..end], rest));
    }
    if line.starts_with(['{', '[', '&', '*', '!']) {
        return None;
    }
    if let Some(key) = line.strip_suffix(':') {
        return Some((key, ""));
    }
    line.split_once(": ")
}

fn without_comment(line: &str) -> &str {
    let mut quote = None;
    let mut before = ' ';
    for (at, c) in line.char_indices() {
        match (quote, c) {
            (None, '"' | '\'') if matches!(before, ' ' | '[' | '{' | ',' | '\t') => quote = Some(c),
            (Some(open), c) if c == open => quote = None,
            (None, '#') if matches!(before, ' ' | '\t') => return line[..at].trim_end(),
            (_, _) => {}
        }
        before = c;
    }
    line.trim_end()
}

/// The scalars of `[a, "b"]`; a scalar alone is itself.
pub fn flow_items(value: &str) -> Vec<String> {
    let value = value.trim();
    let Some(inner) = value
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
    else {
        return match value.is_empty() {
            true => Vec::new(),
            false => vec![unquoted(value).to_owned()],
        };
    };
    inner
        .split(',')
        .map(|item| unquoted(item).to_owned())
        .filter(|item| !item.is_empty())
        .take(50)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{flow_items, yaml_entries};

    #[test]
    fn mappings_lists_and_block_scalars_are_found_with_their_lines() {
        let text = "services:\n  db:\n    image: \"postgres:15\" # why\n    ports:\n    - 5432:5432\n    - \"80:80\"\njobs:\n  t:\n    steps:\n      - uses: a@v1\n      - name: x\n        run: |\n          one\n\n          two\n      - run: three\n";
        let found: Vec<_> = yaml_entries(text)
            .into_iter()
            .filter(|entry| !entry.value.is_empty())
            .map(|entry| (entry.path.join("."), entry.value, entry.line))
            .collect();
        let expected = [
            ("services.db.image", "postgres:15", 3),
            ("services.db.ports.[]", "5432:5432", 5),
            ("services.db.ports.[]", "80:80", 6),
            ("jobs.t.steps.[].uses", "a@v1", 10),
            ("jobs.t.steps.[].name", "x", 11),
            ("jobs.t.steps.[].run", "one\n\ntwo\n", 13),
            ("jobs.t.steps.[].run", "three", 16),
        ];
        assert_eq!(
            found,
            expected.map(|(path, value, line)| (path.to_owned(), value.to_owned(), line))
        );
        assert_eq!(flow_items("[\"8080\", 9]"), ["8080", "9"]);
    }

    #[test]
    fn anchors_that_multiply_are_text() {
        let mut bomb = String::from("a: &a [x, x]\n");
        for at in 0..40 {
            bomb.push_str(&format!("b{at}: [*a, *a, *a]\n"));
        }
        assert_eq!(yaml_entries(&bomb).len(), 41);
        let deep = format!("{}x: 1\n", "- ".repeat(5_000));
        assert!(yaml_entries(&deep)[0].path.len() <= 33);
    }
}
