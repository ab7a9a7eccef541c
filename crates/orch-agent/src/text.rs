//! What the agent says, as people read it: errors with their causes, and whatever others have named, on one line.

use std::error::Error;

use orch_core::seen::is_unseen;

/// The error and its causes.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        // Some libraries repeat the cause in their own message.
        if !text.ends_with(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        cause = error.source();
    }
    text
}

/// A longer line of the agent's own is told without its middle.
const MOST_CHARACTERS: usize = 2_000;
/// How much of its end is told then: the reason often stands there.
const END_CHARACTERS: usize = 500;

/// A text that cannot be taken for more than one line, nor for anything but what it is: paths, names and
/// messages come from steps and repositories.
pub(crate) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for character in text.trim_end_matches(['\n', '\r']).chars() {
        match misleads(character) {
            true => line.extend(character.escape_default()),
            false => line.push(character),
        }
    }
    let characters = line.chars().count();
    if characters <= MOST_CHARACTERS {
        return line;
    }
    let begin = line.chars().take(MOST_CHARACTERS - END_CHARACTERS - 1);
    let end = line.chars().skip(characters - END_CHARACTERS);
    begin.chain(['…']).chain(end).collect()
}

/// Ends a line, controls a terminal, or changes in which direction text is shown, or shows as nothing.
fn misleads(character: char) -> bool {
    character != '\t' && is_unseen(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_others_have_named_makes_a_second_line_or_hides_in_one() {
        for (text, line) in [
            ("kept artifact ä\tb", "kept artifact ä\tb"),
            ("two\r\nlines\n", r"two\r\nlines"),
            ("\u{1b}[31m\0\u{7}\u{9b}", r"\u{1b}[31m\u{0}\u{7}\u{9b}"),
            (
                "a\u{2028}b\u{202e}c\u{2066}d\u{200b}",
                r"a\u{2028}b\u{202e}c\u{2066}d\u{200b}",
            ),
        ] {
            assert_eq!(one_line(text), line);
        }
        let long = one_line(&format!(
            "begin {}{} end",
            "x".repeat(9_000),
            "\n".repeat(9_000)
        ));
        assert_eq!(long.chars().count(), MOST_CHARACTERS);
        assert!(
            long.starts_with("begin x") && long.ends_with("\\n end"),
            "{long}"
        );
    }
}
