//! The shape of single lines: headings, list items, table rows, fences, rules and plain text, with the
//! markers cut off. Knows nothing about the meaning of words.

/// What a line is, from its markers alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Nothing but whitespace (or an empty list item).
    Blank,
    /// A line of `=`, which makes a heading of the line above.
    DoubleRule,
    /// A line of `-`, `*` or `_`.
    Rule,
    /// The start or end of fenced lines.
    Fence(Fence),
    /// `#` to `######`.
    Heading(usize),
    /// A list item, bulleted or numbered.
    Bullet,
    /// A row of a table.
    TableRow,
    /// The line under a table's head.
    TableRule,
    /// Text that is indented like the inside of a list item.
    Indented,
    /// Any other text.
    Text,
}

/// What a fence announces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fence {
    /// A named language that is not prose.
    Code,
    /// No language, or one that people write sentences in.
    Prose,
}

/// One line: its shape and the byte range of its content in the vision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    /// What the markers say.
    pub shape: Shape,
    /// First byte of the content.
    pub start: usize,
    /// First byte after the content.
    pub end: usize,
}

/// Cuts `vision` into lines at LF, CRLF and lone CR.
pub fn lines(vision: &str) -> Vec<Line> {
    let mut found = Vec::new();
    let mut start = 0;
    for (at, _) in vision.match_indices(['\n', '\r']) {
        // The LF of a CRLF pair would otherwise count as one more, blank line.
        let lf_of_pair =
            at == start && vision[..at].ends_with('\r') && vision[at..].starts_with('\n');
        if !lf_of_pair {
            found.push(shaped(vision, start, at));
        }
        start = at + 1;
    }
    if start < vision.len() {
        found.push(shaped(vision, start, vision.len()));
    }
    found
}

fn shaped(vision: &str, start: usize, end: usize) -> Line {
    let raw = &vision[start..end];
    let mut rest = raw.trim_start();
    while let Some(quoted) = rest.strip_prefix('>') {
        rest = quoted.trim_start();
    }
    let indent = raw.len() - raw.trim_start().len();
    let indented = raw.starts_with('\t') || indent >= 2;
    let content = rest.trim_end();
    let (shape, content) = shape_of(content, indented);
    let content = content.trim();
    let shape = match shape {
        Shape::Text | Shape::Indented | Shape::Bullet | Shape::Heading(_) | Shape::TableRow
            if content.is_empty() =>
        {
            Shape::Blank
        }
        kept => kept,
    };
    let offset = content.as_ptr() as usize - vision.as_ptr() as usize;
    Line {
        shape,
        start: offset,
        end: offset + content.len(),
    }
}

fn shape_of(content: &str, indented: bool) -> (Shape, &str) {
    if content.starts_with("```") || content.starts_with("~~~") {
        let info = content.trim_start_matches(['`', '~']).trim();
        let prose = matches!(info, "" | "text" | "txt" | "md" | "markdown" | "plain");
        let fence = if prose { Fence::Prose } else { Fence::Code };
        return (Shape::Fence(fence), content);
    }
    if let Some(rule) = rule_of(content) {
        return (rule, content);
    }
    if content.starts_with('|') {
        let inner = content.trim_matches('|');
        let only_rule = inner
            .chars()
            .all(|c| matches!(c, '-' | ':' | '|' | ' ' | '\t'));
        let shape = if only_rule && inner.contains('-') {
            Shape::TableRule
        } else {
            Shape::TableRow
        };
        return (shape, inner);
    }
    let hashes = content.bytes().take_while(|b| *b == b'#').count();
    if (1..=6).contains(&hashes) {
        let text = &content[hashes..];
        // `#tag` is a word; `##Goals` is a heading whose author forgot the space.
        if text.is_empty() || text.starts_with(char::is_whitespace) || hashes > 1 {
            return (Shape::Heading(hashes), text.trim().trim_end_matches('#'));
        }
    }
    if let Some(text) = after_bullet(content).or_else(|| after_number(content)) {
        return (Shape::Bullet, after_checkbox(text.trim_start()));
    }
    if indented {
        (Shape::Indented, content)
    } else {
        (Shape::Text, content)
    }
}

fn rule_of(content: &str) -> Option<Shape> {
    let mark = content.chars().next()?;
    if !matches!(mark, '-' | '*' | '_' | '=') {
        return None;
    }
    let marks = content.chars().filter(|c| *c == mark).count();
    let nothing_else = content.chars().all(|c| c == mark || c == ' ');
    match (nothing_else && marks >= 3, mark) {
        (true, '=') => Some(Shape::DoubleRule),
        (true, _) => Some(Shape::Rule),
        (false, _) => None,
    }
}

fn after_bullet(content: &str) -> Option<&str> {
    if let Some(text) = content.strip_prefix(['•', '◦', '▪', '‣', '●', '・']) {
        return Some(text);
    }
    let text = content.strip_prefix(['-', '*', '+', '–', '—', '·'])?;
    (text.is_empty() || text.starts_with(char::is_whitespace)).then_some(text)
}

fn after_number(content: &str) -> Option<&str> {
    let (opened, body) = match content.strip_prefix('(') {
        Some(body) => (true, body),
        None => (false, content),
    };
    let digits = body.bytes().take_while(u8::is_ascii_digit).count();
    let letter = digits == 0 && body.starts_with(|c: char| c.is_ascii_alphabetic());
    let marker = if letter { 1 } else { digits };
    if !(1..=3).contains(&marker) {
        return None;
    }
    let rest = &body[marker..];
    let text = if opened || letter {
        rest.strip_prefix(')')?
    } else if let Some(text) = rest.strip_prefix('、') {
        return Some(text);
    } else {
        rest.strip_prefix(['.', ')'])?
    };
    (text.is_empty() || text.starts_with(char::is_whitespace)).then_some(text)
}

fn after_checkbox(text: &str) -> &str {
    ["[ ]", "[x]", "[X]"]
        .iter()
        .find_map(|checkbox| text.strip_prefix(checkbox))
        .unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::{Fence, Shape, lines};

    fn check(text: &str, expected: &[(Shape, &str)]) {
        let found: Vec<_> = lines(text)
            .iter()
            .map(|line| (line.shape, &text[line.start..line.end]))
            .collect();
        assert_eq!(found, expected, "{text:?}");
    }

    #[test]
    fn lines_end_at_lf_crlf_and_cr() {
        let text = [(Shape::Text, "a"), (Shape::Text, "b"), (Shape::Text, "c")];
        check("a\nb\nc", &text);
        check("a\r\nb\r\nc\r\n", &text);
        check("a\rb\rc\r", &text);
        check("a\r\n\r\nb", &[text[0], (Shape::Blank, ""), text[1]]);
        check("\n\na", &[(Shape::Blank, ""), (Shape::Blank, ""), text[0]]);
        check("", &[]);
    }

    #[test]
    fn list_markers_are_cut_off() {
        for list in [
            "- x", "* x", "+ x", "• x", "•x", "– x", "1. x", "12) x", "(3) x", "a) x", "- [ ] x",
            "- [x] x", "  - x", "> - x", "1、x",
        ] {
            check(list, &[(Shape::Bullet, "x")]);
        }
        for text in ["-x", "*x*", "1.2 x", "2024. x", "a. x", "v1) x"] {
            check(text, &[(Shape::Text, text)]);
        }
        check("-", &[(Shape::Blank, "")]);
        check("- [ ]", &[(Shape::Blank, "")]);
    }

    #[test]
    fn headings_rules_tables_and_fences_are_told_apart() {
        check("## Goals ##", &[(Shape::Heading(2), "Goals")]);
        check("##Goals", &[(Shape::Heading(2), "Goals")]);
        check("#goals", &[(Shape::Text, "#goals")]);
        check("####### x", &[(Shape::Text, "####### x")]);
        check("---", &[(Shape::Rule, "---")]);
        check("===", &[(Shape::DoubleRule, "===")]);
        check("| a | b |", &[(Shape::TableRow, "a | b")]);
        check("|---|:-:|", &[(Shape::TableRule, "---|:-:")]);
        check("```rust", &[(Shape::Fence(Fence::Code), "```rust")]);
        check("~~~", &[(Shape::Fence(Fence::Prose), "~~~")]);
        check("  more", &[(Shape::Indented, "more")]);
    }
}
