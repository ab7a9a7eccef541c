//! Choosing lines for a page out of chunks, in either direction, within a bound of bytes.
//!
//! Pure: reads no clock and no file.

use std::collections::VecDeque;
use std::ops::Range;

use super::chunks::Content;
use super::line::Numbered;
use super::needle::Needle;
use crate::segment::{RawChunk, RawLine};

/// A page carries at most so many bytes of text; at least one line is always given.
const PAGE_BYTES: usize = 8 * 1024 * 1024;

/// What a page is made of so far.
pub(super) struct Gather {
    pub needle: Option<Needle>,
    /// Lines outside of it are not looked at.
    pub range: Range<u64>,
    /// Matches to pass over yet.
    pub skip: u64,
    pub limit: usize,
    pub lines: VecDeque<Numbered>,
    bytes: usize,
    /// Matches that were seen.
    pub matched: u64,
    /// The first match that was seen and has no place on the page.
    pub left: Option<u64>,
}

impl Gather {
    pub fn new(needle: Option<&str>, range: Range<u64>, skip: u64, limit: usize) -> Self {
        Self {
            needle: needle.and_then(Needle::new),
            range,
            skip,
            limit,
            lines: VecDeque::new(),
            bytes: 0,
            matched: 0,
            left: None,
        }
    }

    /// Looks through what comes next, going forward.
    pub fn forward(&mut self, content: Content) {
        match content {
            Content::Lines(chunk) => {
                let needle = self.needle.take();
                each(needle.as_ref(), &chunk, |seq, raw| {
                    if self.range.contains(&seq) && self.counts(seq, raw.message.len()) {
                        let numbered = valued(seq, raw);
                        self.lines.push_back(numbered);
                    }
                });
                self.needle = needle;
            }
            Content::Notice(numbered) => self.line_forward(numbered),
        }
    }

    /// Looks at a line that lies in no chunk.
    pub fn line_forward(&mut self, numbered: Numbered) {
        if self.wants(&numbered) && self.counts(numbered.seq, numbered.line.message.len()) {
            self.lines.push_back(numbered);
        }
    }

    /// Looks through what comes before, going backward.
    pub fn backward(&mut self, content: Content) {
        match content {
            Content::Lines(chunk) => {
                let needle = self.needle.take();
                let mut matching = Vec::new();
                each(needle.as_ref(), &chunk, |seq, raw| {
                    if self.range.contains(&seq) {
                        matching.push((seq, raw));
                    }
                });
                self.needle = needle;
                for (seq, raw) in matching.into_iter().rev() {
                    if self.counts(seq, raw.message.len()) {
                        self.lines.push_front(valued(seq, raw));
                    }
                }
            }
            Content::Notice(numbered) => self.line_backward(numbered),
        }
    }

    /// As [`line_forward`](Self::line_forward), going backward.
    pub fn line_backward(&mut self, numbered: Numbered) {
        if self.wants(&numbered) && self.counts(numbered.seq, numbered.line.message.len()) {
            self.lines.push_front(numbered);
        }
    }

    fn wants(&self, numbered: &Numbered) -> bool {
        let needle = self.needle.as_ref();
        self.range.contains(&numbered.seq)
            && needle.is_none_or(|needle| needle.is_in(&numbered.line.message))
    }

    /// Counts a match; whether it has a place on the page.
    fn counts(&mut self, seq: u64, bytes: usize) -> bool {
        self.matched += 1;
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        let fits = self.bytes + bytes <= PAGE_BYTES || self.lines.is_empty();
        if self.left.is_some() || self.lines.len() >= self.limit || !fits {
            self.left.get_or_insert(seq);
            return false;
        }
        self.bytes += bytes;
        true
    }
}

/// The matching lines of a chunk, with their numbers in the run.
fn each<'c>(needle: Option<&Needle>, chunk: &'c RawChunk, mut found: impl FnMut(u64, RawLine<'c>)) {
    let first = chunk.first_seq();
    match needle {
        Some(needle) => needle.each(chunk, |number, raw| found(first + number, raw)),
        None => (first..)
            .zip(chunk.lines())
            .for_each(|(seq, raw)| found(seq, raw)),
    }
}

/// A line of a record whose checksum is right, whatever its writer put into it.
fn valued(seq: u64, raw: RawLine<'_>) -> Numbered {
    let line = raw
        .to_line()
        .unwrap_or_else(|damage| super::line::notice(seq, seq + 1, &damage.to_string()).line);
    Numbered { seq, line }
}
