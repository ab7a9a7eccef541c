//! Keys of items. A key hangs on kind and sentence alone, so that edits elsewhere never change it.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

use super::item::ItemKind;

/// 48 bits: a vision of 20,000 items has a chance below one in a million that two of them meet.
const ID_BYTES: usize = 6;

/// Hands out the ids of one draft.
#[derive(Debug, Default)]
pub struct Ids {
    uses: HashMap<String, usize>,
}

impl Ids {
    /// Names the `nth` item of `kind` that `sentence` gives; a second use of the same name gets a suffix.
    pub fn next(&mut self, kind: ItemKind, sentence: &str, nth: usize) -> String {
        let mut hash = Sha256::new();
        hash.update(kind.name());
        hash.update([0]);
        hash.update(normalised(sentence));
        hash.update([0]);
        hash.update(nth.to_string());
        let digest = hash.finalize();
        let base = hex::encode(&digest[..ID_BYTES]);
        let uses = self.uses.entry(base.clone()).or_insert(0);
        *uses += 1;
        if *uses == 1 {
            base
        } else {
            format!("{base}-{uses}")
        }
    }
}

/// Case, spacing, emphasis and the closing mark do not make another requirement.
pub fn normalised(sentence: &str) -> String {
    if sentence.is_ascii() {
        return closed(normalised_ascii(sentence));
    }
    let mut out = String::with_capacity(sentence.len());
    for word in sentence.split(|c: char| c.is_whitespace() || c == '*') {
        if word.is_empty() || word == ">" {
            continue;
        }
        if !out.is_empty() {
            out.push(' ');
        }
        out.extend(word.chars().flat_map(char::to_lowercase));
    }
    closed(out)
}

/// The same of ASCII alone, which most sentences are.
fn normalised_ascii(sentence: &str) -> String {
    let mut out = String::with_capacity(sentence.len());
    let bytes = sentence.as_bytes();
    let mut start = 0;
    for at in 0..=bytes.len() {
        let parts = at == bytes.len() || matches!(bytes[at], b' ' | b'\t'..=b'\r' | b'*');
        if !parts {
            continue;
        }
        let word = &sentence[start..at];
        start = at + 1;
        if word.is_empty() || word == ">" {
            continue;
        }
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out.make_ascii_lowercase();
    out
}

fn closed(mut out: String) -> String {
    let kept = out
        .trim_end_matches(['.', '!', ';', ',', ':', '。', '！', ' '])
        .len();
    if kept > 0 {
        out.truncate(kept);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::Ids;
    use crate::requirements::ItemKind;

    #[test]
    fn id_ignores_case_spacing_and_the_closing_mark() {
        let plain = Ids::default().next(ItemKind::Goal, "Build  a\r\n SHOP!", 0);
        assert_eq!(
            plain,
            Ids::default().next(ItemKind::Goal, "build a shop.", 0)
        );
    }

    #[test]
    fn id_tells_kind_sentence_and_place_apart() {
        let mut ids = Ids::default();
        let mut all = vec![
            ids.next(ItemKind::Goal, "a b", 0),
            ids.next(ItemKind::Scope, "a b", 0),
            ids.next(ItemKind::Goal, "a c", 0),
            ids.next(ItemKind::Goal, "a b", 1),
        ];
        assert!(all.iter().all(|id| id.len() == 12), "{all:?}");
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 4);
    }

    #[test]
    fn repeated_sentence_keeps_the_first_id_and_numbers_the_next() {
        let mut ids = Ids::default();
        let first = ids.next(ItemKind::Goal, "a b", 0);
        assert_eq!(ids.next(ItemKind::Goal, "a b", 0), format!("{first}-2"));
        assert_eq!(ids.next(ItemKind::Goal, "a b", 0), format!("{first}-3"));
        assert_eq!(Ids::default().next(ItemKind::Goal, "a b", 0), first);
    }
}
