//! From texts to a document: what the sentences give, with the ids of the version before, and what persons
//! did to it. What follows from the items is worked out by [`derive`].

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::survey::{Renew, Survey};

use super::super::advice;
use super::super::id::Ids;
use super::super::item::{Asks, Draft, Item, ItemKind, Source};
use super::super::openapi::DEPRECATED;
use super::super::propose::{drafted, unheard};
use super::super::reading;
use super::super::wording::tidied;
use super::derive::derive;
use super::existing::{of_code, renewal};
use super::matching::{Known, matches};
use super::model::{Document, Origin, Priority, Requirement};

/// A text that needs are read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// The attachment's name; none for the vision itself.
    pub attachment: Option<String>,
    /// What it holds.
    pub content: Content,
}

/// What a text holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// Sentences.
    Prose(String),
    /// The operations of an API: what each does, and where it stands.
    Operations(Vec<Operation>),
    /// What was found in existing code.
    Code(Box<Survey>),
}

/// One operation of an API that an attachment describes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// `GET /pets/{id}`.
    pub name: String,
    /// What it is for, in the description's words; empty where it says nothing.
    pub summary: String,
}

/// Proposes a document from the texts. Items that were there before keep their ids, what persons
/// edited keeps their words, what they added stays, and what they removed does not come back.
pub fn propose_document(texts: &[Text], previous: Option<&Document>) -> Document {
    let mut fresh: Vec<Fresh> = Vec::new();
    let renew = renewal(texts);
    for text in texts {
        let before = fresh.len();
        fresh.extend(read(text, renew).into_iter().map(|item| Fresh {
            about: item.about.map(|at| before + at),
            ..item
        }));
    }
    let mut document = assemble(fresh, previous, By::Rules);
    derive(&mut document);
    document
}

/// Who reads the texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    Rules,
    Model,
}

/// The items of a proposal under their ids, with what persons did to the version before.
pub(super) fn assemble(fresh: Vec<Fresh>, previous: Option<&Document>, by: By) -> Document {
    let mut document = Document {
        next_number: previous.map_or(1, |previous| previous.next_number),
        removed: previous.map_or_else(Vec::new, |previous| previous.removed.clone()),
        chosen_option: previous.and_then(|previous| previous.chosen_option.clone()),
        ..Document::default()
    };
    let empty = Vec::new();
    let before = previous.map_or(&empty, |previous| &previous.items);
    let removed: HashSet<String> = document
        .removed
        .iter()
        .map(|removed| removed.key.clone())
        .collect();
    let old: Vec<&Requirement> = before.iter().filter(|item| is_read(item.origin)).collect();
    let matched = match old.is_empty() {
        true => vec![None; fresh.len()],
        false => {
            let known: Vec<Known<'_>> = old.iter().map(|item| Known::of(item)).collect();
            let wanted: Vec<Known<'_>> = fresh.iter().map(|fresh| Known::of(&fresh.item)).collect();
            matches(&known, &wanted)
        }
    };
    let found: HashSet<String> = matched
        .iter()
        .flatten()
        .map(|at| old[*at].id.clone())
        .collect();
    let mut ids: Vec<Option<String>> = Vec::with_capacity(fresh.len());
    for (fresh, matched) in fresh.into_iter().zip(matched) {
        let mut item = fresh.item;
        if removed.contains(&item.key) {
            ids.push(None);
            continue;
        }
        match matched.map(|at| old[at]) {
            Some(old) => take_over(&mut item, old, by),
            None => item.id = next_id(&mut document.next_number),
        }
        ids.push(Some(item.id.clone()));
        let known = |at: usize| ids.get(at).cloned().flatten();
        item.about = fresh.about.and_then(known);
        item.between = fresh.between.into_iter().filter_map(known).collect();
        document.items.push(item);
    }
    let carried = before
        .iter()
        .filter(|item| match item.origin {
            Origin::Edit | Origin::Answer | Origin::Rules => true,
            Origin::Model => item.is_touched() && !found.contains(&item.id),
            // A model may leave out what stands in the texts as before; rules do not.
            Origin::Vision | Origin::Attachment => {
                by == By::Model && item.is_touched() && !found.contains(&item.id)
            }
        })
        .cloned();
    document.items.extend(carried);
    document
}

/// Whether an item comes from reading the texts, so that the next reading may find it again.
const fn is_read(origin: Origin) -> bool {
    match origin {
        Origin::Vision | Origin::Attachment | Origin::Model => true,
        Origin::Edit | Origin::Answer | Origin::Rules => false,
    }
}

/// Gives the next id of the project.
pub(super) fn next_id(next_number: &mut u64) -> String {
    let id = format!("R-{next_number}");
    *next_number += 1;
    id
}

/// What persons did to the item stays.
fn take_over(item: &mut Requirement, old: &Requirement, by: By) {
    item.id.clone_from(&old.id);
    item.edited = old.edited;
    // A model asks the same in other words each time; what was answered is asked already.
    let keeps_words = old.edited || (by == By::Model && old.answer.is_some());
    if keeps_words {
        item.kind = old.kind;
        item.text.clone_from(&old.text);
        item.priority = old.priority;
    }
    if old.mvp.as_ref().is_some_and(|mvp| mvp.by_person) {
        item.mvp.clone_from(&old.mvp);
    }
    // An answer is to the question as it was asked.
    if old.text == item.text {
        item.answer.clone_from(&old.answer);
    }
}

/// An item without an id, and the place of the one that it asks about.
pub(super) struct Fresh {
    pub item: Requirement,
    pub about: Option<usize>,
    /// Those that it sets against each other.
    pub between: Vec<usize>,
}

impl Fresh {
    pub(super) const fn of(item: Requirement, about: Option<usize>) -> Self {
        Self {
            item,
            about,
            between: Vec::new(),
        }
    }
}

/// What rules read in a text.
pub(super) fn read(text: &Text, renew: Renew) -> Vec<Fresh> {
    let origin = match text.attachment {
        Some(_) => Origin::Attachment,
        None => Origin::Vision,
    };
    match &text.content {
        Content::Prose(prose) => of_prose(prose, text.attachment.as_ref(), origin),
        Content::Operations(operations) => {
            of_operations(operations, text.attachment.as_ref(), origin)
        }
        Content::Code(survey) => of_code(survey, renew, text.attachment.as_ref(), origin),
    }
}

fn of_prose(prose: &str, attachment: Option<&String>, origin: Origin) -> Vec<Fresh> {
    let sentences = reading::read(prose);
    let draft = drafted(&sentences);
    let unheard = unheard(&sentences, &draft);
    let mut found = Vec::with_capacity(draft.items.len() + unheard.len());
    let mut asked_about = None;
    let Draft { items } = draft;
    for item in items {
        let about = match (&item.asks, asked_about) {
            (Some(Asks::Number { .. } | Asks::Whether), Some((start, key)))
                if start == item.source.start =>
            {
                Some(key)
            }
            (_, _) => None,
        };
        if item.asks.is_none() {
            asked_about = Some((item.source.start, found.len()));
        }
        found.push(Fresh::of(requirement(item, attachment, origin), about));
    }
    let mut ids = Ids::default();
    for source in unheard {
        let key = ids.next(ItemKind::OpenQuestion, &source.sentence, 0);
        let text = format!("What is meant by “{}”?", tidied(&source.sentence));
        let item = Item {
            id: key,
            kind: ItemKind::OpenQuestion,
            text,
            source,
            asks: Some(Asks::Decision),
        };
        found.push(Fresh::of(requirement(item, attachment, origin), None));
    }
    found
}

fn of_operations(
    operations: &[Operation],
    attachment: Option<&String>,
    origin: Origin,
) -> Vec<Fresh> {
    let mut ids = Ids::default();
    let items = operations.iter().enumerate().map(|(at, operation)| {
        let text = match operation.summary.as_str() {
            "" => format!("The API answers `{}`", operation.name),
            summary => format!("The API answers `{}`: {summary}", operation.name),
        };
        let is_deprecated = operation.summary.starts_with(DEPRECATED);
        let mut fresh = Fresh::of(
            requirement(
                Item {
                    id: ids.next(ItemKind::Functional, &operation.name, 0),
                    kind: ItemKind::Functional,
                    text,
                    source: Source {
                        sentence: operation.name.clone(),
                        index: at + 1,
                        ..Source::default()
                    },
                    asks: None,
                },
                attachment,
                origin,
            ),
            None,
        );
        // The operations are the interface that is asked for, whatever words their summaries use.
        fresh.item.priority = match is_deprecated {
            true => Priority::Could,
            false => Priority::Must,
        };
        fresh
    });
    items.collect()
}

pub(super) fn requirement(item: Item, attachment: Option<&String>, origin: Origin) -> Requirement {
    let Item {
        id: key,
        kind,
        text,
        mut source,
        asks,
    } = item;
    source.attachment = attachment.cloned();
    let key = match attachment {
        Some(name) => format!("{name}/{key}"),
        None => key,
    };
    let vague_word = match asks {
        Some(Asks::Number { word }) => Some(word),
        Some(Asks::Answer | Asks::Decision | Asks::Whether) | None => None,
    };
    Requirement {
        id: String::new(),
        priority: advice::priority(kind, &text),
        kind,
        text,
        source,
        mvp: None,
        origin,
        key,
        about: None,
        vague_word,
        answer: None,
        edited: false,
        between: Vec::new(),
    }
}
