//! Whether a citation stands in the texts, and where. What does not stand there is not believed.

use std::collections::HashMap;

use super::super::id::normalised;
use super::super::item::Source;
use super::super::reading;
use super::super::words::stands_in;
use super::build::{Content, Text};
use super::suggested::SuggestedCite;

/// A shorter piece of a sentence may stand anywhere.
const SHORTEST_PIECE: usize = 12;

/// The sentences of all texts.
#[derive(Debug)]
pub struct Sentences {
    texts: Vec<Sentential>,
}

#[derive(Debug)]
struct Sentential {
    attachment: Option<String>,
    /// Normalised, with its place.
    sentences: Vec<(String, Source)>,
    by_words: HashMap<String, usize>,
}

impl Sentences {
    /// Reads the texts; operations of an API are no sentences.
    pub fn of(texts: &[Text]) -> Self {
        let texts = texts.iter().filter_map(|text| match &text.content {
            Content::Prose(prose) => Some(Sentential::of(prose, text.attachment.as_ref())),
            Content::Operations(_) | Content::Code(_) => None,
        });
        Self {
            texts: texts.collect(),
        }
    }

    /// The sentence that is cited: the whole of it, a piece of it, or the first of several.
    pub fn find(&self, cite: &SuggestedCite) -> Option<Source> {
        let wanted = normalised(cite.sentence.trim_matches(['"', '“', '”', ' ']));
        if !wanted.chars().any(char::is_alphanumeric) {
            return None;
        }
        let named = cite.attachment.trim();
        let here = self
            .texts
            .iter()
            .filter(|text| text.attachment.as_deref().unwrap_or_default() == named);
        here.into_iter().find_map(|text| text.find(&wanted))
    }
}

impl Sentential {
    fn of(prose: &str, attachment: Option<&String>) -> Self {
        let mut sentences = Vec::new();
        let mut by_words = HashMap::new();
        for sentence in reading::read(prose) {
            let words = normalised(sentence.text);
            by_words.entry(words.clone()).or_insert(sentences.len());
            let source = Source {
                sentence: sentence.text.to_owned(),
                index: sentence.index,
                start: sentence.start,
                end: sentence.start + sentence.text.len(),
                attachment: attachment.cloned(),
            };
            sentences.push((words, source));
        }
        Self {
            attachment: attachment.cloned(),
            sentences,
            by_words,
        }
    }

    fn find(&self, wanted: &str) -> Option<Source> {
        if let Some(at) = self.by_words.get(wanted) {
            return Some(self.sentences[*at].1.clone());
        }
        if wanted.len() < SHORTEST_PIECE {
            return None;
        }
        let whole = self
            .sentences
            .iter()
            .find(|(words, _)| stands_in(words, wanted));
        let first = whole.or_else(|| {
            let parts = self.sentences.iter();
            parts
                .filter(|(words, _)| words.len() >= SHORTEST_PIECE)
                .find(|(words, _)| wanted.starts_with(words.as_str()))
        });
        first.map(|(_, source)| source.clone())
    }
}
