//! Whether a text ends as something that is looked for begins.
//!
//! Asked at every end of a line: what it costs does not grow with how much is looked for.

use std::collections::BTreeSet;

/// Two bytes are looked up in a table before anything else is.
const PAIRS: usize = 1 << 16;

/// All that is looked for, by how it begins.
#[derive(Debug, Default)]
pub(super) struct Beginnings {
    sorted: Vec<Vec<u8>>,
    /// A bit for each pair of bytes that one of them begins with.
    pairs: Vec<u64>,
    longest: usize,
}

impl Beginnings {
    pub(super) fn of(needles: BTreeSet<Vec<u8>>) -> Self {
        let longest = needles.iter().map(Vec::len).max().unwrap_or(0);
        let mut pairs = vec![0; PAIRS / 64];
        for needle in &needles {
            if let [first, second, ..] = needle.as_slice() {
                let pair = pair(*first, *second);
                pairs[pair / 64] |= 1 << (pair % 64);
            }
        }
        Self {
            sorted: needles.into_iter().collect(),
            pairs,
            longest,
        }
    }

    /// The length of the longest one.
    pub(super) fn longest(&self) -> usize {
        self.longest
    }

    /// Whether a text ends with at least so many bytes of one, and at least two, and not with all of it.
    pub(super) fn end(&self, text: &[u8], least: usize) -> bool {
        let sight = &text[text.len().saturating_sub(self.longest)..];
        (least.max(2)..=sight.len()).any(|length| {
            let end = &sight[sight.len() - length..];
            self.has_pair(end[0], end[1]) && self.goes_beyond(end)
        })
    }

    fn has_pair(&self, first: u8, second: u8) -> bool {
        let pair = pair(first, second);
        self.pairs
            .get(pair / 64)
            .is_some_and(|bits| bits >> (pair % 64) & 1 == 1)
    }

    /// Whether one begins with all of that, and goes on.
    fn goes_beyond(&self, beginning: &[u8]) -> bool {
        let at = self
            .sorted
            .partition_point(|one| one.as_slice() <= beginning);
        self.sorted
            .get(at)
            .is_some_and(|one| one.starts_with(beginning))
    }
}

fn pair(first: u8, second: u8) -> usize {
    usize::from(first) << 8 | usize::from(second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_seen_as_a_beginning_as_if_each_were_tried() {
        let needles: BTreeSet<Vec<u8>> = ["abab", "abac", "ab", "b\nab", "cc"]
            .map(|text| text.as_bytes().to_vec())
            .into();
        let beginnings = Beginnings::of(needles.clone());
        assert_eq!(beginnings.longest(), 4);
        let letters = b"abc\n";
        for number in 0..4_usize.pow(6) {
            let text: Vec<u8> = (0..6).map(|at| letters[number >> (2 * at) & 3]).collect();
            for least in 2..5 {
                let tried = needles.iter().any(|needle| {
                    (least..needle.len()).any(|length| text.ends_with(&needle[..length]))
                });
                assert_eq!(beginnings.end(&text, least), tried, "{text:?} {least}");
            }
        }
        assert!(!Beginnings::default().end(b"abc", 2));
    }
}
