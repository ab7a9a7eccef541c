//! A text as a decoder reads it, with the place in the original that each byte came from.

use std::ops::Range;

/// Decoded bytes, and where each begins and ends in the original.
pub(super) struct View {
    pub(super) bytes: Vec<u8>,
    from: Vec<u32>,
    to: Vec<u32>,
}

impl View {
    /// The original itself.
    pub(super) fn of(bytes: &[u8]) -> Self {
        let length = u32::try_from(bytes.len()).expect("invariant: texts are bounded");
        Self {
            bytes: bytes.to_vec(),
            from: (0..length).collect(),
            to: (1..=length).collect(),
        }
    }

    pub(super) fn with_capacity(length: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(length),
            from: Vec::with_capacity(length),
            to: Vec::with_capacity(length),
        }
    }

    /// Adds a byte that was read from `range` of `parent`, which is not empty.
    pub(super) fn push(&mut self, byte: u8, parent: &Self, range: Range<usize>) {
        self.bytes.push(byte);
        self.from.push(parent.from[range.start]);
        self.to.push(parent.to[range.end - 1]);
    }

    /// Where a part of it stands in the original.
    pub(super) fn origin(&self, part: Range<usize>) -> Range<usize> {
        self.from[part.start] as usize..self.to[part.end - 1] as usize
    }
}
