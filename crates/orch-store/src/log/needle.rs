//! Whether a line contains a text, in any case: as if both were in lower case, by Unicode's rules.
//!
//! Most chunks are dismissed by one pass over their bytes; only lines that may match are looked at
//! one by one.

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, Input};

use crate::segment::{RawChunk, RawLine};

/// The only characters that are not ASCII and whose lower case holds some: the Kelvin sign (k) and
/// the dotted capital I (i and a dot above).
const KELVIN: &[u8] = "\u{212A}".as_bytes();
const DOTTED_I: &[u8] = "\u{130}".as_bytes();

/// A text to look for.
pub(super) struct Needle {
    /// In lower case.
    text: String,
    /// Finds the longest piece of ASCII of the text, in either case.
    piece: Option<AhoCorasick>,
    /// Finds characters that become ASCII in lower case.
    strange: Option<AhoCorasick>,
}

impl Needle {
    /// `None` for an empty text.
    pub fn new(text: &str) -> Option<Self> {
        let text = text.to_lowercase();
        if text.is_empty() {
            return None;
        }
        let piece = text
            .split(|c: char| !c.is_ascii())
            .max_by_key(|piece| piece.len())
            .filter(|piece| !piece.is_empty())
            .and_then(|piece| {
                AhoCorasickBuilder::new()
                    .ascii_case_insensitive(true)
                    .build([piece])
                    .ok()
            });
        let strange = AhoCorasick::new([KELVIN, DOTTED_I]).ok();
        Some(Self {
            text,
            piece,
            strange,
        })
    }

    /// Whether a text contains it.
    pub fn is_in(&self, text: &str) -> bool {
        if text.is_ascii() {
            return self.text.is_ascii() && self.may_be_in(text.as_bytes());
        }
        text.to_lowercase().contains(&self.text)
    }

    fn may_be_in(&self, bytes: &[u8]) -> bool {
        self.piece
            .as_ref()
            .is_none_or(|piece| piece.is_match(bytes))
    }

    /// Calls `found` with the lines of a chunk that contain it, and their numbers in the chunk.
    pub fn each<'c>(&self, chunk: &'c RawChunk, mut found: impl FnMut(u64, RawLine<'c>)) {
        let text = chunk.text();
        let is_strange = |finder: &AhoCorasick| finder.is_match(text);
        let plain = !self.strange.as_ref().is_some_and(is_strange);
        let Some(piece) = self.piece.as_ref().filter(|_| plain) else {
            for (number, line) in (0..).zip(chunk.lines()) {
                if std::str::from_utf8(line.message).is_ok_and(|text| self.is_in(text)) {
                    found(number, line);
                }
            }
            return;
        };
        let from = |at: usize| piece.find(Input::new(text).span(at..text.len()));
        let mut next = from(0);
        for (number, line) in (0..).zip(chunk.lines()) {
            // What was found before this line lies between lines, where numbers stand.
            if next.is_some_and(|hit| hit.start() < line.at) {
                next = from(line.at);
            }
            let Some(hit) = next else { return };
            if hit.end() > line.at + line.message.len() {
                continue;
            }
            let certain = self.text.len() == hit.len();
            if certain || std::str::from_utf8(line.message).is_ok_and(|text| self.is_in(text)) {
                found(number, line);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::segment::{LogLine, Stream, raw_from_bytes, to_bytes};

    fn found(lines: &[String], needle: &str) -> Vec<u64> {
        let lines: Vec<LogLine> = lines
            .iter()
            .map(|message| LogLine {
                at_us: i64::from_le_bytes(*b"abcABCab"),
                stream: Stream::Stdout,
                step: Some(u32::from_le_bytes(*b"kKiI")),
                partial: false,
                message: message.clone(),
            })
            .collect();
        let chunk = raw_from_bytes(to_bytes(1, 1, &lines).unwrap()).unwrap();
        let mut found = Vec::new();
        Needle::new(needle)
            .unwrap()
            .each(&chunk, |number, _| found.push(number));
        found
    }

    fn expected(lines: &[String], needle: &str) -> Vec<u64> {
        let needle = needle.to_lowercase();
        let matching = (0..).zip(lines);
        matching
            .filter(|(_, line)| line.to_lowercase().contains(&needle))
            .map(|(number, _)| number)
            .collect()
    }

    #[test]
    fn two_characters_alone_become_ascii_in_lower_case() {
        let strange: Vec<char> = ('\u{80}'..=char::MAX)
            .filter(|c| c.to_lowercase().any(|lower| lower.is_ascii()))
            .collect();
        assert_eq!(strange, ['\u{130}', '\u{212A}']);
    }

    #[test]
    fn numbers_between_lines_are_never_taken_for_text() {
        let lines = ["ab".to_owned(), "c".to_owned(), String::new()];
        assert_eq!(found(&lines, "abcabc"), [0_u64; 0]);
        assert_eq!(found(&lines, "kkii"), [0_u64; 0]);
        assert_eq!(found(&lines, "AB"), [0]);
    }

    proptest! {
        #[test]
        fn a_search_finds_what_lower_case_would(
            lines in prop::collection::vec("[abkKiI\u{130}\u{212A}ßΣςé ]{0,12}", 1..12),
            needle in "[abkKiI\u{130}\u{212A}ßΣςé ]{1,3}",
        ) {
            prop_assert_eq!(found(&lines, &needle), expected(&lines, &needle));
        }
    }
}
