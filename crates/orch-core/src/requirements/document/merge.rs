//! A model's answer as a document. Ids stay, what persons did stays, and every sentence that demands
//! something and that the model left out becomes a question.
//!
//! **Invariant:** a citation that does not stand in the texts is dropped; the item then cites nothing.

use std::collections::{HashMap, HashSet};

use super::super::evidence::Evidence;
use super::super::id::{Ids, normalised};
use super::super::item::{Asks, Item, ItemKind, Source};
use super::super::wording::tidied;
use super::bounds::{TooManyItems, fits, fits_whole};
use super::build::{By, Content, Fresh, Text, assemble, next_id, read, requirement};
use super::cited::Sentences;
use super::derive::derive;
use super::existing::renewal;
use super::model::{ArchitectureOption, Document, Mvp, Origin, Requirement, Support};
use super::suggested::{
    MOST_ITEMS, MOST_OPTIONS, MOST_POINTS, MOST_QUESTIONS, Suggested, SuggestedCite, SuggestedItem,
    SuggestedOption, point, slug, text_of,
};

/// The kinds and places of items that a removed one is known by.
const MOST_PLACES: usize = 8;

/// The document that a model proposes.
///
/// # Errors
/// When it and the texts give more items than a document holds.
pub fn try_document_of_model(
    suggested: &Suggested,
    texts: &[Text],
    previous: Option<&Document>,
) -> Result<Document, TooManyItems> {
    let sentences = Sentences::of(texts);
    let settled = Settled::of(previous);
    let mut made = Made::default();
    for item in suggested.items.iter().take(MOST_ITEMS) {
        made.item(item, &sentences, &settled);
    }
    for vague in suggested.vague.iter().take(MOST_QUESTIONS) {
        let source = sentences.find(&vague.cites);
        let word = text_of(&vague.word).to_lowercase();
        let stands = |source: &Source| source.sentence.to_lowercase().contains(&word);
        let about = source
            .as_ref()
            .filter(|source| !word.is_empty() && stands(source))
            .and_then(|source| made.first_about(source));
        made.question(&vague.question, source, &settled, |fresh| {
            fresh.about = about;
            fresh.item.vague_word = Some(word).filter(|word| !word.is_empty());
        });
    }
    for contradiction in suggested.contradictions.iter().take(MOST_QUESTIONS) {
        let cited = contradiction.between.iter().take(MOST_POINTS);
        let sources: Vec<Source> = cited.filter_map(|cite| sentences.find(cite)).collect();
        let mut between: Vec<usize> = Vec::new();
        for source in &sources {
            let at = made.first_about(source);
            between.extend(at.filter(|at| !between.contains(at)));
        }
        made.question(
            &contradiction.question,
            sources.into_iter().next(),
            &settled,
            |fresh| match between.as_slice() {
                [] | [_] => {
                    fresh.about = between.first().copied();
                    fresh.item.key = format!("{CONTRADICTION}{}", fresh.item.key);
                }
                [_, _, ..] => fresh.between = between,
            },
        );
    }
    let mut fresh = made.fresh;
    let mut heard: Vec<Requirement> = Vec::new();
    let renew = renewal(texts);
    for text in texts {
        let read = read(text, renew);
        match &text.content {
            // Operations and existing code are facts; no model need find them.
            Content::Operations(_) | Content::Code(_) => fresh.extend(read),
            Content::Prose(_) => heard.extend(read.into_iter().map(|read| read.item)),
        }
    }
    fits(fresh.len() + heard.len())?;
    let mut document = assemble(fresh, previous, By::Model);
    ask_about_the_rest(&mut document, &heard, previous, &settled);
    fits_whole(&document.items)?;
    document.by_model = true;
    document.options = options(&suggested.options, &document, &sentences);
    derive(&mut document);
    Ok(document)
}

/// As [`try_document_of_model`], of texts that are known to fit.
#[cfg(test)]
pub fn document_of_model(
    suggested: &Suggested,
    texts: &[Text],
    previous: Option<&Document>,
) -> Document {
    try_document_of_model(suggested, texts, previous).expect("it fits")
}

/// How the key of a contradiction begins that a model finds and that does not stand between two items.
const CONTRADICTION: &str = "contradiction-by-model/";
/// How the key of one begins that rules find.
const CONTRADICTION_OF_RULES: &str = "contradiction/";

/// Whether this asks about a contradiction.
pub(super) fn is_contradiction(item: &Requirement) -> bool {
    !item.between.is_empty()
        || item.key.starts_with(CONTRADICTION_OF_RULES)
        || is_contradiction_by_model(item)
}

/// Whether a model asks about a contradiction of which the texts or the items do not show both sides.
pub(super) fn is_contradiction_by_model(item: &Requirement) -> bool {
    item.key.starts_with(CONTRADICTION)
}

/// Where a sentence stands, whatever its position.
fn place(source: &Source) -> (Option<String>, String) {
    (source.attachment.clone(), normalised(&source.sentence))
}

/// What a model's answer gives so far.
#[derive(Default)]
struct Made {
    fresh: Vec<Fresh>,
    ids: Ids,
    nth: HashMap<(ItemKind, Option<String>, String), usize>,
    said: HashSet<(ItemKind, String)>,
    first: HashMap<(Option<String>, String), usize>,
}

impl Made {
    fn item(&mut self, item: &SuggestedItem, sentences: &Sentences, settled: &Settled) {
        let source = sentences.find(&item.cites);
        self.add(item.kind, &item.text, source, settled, |fresh| {
            fresh.item.priority = item.priority;
            fresh.item.mvp = match item.kind {
                ItemKind::OutOfScope | ItemKind::Risk | ItemKind::OpenQuestion => None,
                ItemKind::Goal
                | ItemKind::Functional
                | ItemKind::Scope
                | ItemKind::Constraint
                | ItemKind::NonFunctional
                | ItemKind::SuccessCriterion => item.mvp.as_ref().map(|mvp| Mvp {
                    included: mvp.included,
                    reason: point(&mvp.reason),
                    by_person: false,
                    by_model: true,
                }),
            };
        });
    }

    fn question(
        &mut self,
        text: &str,
        source: Option<Source>,
        settled: &Settled,
        with: impl FnOnce(&mut Fresh),
    ) {
        self.add(ItemKind::OpenQuestion, text, source, settled, with);
    }

    fn add(
        &mut self,
        kind: ItemKind,
        text: &str,
        source: Option<Source>,
        settled: &Settled,
        with: impl FnOnce(&mut Fresh),
    ) {
        let text = text_of(text);
        let is_settled = source.as_ref().is_some_and(|source| settled.is(source));
        let is_new = self.said.insert((kind, normalised(&text)));
        if !text.chars().any(char::is_alphanumeric) || is_settled || !is_new {
            return;
        }
        let id = match &source {
            Some(source) => {
                let (attachment, words) = place(source);
                let nth = self.nth.entry((kind, attachment, words)).or_default();
                let id = self.ids.next(kind, &source.sentence, *nth);
                *nth += 1;
                id
            }
            None => format!("model/{}", self.ids.next(kind, &text, 0)),
        };
        if let Some(source) = source.as_ref().filter(|_| kind != ItemKind::OpenQuestion) {
            self.first.entry(place(source)).or_insert(self.fresh.len());
        }
        let source = source.unwrap_or_default();
        let attachment = source.attachment.clone();
        let item = Item {
            id,
            kind,
            text,
            source,
            asks: None,
        };
        let item = requirement(item, attachment.as_ref(), Origin::Model);
        let mut fresh = Fresh::of(item, None);
        with(&mut fresh);
        self.fresh.push(fresh);
    }

    fn first_about(&self, source: &Source) -> Option<usize> {
        self.first.get(&place(source)).copied()
    }
}

/// Sentences of which a person removed all that stood on them.
struct Settled {
    removed: HashSet<String>,
    live: HashSet<(Option<String>, String)>,
}

impl Settled {
    fn of(previous: Option<&Document>) -> Self {
        let removed = previous.map(|previous| {
            let keys = previous.removed.iter().map(|removed| removed.key.clone());
            keys.collect()
        });
        let live = previous.map(|previous| {
            let items = previous.items.iter();
            items.map(|item| place(&item.source)).collect()
        });
        Self {
            removed: removed.unwrap_or_default(),
            live: live.unwrap_or_default(),
        }
    }

    fn is(&self, source: &Source) -> bool {
        if self.removed.is_empty() || self.live.contains(&place(source)) {
            return false;
        }
        ItemKind::ALL.into_iter().any(|kind| {
            (0..MOST_PLACES).any(|nth| {
                let key = Ids::default().next(kind, &source.sentence, nth);
                self.removed.contains(&match &source.attachment {
                    Some(name) => format!("{name}/{key}"),
                    None => key,
                })
            })
        })
    }
}

/// Whether rules read a demand in the sentence of an item.
fn demands(item: &Requirement) -> bool {
    match item.kind {
        ItemKind::Goal | ItemKind::Risk => Evidence::of(&item.source.sentence).demands(),
        ItemKind::Functional
        | ItemKind::Scope
        | ItemKind::OutOfScope
        | ItemKind::Constraint
        | ItemKind::NonFunctional
        | ItemKind::SuccessCriterion
        | ItemKind::OpenQuestion => true,
    }
}

/// Every sentence that demands something and that no item cites is a question.
fn ask_about_the_rest(
    document: &mut Document,
    heard: &[Requirement],
    previous: Option<&Document>,
    settled: &Settled,
) {
    let mut covered: HashSet<(Option<String>, String)> = document
        .items
        .iter()
        // What rules derive from other items goes when those go.
        .filter(|item| item.origin != Origin::Rules)
        .map(|item| place(&item.source))
        .collect();
    let empty = Vec::new();
    let before = previous.map_or(&empty, |previous| &previous.items);
    let known: HashMap<&str, &Requirement> = before
        .iter()
        .map(|item| (item.key.as_str(), item))
        .collect();
    let taken: HashSet<String> = document.items.iter().map(|item| item.id.clone()).collect();
    for read in heard.iter().filter(|read| demands(read)) {
        if settled.is(&read.source) || !covered.insert(place(&read.source)) {
            continue;
        }
        let sentence = &read.source.sentence;
        let item = Item {
            id: Ids::default().next(ItemKind::OpenQuestion, sentence, 0),
            kind: ItemKind::OpenQuestion,
            text: format!(
                "What is to become of “{}”? The proposal does not cover it.",
                tidied(sentence)
            ),
            source: read.source.clone(),
            asks: Some(Asks::Decision),
        };
        let mut item = requirement(item, read.source.attachment.as_ref(), read.origin);
        item.id = match known.get(item.key.as_str()) {
            Some(old) if !taken.contains(&old.id) => old.id.clone(),
            Some(_) | None => next_id(&mut document.next_number),
        };
        document.items.push(item);
    }
}

fn options(
    suggested: &[SuggestedOption],
    document: &Document,
    sentences: &Sentences,
) -> Vec<ArchitectureOption> {
    let mut made: Vec<ArchitectureOption> = Vec::new();
    for option in suggested {
        let (title, summary) = (point(&option.name), point(&option.summary));
        let name = slug(&title);
        let is_known = made.iter().any(|known| known.name == name);
        if title.is_empty() || is_known || made.len() == MOST_OPTIONS {
            continue;
        }
        let points = |points: &[String]| -> Vec<String> {
            let points = points.iter().take(MOST_POINTS).map(|text| point(text));
            points.filter(|text| !text.is_empty()).collect()
        };
        let mut rests_on: Vec<Support> = Vec::new();
        for cite in option.rests_on.iter().take(MOST_POINTS) {
            let support = support(cite, document, sentences);
            rests_on.extend(support.filter(|found| !rests_on.contains(found)));
        }
        made.push(ArchitectureOption {
            name,
            title,
            summary,
            strengths: points(&option.strengths),
            trade_offs: points(&option.trade_offs),
            rests_on,
            by_model: true,
        });
    }
    made
}

/// What speaks for an option, where it stands in the texts and an item says it.
fn support(cite: &SuggestedCite, document: &Document, sentences: &Sentences) -> Option<Support> {
    let source = sentences.find(cite)?;
    let wanted = place(&source);
    let item = document
        .items
        .iter()
        .find(|item| place(&item.source) == wanted)?;
    Some(Support {
        word: point(&cite.sentence),
        item: item.id.clone(),
        sentence: source.sentence,
    })
}
