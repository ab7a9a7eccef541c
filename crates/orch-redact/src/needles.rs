//! What is looked for: each secret value, and the parts of one that count as secret by themselves.

use std::collections::BTreeSet;

use orch_core::secret::SHORTEST_REDACTED_BYTES;

/// The shortest part of a document (a kubeconfig, a key file) that counts as secret by itself.
const SHORTEST_PART: usize = 8;
/// A shorter value is a word of everyday too easily where its case counts for nothing.
const SHORTEST_IN_ANOTHER_CASE: usize = 6;
/// The shortest word of a document's line that counts as secret by itself.
const SHORTEST_WORD: usize = 12;
/// A longer text is looked for in pieces.
const LONGEST_WHOLE: usize = 1024;
/// The length of such a piece, in bytes.
const TILE: usize = 64;

/// The parts of all values, each once.
pub(super) fn of<V: AsRef<[u8]>>(values: impl IntoIterator<Item = V>) -> BTreeSet<Vec<u8>> {
    let mut found = Needles::default();
    for value in values {
        found.add_value(value.as_ref());
    }
    found.0
}

#[derive(Default)]
struct Needles(BTreeSet<Vec<u8>>);

impl Needles {
    fn add_value(&mut self, value: &[u8]) {
        let value = value.trim_ascii();
        if value.len() < SHORTEST_REDACTED_BYTES {
            return;
        }
        self.add(value);
        if value.len() >= SHORTEST_IN_ANOTHER_CASE {
            // As programs write what they print in one case.
            self.add(&value.to_ascii_lowercase());
            self.add(&value.to_ascii_uppercase());
        }
        if let Ok(document @ serde_json::Value::Object(_)) = serde_json::from_slice(value) {
            self.add_texts(&document);
        }
        if value.contains(&b'\n') {
            self.add_parts(value);
            // As it is read over the ends of lines.
            let joined = value.iter().copied().filter(|byte| !b"\n\r".contains(byte));
            let joined: Vec<u8> = joined.collect();
            if joined.len() >= SHORTEST_REDACTED_BYTES {
                self.add(&joined);
            }
        }
    }

    fn add_texts(&mut self, json: &serde_json::Value) {
        match json {
            serde_json::Value::String(text) => self.add_parts(text.as_bytes()),
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
    fn add_parts(&mut self, document: &[u8]) {
        for line in document.split(|byte| *byte == b'\n') {
            let line = line.trim_ascii();
            if line.len() >= SHORTEST_PART {
                self.add(line);
            }
            let words = line.split(|byte| byte.is_ascii_whitespace() || b"\"',".contains(byte));
            for word in words.filter(|word| word.len() >= SHORTEST_WORD && !word.ends_with(b":")) {
                self.add(word);
            }
        }
    }

    /// One secret text, or pieces that cover a long one.
    fn add(&mut self, secret: &[u8]) {
        if secret.len() <= LONGEST_WHOLE {
            self.0.insert(secret.to_vec());
            return;
        }
        let mut rest = secret;
        while rest.len() >= 2 * TILE {
            let (tile, after) = rest.split_at(TILE);
            self.0.insert(tile.to_vec());
            rest = after;
        }
        self.0.insert(rest.to_vec());
    }
}
