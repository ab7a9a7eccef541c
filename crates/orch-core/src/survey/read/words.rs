//! Pieces of lines: strings in quotes, and what follows a word.

/// A text without the quotes around it.
pub fn unquoted(text: &str) -> &str {
    let text = text.trim();
    for quote in ['"', '\''] {
        let inner = text
            .strip_prefix(quote)
            .and_then(|rest| rest.strip_suffix(quote));
        if let Some(inner) = inner {
            return inner;
        }
    }
    text
}

/// The first string in quotes.
pub fn quoted(text: &str) -> Option<&str> {
    strings_in(text, 1).into_iter().next().map(|(text, _)| text)
}

/// All strings in quotes, each with its line; the text begins on line `first`. Comments (`#`) end a line.
pub fn strings_in(text: &str, first: u32) -> Vec<(&str, u32)> {
    let mut found = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let mut rest = line;
        while let Some(start) = rest.find(['"', '\'', '#']) {
            let mark = rest.as_bytes()[start];
            if mark == b'#' {
                break;
            }
            let inner = &rest[start + 1..];
            let Some(end) = inner.find(char::from(mark)) else {
                break;
            };
            found.push((&inner[..end], first.saturating_add(at as u32)));
            rest = &inner[end + 1..];
        }
    }
    found
}

/// What follows a word at the beginning of a line, where blanks stand between them.
pub fn after_word<'t>(line: &'t str, word: &str) -> Option<&'t str> {
    let rest = line.trim_start().strip_prefix(word)?;
    let rest = rest.strip_prefix([' ', '\t'])?;
    Some(rest.trim())
}
