//! Joins lines into blocks: a heading, a list item, or lines that carry one text on. Whether two lines
//! belong together is read off the seam between them, never from other parts of the vision.

use std::sync::LazyLock;

use super::lines::{Fence, Line, Shape};
use super::lookup::{Words, set};

/// How a block stands in the vision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A heading of this level, from 1.
    Heading(usize),
    /// A list item, an indented line or a row of a table.
    Bullet,
    /// A paragraph or a line of its own.
    Prose,
}

/// A piece of the vision that sentences never reach across.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// How it stands in the vision.
    pub form: Form,
    /// First byte.
    pub start: usize,
    /// First byte after it.
    pub end: usize,
}

/// Words that no line ends a sentence with: what follows on the next line belongs to them.
static OPEN_ENDS: Words = LazyLock::new(|| {
    set(
        "a, about, all, an, and, any, are, as, at, be, between, both, but, by, can, each, either, \
     every, for, from, has, have, if, in, into, is, its, least, like, must, my, not, of, on, or, \
     our, over, per, shall, should, than, that, the, their, these, this, those, through, to, \
     under, until, up, using, via, when, where, which, while, who, will, with, within, without, \
     your",
    )
});

/// Joins the lines of `vision` into blocks, in order; code in closed fences is left out.
pub fn blocks(vision: &str, lines: &[Line]) -> Vec<Block> {
    let mut found: Vec<Block> = Vec::new();
    let mut open = false;
    let mut at = 0;
    let mut fences_left = true;
    while let Some(line) = lines.get(at) {
        let next_shape = lines.get(at + 1).map(|next| next.shape);
        let joins = open && continues(vision, found.last(), line);
        open = false;
        match line.shape {
            Shape::Blank | Shape::DoubleRule | Shape::Rule | Shape::TableRule => {}
            Shape::Fence(Fence::Code) if fences_left => {
                match lines[at + 1..]
                    .iter()
                    .position(|later| matches!(later.shape, Shape::Fence(_)))
                {
                    Some(skipped) => at += skipped + 1,
                    None => fences_left = false,
                }
            }
            Shape::Fence(Fence::Code | Fence::Prose) => {}
            Shape::Heading(level) => found.push(block(Form::Heading(level), line)),
            Shape::TableRow if next_shape == Some(Shape::TableRule) => {}
            Shape::TableRow => found.push(block(Form::Bullet, line)),
            Shape::Bullet => {
                found.push(block(Form::Bullet, line));
                open = true;
            }
            Shape::Text if next_shape == Some(Shape::DoubleRule) => {
                found.push(block(Form::Heading(1), line));
            }
            Shape::Text | Shape::Indented => {
                match (joins, found.last_mut()) {
                    (true, Some(last)) => last.end = line.end,
                    (_, _) if line.shape == Shape::Indented => {
                        found.push(block(Form::Bullet, line));
                    }
                    (_, _) => found.push(block(Form::Prose, line)),
                }
                open = true;
            }
        }
        at += 1;
    }
    found
}

fn block(form: Form, line: &Line) -> Block {
    Block {
        form,
        start: line.start,
        end: line.end,
    }
}

/// Whether `line` carries on the text of `last`, the block that the line above belongs to.
fn continues(vision: &str, last: Option<&Block>, line: &Line) -> bool {
    let Some(last) = last else { return false };
    let above = &vision[last.start..last.end];
    if above.ends_with(',') {
        return true;
    }
    if above.ends_with(['.', '!', '?', ':', ';', '。', '！', '？', '…']) {
        return false;
    }
    let last_word = above
        .rsplit(|c: char| !c.is_alphanumeric())
        .next()
        .unwrap_or_default();
    let open_end = last_word.to_lowercase();
    if OPEN_ENDS.contains(open_end.as_str()) {
        return true;
    }
    let line = &vision[line.start..line.end];
    let first = line.chars().find(|c| c.is_alphanumeric());
    if first.is_some_and(char::is_lowercase) {
        return true;
    }
    let least = match first {
        Some(c) if c.is_numeric() => MIN_WORDS_BEFORE_NUMBER,
        Some(_) | None => MIN_WORDS_BEFORE_CAPITAL,
    };
    has_end(line) && has_open_end(above, least)
}

/// Fewer words than these without a full stop are a title or an entry of a list.
const MIN_WORDS_BEFORE_CAPITAL: usize = 5;
const MIN_WORDS_BEFORE_NUMBER: usize = 2;
/// How far back a wrapped sentence is looked for; bounds the work for each line.
const MAX_TAIL_BYTES: usize = 400;

/// Whether `above` breaks off within a sentence of at least so many words.
fn has_open_end(above: &str, least_words: usize) -> bool {
    let mut from = above.len().saturating_sub(MAX_TAIL_BYTES);
    while !above.is_char_boundary(from) {
        from += 1;
    }
    let tail = &above[from..];
    let tail = tail
        .rfind(['.', '!', '?'])
        .map_or(tail, |end| &tail[end + 1..]);
    tail.split_whitespace().take(least_words).count() == least_words
}

/// Whether a sentence ends in `line`.
fn has_end(line: &str) -> bool {
    line.match_indices(['.', '!', '?'])
        .any(|(at, _)| !line[at + 1..].starts_with(|c: char| !c.is_whitespace()))
}

#[cfg(test)]
mod tests {
    use super::{Form, blocks};
    use crate::requirements::lines::lines;

    fn check(text: &str, expected: &[(Form, &str)]) {
        let found: Vec<_> = blocks(text, &lines(text))
            .iter()
            .map(|block| (block.form, &text[block.start..block.end]))
            .collect();
        assert_eq!(found, expected, "{text:?}");
    }

    #[test]
    fn wrapped_lines_are_one_block_and_separate_lines_are_not() {
        check(
            "A shop\nthat sells.",
            &[(Form::Prose, "A shop\nthat sells.")],
        );
        check("Sold in\r\nBerlin", &[(Form::Prose, "Sold in\r\nBerlin")]);
        check(
            "AWS only\nNo PHP",
            &[(Form::Prose, "AWS only"), (Form::Prose, "No PHP")],
        );
        check(
            "One.\nTwo.",
            &[(Form::Prose, "One."), (Form::Prose, "Two.")],
        );
        check("a\n\nb", &[(Form::Prose, "a"), (Form::Prose, "b")]);
    }

    #[test]
    fn a_sentence_may_be_wrapped_before_a_capital() {
        let wrapped = "We do not know whether we support\nPayPal. Yes";
        check(wrapped, &[(Form::Prose, wrapped)]);
        check(
            "A list of bikes we sell\nPayPal accepted",
            &[
                (Form::Prose, "A list of bikes we sell"),
                (Form::Prose, "PayPal accepted"),
            ],
        );
        check(
            "My bike shop\nIt sells.",
            &[(Form::Prose, "My bike shop"), (Form::Prose, "It sells.")],
        );
    }

    #[test]
    fn list_items_take_their_continuation_lines_along() {
        check(
            "- one\n  and more\n- two\n  Three",
            &[
                (Form::Bullet, "one\n  and more"),
                (Form::Bullet, "two"),
                (Form::Bullet, "Three"),
            ],
        );
    }

    #[test]
    fn headings_stand_alone() {
        check(
            "# A\nb\nTitle\n=====\nc",
            &[
                (Form::Heading(1), "A"),
                (Form::Prose, "b"),
                (Form::Heading(1), "Title"),
                (Form::Prose, "c"),
            ],
        );
    }

    #[test]
    fn closed_code_is_skipped_and_everything_else_is_read() {
        check(
            "a\n```rust\nfn x() {}\n```\nb",
            &[(Form::Prose, "a"), (Form::Prose, "b")],
        );
        check("```rust\nnever closed", &[(Form::Prose, "never closed")]);
        check("```\nprose\n```", &[(Form::Prose, "prose")]);
    }

    #[test]
    fn table_head_is_no_content() {
        check(
            "| Need | Why |\n|---|---|\n| fast | sales |",
            &[(Form::Bullet, "fast | sales")],
        );
    }
}
