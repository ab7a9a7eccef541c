//! Keeping secret values out of everything that leaves the agent.
//!
//! Looks for the values as they are and as they come out of common encodings (base64 at any offset,
//! URL, hex, JSON), line by line where they have several. Never shows a part of a match; works over
//! the seams of a line that comes in pieces.

use std::{borrow::Cow, collections::BTreeSet};

use aho_corasick::{AhoCorasick, MatchKind};
use base64::{Engine as _, engine::general_purpose};

/// What stands in place of a secret.
pub const MASK: &str = "***";

/// A shorter value would be found everywhere, and is not looked for.
const SHORTEST: usize = 4;
/// The shortest part of a document (a kubeconfig, a key file) that counts as secret by itself.
const SHORTEST_PART: usize = 8;
/// The shortest word of a document's line that counts as secret by itself.
const SHORTEST_WORD: usize = 12;
/// A longer text is looked for in pieces.
const LONGEST_WHOLE: usize = 1024;
/// The length of such a piece, in bytes.
const TILE: usize = 64;
/// Where base64 is broken into lines: coreutils, PEM.
const BASE64_COLUMNS: [usize; 2] = [76, 64];
/// Characters of base64 that a match may have beside it because they mix in neighbouring bytes.
const BASE64_EDGE: usize = 3;

/// Replaces secret values in texts.
#[derive(Debug)]
pub struct Redactor {
    search: Option<AhoCorasick>,
    /// Whether the pattern of this number is base64.
    is_base64: Vec<bool>,
    longest_bytes: usize,
}

impl Redactor {
    /// One that hides `values`.
    #[must_use]
    pub fn new<'v>(values: impl IntoIterator<Item = &'v str>) -> Self {
        let mut found = Patterns::default();
        for value in values {
            found.add_value(value);
        }
        let Patterns { plain, coded } = found;
        let patterns: Vec<&String> = plain.iter().chain(&coded).collect();
        let longest_bytes = patterns.iter().map(|text| text.len()).max().unwrap_or(0);
        let is_base64 = (0..patterns.len()).map(|n| n >= plain.len()).collect();
        let search = (!patterns.is_empty()).then(|| {
            AhoCorasick::builder()
                .match_kind(MatchKind::LeftmostLongest)
                .build(&patterns)
                .expect("invariant: answers are bounded, and so are their patterns")
        });
        Self {
            search,
            is_base64,
            longest_bytes: longest_bytes + 2 * BASE64_EDGE,
        }
    }

    /// The text without secrets.
    #[must_use]
    pub fn redact<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match self.redact_until(text, text.len()) {
            (Cow::Borrowed(_), _) => Cow::Borrowed(text),
            (redacted, _) => redacted,
        }
    }

    /// Redacts the beginning of `text` up to `cut`, or further where a secret stands there; tells
    /// where it stopped.
    fn redact_until<'t>(&self, text: &'t str, cut: usize) -> (Cow<'t, str>, usize) {
        let Some(search) = &self.search else {
            return (Cow::Borrowed(&text[..cut]), cut);
        };
        let mut redacted: Option<String> = None;
        let mut done = 0;
        for found in search.find_iter(text) {
            let (mut start, mut end) = (found.start(), found.end());
            if self.is_base64[found.pattern().as_usize()] {
                (start, end) = widen(text, start, end);
            }
            if start >= cut {
                break;
            }
            let out = redacted.get_or_insert_default();
            if start > done {
                out.push_str(&text[done..start]);
            }
            // Matches that touch or overlap once widened are one secret.
            if start > done || done == 0 || !out.ends_with(MASK) {
                out.push_str(MASK);
            }
            done = done.max(end);
        }
        let stop = cut.max(done);
        match redacted {
            None => (Cow::Borrowed(&text[..stop]), stop),
            Some(mut out) => {
                out.push_str(&text[done..stop]);
                (Cow::Owned(out), stop)
            }
        }
    }
}

/// Redacts one stream of lines, each of which may come in pieces.
pub(crate) struct StreamRedactor<'r> {
    redactor: &'r Redactor,
    held: String,
}

impl<'r> StreamRedactor<'r> {
    pub(crate) fn new(redactor: &'r Redactor) -> Self {
        Self {
            redactor,
            held: String::new(),
        }
    }

    /// A whole line, or the last piece of one.
    pub(crate) fn end_line(&mut self, text: String) -> String {
        if self.held.is_empty() {
            return match self.redactor.redact(&text) {
                Cow::Borrowed(_) => text,
                Cow::Owned(redacted) => redacted,
            };
        }
        self.held.push_str(&text);
        let line = std::mem::take(&mut self.held);
        self.redactor.redact(&line).into_owned()
    }

    /// A piece of a line; what may be the beginning of a secret is held back for the next piece.
    pub(crate) fn piece(&mut self, text: String) -> String {
        if self.redactor.search.is_none() {
            return text;
        }
        self.held.push_str(&text);
        let ready = self.held.len().saturating_sub(self.redactor.longest_bytes);
        let cut = self.held.floor_char_boundary(ready);
        let (redacted, stop) = self.redactor.redact_until(&self.held, cut);
        let redacted = redacted.into_owned();
        self.held.drain(..stop);
        redacted
    }
}

fn widen(text: &str, start: usize, end: usize) -> (usize, usize) {
    let bytes = text.as_bytes();
    let coded = |byte: &&u8| byte.is_ascii_alphanumeric() || b"+/-_=".contains(byte);
    let before = bytes[..start].iter().rev().take(BASE64_EDGE);
    let after = bytes[end..].iter().take(BASE64_EDGE);
    (
        start - before.take_while(coded).count(),
        end + after.take_while(coded).count(),
    )
}

/// What to look for.
#[derive(Default)]
struct Patterns {
    plain: BTreeSet<String>,
    /// Pieces of base64.
    coded: BTreeSet<String>,
}

impl Patterns {
    fn add_value(&mut self, value: &str) {
        let value = value.trim();
        if value.len() < SHORTEST {
            return;
        }
        self.add(value);
        if let Ok(document @ serde_json::Value::Object(_)) = serde_json::from_str(value) {
            self.add_texts(&document);
        }
        if value.contains('\n') {
            self.add_parts(value);
        }
    }

    fn add_texts(&mut self, json: &serde_json::Value) {
        match json {
            serde_json::Value::String(text) => self.add_parts(text),
            serde_json::Value::Array(items) => {
                items.iter().for_each(|item| self.add_texts(item));
            }
            serde_json::Value::Object(map) => {
                map.values().for_each(|item| self.add_texts(item));
            }
            serde_json::Value::Null | serde_json::Value::Bool(_) | serde_json::Value::Number(_) => {
            }
        }
    }

    /// The lines and long words of a document.
    fn add_parts(&mut self, document: &str) {
        for line in document.lines().map(str::trim) {
            if line.len() >= SHORTEST_PART {
                self.add(line);
            }
            let words = line.split(|c: char| c.is_whitespace() || "\"',".contains(c));
            let words = words.filter(|word| word.len() >= SHORTEST_WORD && !word.ends_with(':'));
            self.plain.extend(words.flat_map(tiles));
        }
    }

    /// One secret text in all its forms; of a long one, pieces that follow each other where it shows
    /// whole. One with several lines is looked for by its lines, and here in base64 alone.
    fn add(&mut self, secret: &str) {
        if secret.len() > LONGEST_WHOLE || secret.contains('\n') {
            if !secret.contains('\n') {
                self.plain.extend(tiles(secret));
                self.plain.extend(tiles(&json_escaped(secret)));
            }
            let text = general_purpose::STANDARD_NO_PAD.encode(secret);
            for columns in BASE64_COLUMNS {
                self.coded.extend(chunks(&text, columns));
            }
            return;
        }
        self.plain.insert(secret.to_owned());
        self.plain.insert(json_escaped(secret));
        for space in ["%20", "+"] {
            let upper = url_encoded(secret, space);
            self.plain.insert(lower_escapes(&upper));
            self.plain.insert(upper);
        }
        let hex = hex::encode(secret);
        self.plain.insert(hex.to_uppercase());
        self.plain.insert(hex);
        for offset in 0..3 {
            self.add_base64(secret, offset);
        }
    }

    /// The secret in base64, `offset` bytes after the beginning of a group of three.
    fn add_base64(&mut self, secret: &str, offset: usize) {
        let shifted = [&[0; 2][..offset], secret.as_bytes()].concat();
        // The characters at both ends also carry bits of the neighbours.
        let (skipped, whole) = ((offset * 8).div_ceil(6), shifted.len() * 8 / 6);
        let alphabets = [
            &general_purpose::STANDARD_NO_PAD,
            &general_purpose::URL_SAFE_NO_PAD,
        ];
        for alphabet in alphabets {
            let text = alphabet.encode(&shifted);
            let sure = &text[skipped..whole];
            if sure.len() >= SHORTEST {
                self.coded.insert(sure.to_owned());
            }
            if offset == 0 {
                let wrapped = BASE64_COLUMNS.iter();
                self.coded
                    .extend(wrapped.flat_map(|columns| chunks(sure, *columns)));
            }
        }
    }
}

fn json_escaped(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

/// The text itself, or pieces that cover a long one.
fn tiles(text: &str) -> Vec<String> {
    if text.len() <= LONGEST_WHOLE {
        return vec![text.to_owned()];
    }
    let mut tiles = Vec::new();
    let mut rest = text;
    while rest.len() >= 2 * TILE {
        let (tile, after) = rest.split_at(rest.floor_char_boundary(TILE));
        tiles.push(tile.to_owned());
        rest = after;
    }
    tiles.push(rest.to_owned());
    tiles
}

fn chunks(text: &str, columns: usize) -> Vec<String> {
    let chunks = text.as_bytes().chunks(columns);
    let chunks = chunks.map(|chunk| String::from_utf8_lossy(chunk).into_owned());
    // A short last line would be found everywhere.
    chunks.filter(|chunk| chunk.len() >= 16).collect()
}

fn url_encoded(text: &str, space: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b' ' => out.push_str(space),
            byte if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) => {
                out.push(char::from(byte));
            }
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// `%2F` as `%2f`.
fn lower_escapes(encoded: &str) -> String {
    let mut escape = 0;
    let lower = encoded.chars().map(|character| {
        escape = match character {
            '%' => 2,
            _ if escape > 0 => {
                escape -= 1;
                return character.to_ascii_lowercase();
            }
            _ => 0,
        };
        character
    });
    lower.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "s3cr3t/K+y=value";

    fn redact(text: &str) -> String {
        Redactor::new([SECRET]).redact(text).into_owned()
    }

    #[test]
    fn a_value_is_hidden_as_it_is_and_encoded() {
        assert_eq!(redact("key s3cr3t/K+y=value, key"), "key ***, key");
        assert_eq!(redact("a=s3cr3t%2FK%2By%3Dvalue&b"), "a=***&b");
        assert_eq!(redact("a=s3cr3t%2fK%2by%3dvalue&b"), "a=***&b");
        assert_eq!(redact(&format!("<{}>", hex::encode(SECRET))), "<***>");
        assert_eq!(redact("nothing to hide"), "nothing to hide");
        assert_eq!(redact(&format!("{SECRET}{SECRET}")), "***");
    }

    #[test]
    fn base64_hides_a_value_wherever_it_stands_in_it() {
        for before in ["", "u:", "us:", "use:", "user:"] {
            for after in ["", "\n", "@x", "@xy"] {
                let text = format!("{before}{SECRET}{after}");
                for coded in [
                    general_purpose::STANDARD.encode(&text),
                    general_purpose::URL_SAFE_NO_PAD.encode(&text),
                ] {
                    let shown = redact(&format!("Basic {coded} end"));
                    assert!(shown.contains(MASK), "{text:?}: {shown}");
                    let sure = general_purpose::STANDARD.encode(&SECRET[3..12]);
                    assert!(!shown.contains(&sure[..4]), "{text:?}: {shown}");
                }
            }
        }
    }

    #[test]
    fn a_document_is_hidden_line_by_line() {
        let document = "apiVersion: v1\nusers:\n- name: me\n  user:\n    token: abcdefghijklmnop\n";
        let redactor = Redactor::new([document]);
        assert_eq!(redactor.redact("    token: abcdefghijklmnop"), "    ***");
        assert_eq!(redactor.redact("bare abcdefghijklmnop"), "bare ***");
        let wrapped = general_purpose::STANDARD.encode(document);
        for line in wrapped
            .as_bytes()
            .chunks(76)
            .filter(|line| line.len() == 76)
        {
            assert_eq!(redactor.redact(std::str::from_utf8(line).unwrap()), MASK);
        }
        let key = r#"{"type":"x","private_key":"-----BEGIN\nMIIEabcdefgh\n-----END"}"#;
        assert_eq!(Redactor::new([key]).redact("MIIEabcdefgh"), MASK);
    }

    #[test]
    fn a_long_value_is_hidden_in_pieces() {
        let value: String = (0..20_000).map(|n| format!("{n:x}-")).collect();
        let redactor = Redactor::new([value.as_str()]);
        assert!(redactor.longest_bytes < 256);
        assert_eq!(redactor.redact(&format!("<{value}>")), "<***>");
        let coded = general_purpose::STANDARD.encode(&value);
        assert_eq!(redactor.redact(&format!("<{coded}>")), "<***>");
    }

    #[test]
    fn a_value_over_the_seam_of_two_pieces_is_hidden() {
        let redactor = Redactor::new([SECRET, "other-one"]);
        let line = format!("{}{SECRET}{}other-one!", "ä".repeat(40), "b".repeat(40));
        let whole = redactor.redact(&line).into_owned();
        assert_eq!(
            whole,
            format!("{}***{}***!", "ä".repeat(40), "b".repeat(40))
        );
        for size in 1..line.len() {
            let mut stream = StreamRedactor::new(&redactor);
            let mut shown = String::new();
            let mut rest = line.as_str();
            while rest.len() > size {
                let cut = rest.ceil_char_boundary(size);
                shown += &stream.piece(rest[..cut].to_owned());
                rest = &rest[cut..];
            }
            shown += &stream.end_line(rest.to_owned());
            assert_eq!(shown, whole, "pieces of {size}");
        }
    }

    #[test]
    fn short_values_and_none_hide_nothing() {
        assert_eq!(Redactor::new(["abc", ""]).redact("abc"), "abc");
        assert_eq!(Redactor::new([]).redact("abc"), "abc");
        assert_eq!(Redactor::new(["word"]).redact("a word"), "a ***");
    }
}
