//! An item that a rule derives from others: a question about two that contradict each other, a risk.

use sha2::{Digest as _, Sha256};

use super::super::document::{Origin, Priority, Requirement};
use super::super::item::{ItemKind, Source};

/// An item of a rule that has no id yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleItem {
    /// The same for the same rule over the same words.
    pub key: String,
    /// A question or a risk.
    pub kind: ItemKind,
    /// What it says.
    pub text: String,
    /// The item that it is about.
    pub about: Option<String>,
    /// The sentence that it rests on.
    pub source: Source,
}

impl RuleItem {
    /// An item of `rule` that rests on `words`.
    pub fn new(rule: &str, kind: ItemKind, words: &[&str], text: String) -> Self {
        let mut hash = Sha256::new();
        for part in std::iter::once(&rule).chain(words) {
            hash.update(part.len().to_be_bytes());
            hash.update(part);
        }
        Self {
            key: format!("{rule}/{}", hex::encode(&hash.finalize()[..6])),
            kind,
            text,
            about: None,
            source: Source::default(),
        }
    }

    /// The same, about an item.
    #[must_use]
    pub fn about(mut self, item: &Requirement) -> Self {
        self.about = Some(item.id.clone());
        // What a person gave other words stands on its own, and no longer on the sentence it came from.
        self.source = match item.cited_sentence() {
            Some(_) => item.source.clone(),
            None => Source::default(),
        };
        self
    }

    /// The item that the rule gave before, as the rule gives it now: what it names may have moved.
    pub fn renew(self, mut known: Requirement) -> Requirement {
        if !known.edited {
            known.text = self.text;
            known.about = self.about;
            known.source = self.source;
        }
        known
    }

    /// The item under its id.
    pub fn into_requirement(self, id: String) -> Requirement {
        Requirement {
            id,
            kind: self.kind,
            text: self.text,
            source: self.source,
            priority: Priority::Should,
            mvp: None,
            origin: Origin::Rules,
            key: self.key,
            about: self.about,
            vague_word: None,
            answer: None,
            edited: false,
            between: Vec::new(),
        }
    }
}
