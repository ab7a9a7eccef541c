//! Makes foreign text fit for a terminal: it may colour itself, and do nothing else.

use orch_core::seen::{is_joiner, is_unseen};

/// One line of plain text: control characters become visible, or blanks.
pub fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\n' | '\r' | '\t' => ' ',
            c if is_hostile(c) => '\u{fffd}',
            c => c,
        })
        .collect()
}

/// A log line for a terminal with colours: colour sequences stay, all others go.
pub fn coloured_line(text: &str) -> String {
    filtered(text, Colours::Stay)
}

/// A log line without colours: every escape sequence goes.
pub fn plain_line(text: &str) -> String {
    filtered(text, Colours::Go)
}

/// A text of several lines: every escape sequence goes, the lines stay.
pub fn plain_text(text: &str) -> String {
    let lines: Vec<String> = text.split('\n').map(plain_line).collect();
    lines.join("\n")
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Colours {
    Stay,
    Go,
}

fn filtered(text: &str, colours: Colours) -> String {
    let mut safe = String::with_capacity(text.len());
    let mut rest = text;
    let mut coloured = false;
    while let Some(at) = rest.find(|c: char| c != '\t' && is_hostile(c)) {
        safe.push_str(&rest[..at]);
        rest = &rest[at..];
        if let (Colours::Stay, Some(length)) = (colours, colour_sequence(rest)) {
            safe.push_str(&rest[..length]);
            rest = &rest[length..];
            coloured = true;
        } else {
            let skipped = escape_sequence(rest)
                .unwrap_or_else(|| rest.chars().next().map_or(1, char::len_utf8));
            rest = &rest[skipped..];
        }
    }
    safe.push_str(rest);
    if coloured {
        safe.push_str("\x1b[0m");
    }
    safe
}

/// Controls, and what is not seen or turns the direction in which text is read.
fn is_hostile(c: char) -> bool {
    is_unseen(c) && !is_joiner(c)
}

/// The length of a "select graphic rendition" sequence at the start of `text`.
fn colour_sequence(text: &str) -> Option<usize> {
    let parameters = text.strip_prefix("\x1b[")?;
    let end = parameters.find(|c: char| !(c.is_ascii_digit() || matches!(c, ';' | ':')))?;
    parameters[end..].starts_with('m').then_some(2 + end + 1)
}

/// The length of any other escape sequence at the start of `text`.
fn escape_sequence(text: &str) -> Option<usize> {
    let body = text.strip_prefix('\x1b')?;
    let kind = body.chars().next()?;
    let end = match kind {
        '[' => body[1..]
            .find(|c: char| ('\u{40}'..='\u{7e}').contains(&c))
            .map(|at| 1 + at + 1),
        ']' | 'P' | 'X' | '^' | '_' => {
            let bell = body.find('\x07').map(|at| at + 1);
            let terminator = body.find("\x1b\\").map(|at| at + 2);
            [bell, terminator].into_iter().flatten().min()
        }
        kind => Some(kind.len_utf8()),
    };
    // A sequence that never ends swallows the rest of the line, as it would on a terminal.
    Some(1 + end.unwrap_or(body.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_stay_and_everything_else_that_moves_a_terminal_goes() {
        for (hostile, safe) in [
            ("plain\ttext", "plain\ttext"),
            ("\x1b[31mred\x1b[0m", "\x1b[31mred\x1b[0m\x1b[0m"),
            ("a\x1b[2Jb", "ab"),
            ("\x1b]0;title\x07x", "x"),
            ("\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\", "link"),
            ("\x1b]52;c;never ends", ""),
            ("\x1bcreset", "reset"),
            ("a\rb\x08c\u{9b}2Jd", "abc2Jd"),
            ("\u{202e}gpj.exe", "gpj.exe"),
            ("books\u{e0063}\u{e0075}.", "books."),
            ("end\x1b", "end"),
            ("\x1b[31", ""),
        ] {
            assert_eq!(coloured_line(hostile), safe, "{hostile:?}");
        }
    }

    #[test]
    fn a_text_keeps_its_lines_and_moves_no_terminal() {
        let hostile = "a\x1b[2J\n\x1b]0;title\x07b\n\n\x1b[31mc\n";
        assert_eq!(plain_text(hostile), "a\nb\n\nc\n");
    }

    #[test]
    fn a_cell_is_one_line_without_controls() {
        assert_eq!(one_line("a\nb\tc\x1b[31md"), "a b c\u{fffd}[31md");
    }
}
