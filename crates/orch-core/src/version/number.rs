//! One version: numbers, what came before the release, what came after.
//!
//! Orders as SemVer does; words such as `rc1`, `.dev2` and `.post1` as PyPI does. What follows a
//! `+` does not count.

use std::{cmp::Ordering, fmt};

/// Longest text of a version.
const MAX_BYTES: usize = 128;
/// Most numbers with dots between them.
const MAX_NUMBERS: usize = 8;

/// A version as it was written, and its order among others.
#[derive(Clone, Debug)]
pub struct Version {
    text: String,
    numbers: Vec<u64>,
    phase: Phase,
    tail: Vec<Word>,
}

/// Where it stands beside the release of the same numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Development,
    Before,
    Release,
    After,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Word {
    Number(u64),
    Text(String),
}

impl Version {
    /// Reads one, with or without a leading `v`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let body = text.strip_prefix(['v', 'V']).unwrap_or(text);
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-+_~".contains(&byte);
        if text.len() > MAX_BYTES || !body.bytes().all(allowed) {
            return None;
        }
        let body = body.split('+').next().unwrap_or_default();
        let (numbers, rest) = leading_numbers(body)?;
        let (phase, tail) = tail(rest)?;
        Some(Self {
            text: text.to_owned(),
            numbers,
            phase,
            tail,
        })
    }

    /// Reads a version of Debian, `[epoch:]upstream[-revision]`: ordered by its upstream part well
    /// enough to choose among the few that an archive has.
    #[must_use]
    pub fn debian(text: &str) -> Option<Self> {
        let body = text.split_once(':').map_or(text, |(_, body)| body);
        let upstream = body.rsplit_once('-').map_or(body, |(upstream, _)| upstream);
        let numbers = upstream
            .find(|c: char| !(c.is_ascii_digit() || c == '.'))
            .map_or(upstream, |end| &upstream[..end]);
        let mut version = Self::parse(numbers.trim_end_matches('.'))?;
        text.clone_into(&mut version.text);
        Some(version)
    }

    /// As it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Its numbers, as many as were written.
    pub(super) fn numbers(&self) -> &[u64] {
        &self.numbers
    }

    /// The number at a place; 0 where none was written.
    pub(super) fn number(&self, at: usize) -> u64 {
        self.numbers.get(at).copied().unwrap_or(0)
    }

    /// Whether it came before its release.
    #[must_use]
    pub fn is_early(&self) -> bool {
        self.phase < Phase::Release
    }

    /// Whether nothing but numbers was written.
    pub(super) fn is_plain(&self) -> bool {
        self.phase == Phase::Release
    }

    /// Whether both have the same numbers, those left out being 0.
    pub(super) fn same_numbers(&self, other: &Self) -> bool {
        compare_numbers(&self.numbers, &other.numbers) == Ordering::Equal
    }

    /// The release with these numbers.
    pub(super) fn release(numbers: Vec<u64>) -> Self {
        let text: Vec<String> = numbers.iter().map(u64::to_string).collect();
        Self {
            text: text.join("."),
            numbers,
            phase: Phase::Release,
            tail: Vec::new(),
        }
    }
}

/// The numbers at the beginning, and what follows them.
fn leading_numbers(text: &str) -> Option<(Vec<u64>, &str)> {
    let mut numbers = Vec::new();
    let mut rest = text;
    loop {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 || digits > 18 || numbers.len() == MAX_NUMBERS {
            return None;
        }
        numbers.push(rest[..digits].parse().ok()?);
        rest = &rest[digits..];
        match rest.strip_prefix('.') {
            Some(after) if after.starts_with(|first: char| first.is_ascii_digit()) => rest = after,
            Some(_) | None => return Some((numbers, rest)),
        }
    }
}

fn tail(rest: &str) -> Option<(Phase, Vec<Word>)> {
    if rest.is_empty() {
        return Some((Phase::Release, Vec::new()));
    }
    let body = rest.strip_prefix(['-', '.', '_', '~']).unwrap_or(rest);
    let words = words(body)?;
    let first = match words.first()? {
        Word::Text(first) => first.as_str(),
        Word::Number(_) => "",
    };
    let phase = match first {
        // A number left open, which ranges may have and versions not.
        "x" => return None,
        "dev" => Phase::Development,
        "post" | "rev" | "r" => Phase::After,
        _ => Phase::Before,
    };
    Some((phase, words))
}

/// Words and numbers in turn; a border between letters and digits parts them too.
fn words(text: &str) -> Option<Vec<Word>> {
    let mut words = Vec::new();
    for part in text.split(['.', '-', '_', '~']) {
        if part.is_empty() {
            return None;
        }
        let mut rest = part;
        while let Some(first) = rest.bytes().next() {
            let digit = first.is_ascii_digit();
            let length = rest
                .bytes()
                .take_while(|byte| byte.is_ascii_digit() == digit)
                .count();
            let (word, after) = rest.split_at(length);
            words.push(match digit {
                true => Word::Number(word.parse().ok()?),
                false => Word::Text(word.to_ascii_lowercase()),
            });
            rest = after;
        }
    }
    Some(words)
}

fn compare_numbers(left: &[u64], right: &[u64]) -> Ordering {
    let length = left.len().max(right.len());
    let number = |numbers: &[u64], at: usize| numbers.get(at).copied().unwrap_or(0);
    (0..length)
        .map(|at| number(left, at).cmp(&number(right, at)))
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        compare_numbers(&self.numbers, &other.numbers)
            .then(self.phase.cmp(&other.phase))
            .then_with(|| self.tail.cmp(&other.tail))
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Version {}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
