//! Finding secrets in texts, as they are and through whatever they were encoded with.
//!
//! A text is searched as it stands and as each decoder reads it, and those readings again, so that
//! encodings of encodings are found. Never shows a part of a match.

use std::{borrow::Cow, collections::VecDeque, ops::Range};

use aho_corasick::{AhoCorasick, MatchKind};
use orch_core::secret::SHORTEST_REDACTED_BYTES;

use super::{
    beginnings::Beginnings,
    decode::{self, Again, Spaces},
    needles,
    view::View,
};

/// What stands in place of a secret.
pub const MASK: &str = "***";

/// How often a text is decoded: an escaped escape of an escape is found.
const DEEPEST: usize = 3;
/// How many readings of one text are searched: who has a secret and wants to show it has other ways.
const MOST_VIEWS: usize = 160;
/// The most characters that one byte of a secret takes: a doubled `\\uXXXX`, `%25XX` escaped, `&#x00000XX;`.
const WIDEST: usize = 12;
/// Bytes of what is out that are kept in sight at least: so much of a secret tells nothing of it, in
/// whatever form, before the end of a line.
const SHORTEST_TAIL: usize = 2 * WIDEST + 2;
/// What is held back beside that, for line breaks, and the offsets and texts of a dump's lines.
const SLACK: usize = 160;

/// Replaces secret values in texts.
#[derive(Debug, Default)]
pub struct Redactor {
    search: Option<AhoCorasick>,
    beginnings: Beginnings,
    /// The most bytes that a secret takes in a text.
    widest: usize,
    spaces: Spaces,
    /// The fewest bytes that a secret has.
    least_bytes: usize,
}

/// What becomes of a secret that goes on after the cut.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Over {
    /// The rest of it goes with it.
    Passes,
    /// The rest of it comes later, in sight of this.
    Stops,
}

impl Redactor {
    /// One that hides `values`.
    #[must_use]
    pub fn new<V: AsRef<[u8]>>(values: impl IntoIterator<Item = V>) -> Self {
        let needles = needles::of(values);
        let search = (!needles.is_empty()).then(|| {
            AhoCorasick::builder()
                .match_kind(MatchKind::Standard)
                .build(&needles)
                .expect("invariant: secrets are bounded, and so are their parts")
        });
        let spaces = match needles.iter().any(|needle| needle.contains(&b' ')) {
            true => Spaces::InSecrets,
            false => Spaces::Nowhere,
        };
        let least_bytes = needles.iter().map(Vec::len).min().unwrap_or_default();
        let beginnings = Beginnings::of(needles);
        Self {
            search,
            spaces,
            least_bytes,
            widest: beginnings.longest() * WIDEST + SLACK,
            beginnings,
        }
    }

    /// Whether there is nothing to hide.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.search.is_none()
    }

    pub(super) fn widest(&self) -> usize {
        self.widest
    }

    /// The text without secrets.
    #[must_use]
    pub fn redact<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match self.redact_bytes(text.as_bytes()) {
            Cow::Borrowed(_) => Cow::Borrowed(text),
            Cow::Owned(bytes) => Cow::Owned(match String::from_utf8(bytes) {
                Ok(text) => text,
                // A secret that is not text may end within a character.
                Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
            }),
        }
    }

    /// Bytes of any kind without secrets. What is compressed or encrypted is not looked into.
    #[must_use]
    pub fn redact_bytes<'b>(&self, bytes: &'b [u8]) -> Cow<'b, [u8]> {
        self.redact_span(bytes, 0, bytes.len(), Over::Passes).0
    }

    /// Redacts what stands between `from` and `cut`, in sight of all around it. A secret over the cut
    /// is masked, and passed over or cut, as `over` says; tells where it stopped.
    pub(super) fn redact_span<'b>(
        &self,
        bytes: &'b [u8],
        from: usize,
        cut: usize,
        over: Over,
    ) -> (Cow<'b, [u8]>, usize) {
        let secrets = self.find(bytes);
        let touched = secrets
            .into_iter()
            .filter(|secret| secret.end > from && secret.start < cut);
        let touched: Vec<Range<usize>> = touched.collect();
        if touched.is_empty() {
            return (Cow::Borrowed(&bytes[from..cut]), cut);
        }
        let mut out = Vec::with_capacity(cut - from);
        let mut done = from;
        for secret in touched {
            let end = match over {
                Over::Passes => secret.end,
                Over::Stops => secret.end.min(cut),
            };
            let start = secret.start.max(done);
            out.extend_from_slice(&bytes[done..start]);
            out.extend_from_slice(MASK.as_bytes());
            // A log keeps its lines, whatever stood in them.
            for _ in bytes[start..end].iter().filter(|byte| **byte == b'\n') {
                out.push(b'\n');
                out.extend_from_slice(MASK.as_bytes());
            }
            done = end;
        }
        let stop = cut.max(done);
        out.extend_from_slice(&bytes[done..stop]);
        (Cow::Owned(out), stop)
    }

    /// Where secrets stand, in order, apart from each other.
    fn find(&self, bytes: &[u8]) -> Vec<Range<usize>> {
        let Some(search) = &self.search else {
            return Vec::new();
        };
        let mut found = Vec::new();
        let mut views = VecDeque::from([(View::of(bytes), DEEPEST)]);
        // Those that are decoded least come first.
        let mut left = MOST_VIEWS;
        while let Some((view, depth)) = views.pop_front() {
            let matches = search.find_overlapping_iter(&view.bytes);
            found.extend(matches.map(|found| view.origin(found.range())));
            if depth == 0 {
                continue;
            }
            for (decoded, again) in decode::all(&view, self.spaces, self.least_bytes) {
                if left == 0 {
                    break;
                }
                left -= 1;
                let depth = match again {
                    Again::Yes => depth - 1,
                    Again::No => 0,
                };
                views.push_back((decoded, depth));
            }
        }
        found.sort_unstable_by_key(|range| (range.start, range.end));
        let mut apart: Vec<Range<usize>> = Vec::with_capacity(found.len());
        for range in found {
            match apart.last_mut() {
                Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
                Some(_) | None => apart.push(range),
            }
        }
        apart
    }

    /// Whether a text may go on, in its next line, with the rest of a secret that it ends with the
    /// beginning of.
    pub(super) fn may_go_on(&self, text: &[u8]) -> bool {
        if self.search.is_none() {
            return false;
        }
        // What costs least comes first.
        let tail = &text[text.len().saturating_sub(self.widest)..];
        let begins = |text: &[u8], least| self.beginnings.end(text, least);
        let mut with_end = tail.to_vec();
        with_end.push(b'\n');
        // With the line's end in it, fewer bytes tell it from everyday text.
        const LEAST: usize = 3;
        let joined = tail.iter().copied().filter(|byte| !b"\n\r".contains(byte));
        let joined: Vec<u8> = joined.collect();
        // A plain text that ends as a word of a secret begins is everyday.
        if begins(&with_end, LEAST) || begins(&joined, SHORTEST_REDACTED_BYTES) {
            return true;
        }
        decode::by_character(&View::of(&with_end), self.spaces)
            .iter()
            .any(|(view, _)| begins(&view.bytes, LEAST))
            // Whatever else decodes goes on within its line.
            || decode::broken_into_lines(&View::of(tail), 0)
                .iter()
                .any(|view| begins(&view.bytes, 2))
    }

    /// The end of a text that a secret may have begun in, and not be told by it: a few bytes, or what is
    /// broken into lines.
    pub(super) fn tail(&self, text: &[u8]) -> Vec<u8> {
        let goes_on = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/-_\n\r".contains(byte);
        let run = text
            .iter()
            .rev()
            .take(self.widest)
            .take_while(|byte| goes_on(byte));
        let length = run.count().max(SHORTEST_TAIL).min(text.len());
        text[text.len() - length..].to_vec()
    }
}
