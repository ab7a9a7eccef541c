//! From texts to a document: what the sentences give, with the ids of the version before, and then
//! what follows from the items ([`derive`]).

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::survey::{Renew, Survey, modernizing, statements};

use super::super::advice::{self, RuleItem};
use super::super::id::Ids;
use super::super::item::{Asks, Draft, Item, ItemKind, Source};
use super::super::propose::{propose, unheard};
use super::super::wording::tidied;
use super::matching::{Known, matches};
use super::model::{Document, Finding, FindingKind, Origin, Requirement};

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
    let mut fresh: Vec<Fresh> = Vec::new();
    let renew = renewal(texts);
    for text in texts {
        let before = fresh.len();
        fresh.extend(read(text, renew).into_iter().map(|item| Fresh {
            about: item.about.map(|at| before + at),
            ..item
        }));
    }
    let old: Vec<&Requirement> = before
        .iter()
        .filter(|item| matches!(item.origin, Origin::Vision | Origin::Attachment))
        .collect();
    let known: Vec<Known<'_>> = old.iter().map(|item| Known::of(item)).collect();
    let wanted: Vec<Known<'_>> = fresh.iter().map(|fresh| Known::of(&fresh.item)).collect();
    let matched = matches(&known, &wanted);
    drop(wanted);
    let mut ids: Vec<Option<String>> = Vec::with_capacity(fresh.len());
    for (fresh, matched) in fresh.into_iter().zip(matched) {
        let mut item = fresh.item;
        if removed.contains(&item.key) {
            ids.push(None);
            continue;
        }
        match matched.map(|at| old[at]) {
            Some(old) => take_over(&mut item, old),
            None => item.id = next_id(&mut document.next_number),
        }
        ids.push(Some(item.id.clone()));
        item.about = fresh.about.and_then(|at| ids.get(at).cloned().flatten());
        document.items.push(item);
    }
    let carried = before
        .iter()
        .filter(|item| match item.origin {
            Origin::Edit | Origin::Answer | Origin::Rules => true,
            Origin::Vision | Origin::Attachment => false,
        })
        .cloned();
    document.items.extend(carried);
    derive(&mut document);
    document
}

/// Gives the next id of the project.
pub(super) fn next_id(next_number: &mut u64) -> String {
    let id = format!("R-{next_number}");
    *next_number += 1;
    id
}

/// What persons did to the item stays.
fn take_over(item: &mut Requirement, old: &Requirement) {
    item.id.clone_from(&old.id);
    item.edited = old.edited;
    if old.edited {
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
struct Fresh {
    item: Requirement,
    about: Option<usize>,
}

/// Whether any of the texts asks for existing code to be renewed.
fn renewal(texts: &[Text]) -> Renew {
    let asks = texts.iter().any(|text| match &text.content {
        Content::Prose(prose) => modernizing(prose),
        Content::Operations(_) | Content::Code(_) => false,
    });
    match asks {
        true => Renew::Asked,
        false => Renew::NotAsked,
    }
}

fn read(text: &Text, renew: Renew) -> Vec<Fresh> {
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
    let draft = propose(prose);
    let unheard = unheard(prose, &draft);
    let mut found = Vec::with_capacity(draft.items.len() + unheard.len());
    let mut asked_about = None;
    let Draft { items } = draft;
    for item in items {
        let about = match (&item.asks, asked_about) {
            (Some(Asks::Number { .. }), Some((start, key))) if start == item.source.start => {
                Some(key)
            }
            (_, _) => None,
        };
        if item.asks.is_none() {
            asked_about = Some((item.source.start, found.len()));
        }
        found.push(Fresh {
            item: requirement(item, attachment, origin),
            about,
        });
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
        found.push(Fresh {
            item: requirement(item, attachment, origin),
            about: None,
        });
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
        Fresh {
            item: requirement(
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
            about: None,
        }
    });
    items.collect()
}

fn of_code(
    survey: &Survey,
    renew: Renew,
    attachment: Option<&String>,
    origin: Origin,
) -> Vec<Fresh> {
    let mut ids = Ids::default();
    let items = statements(survey, renew).into_iter().enumerate();
    let items = items.map(|(at, statement)| {
        // Counts change with every commit, and what they are of does not.
        let name = statement.text.split(" (").next().unwrap_or_default();
        let item = Item {
            id: ids.next(statement.kind, name, 0),
            kind: statement.kind,
            text: statement.text,
            source: Source {
                sentence: statement.cites,
                index: at + 1,
                ..Source::default()
            },
            asks: None,
        };
        Fresh {
            item: requirement(item, attachment, origin),
            about: None,
        }
    });
    items.collect()
}

fn requirement(item: Item, attachment: Option<&String>, origin: Origin) -> Requirement {
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
        Some(Asks::Answer | Asks::Decision) | None => None,
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
    }
}

/// Works out anew what follows from the items: questions about contradictions, risks, options, the cut
/// of the first version, findings. What persons said to it stays.
pub(super) fn derive(document: &mut Document) {
    drop_settled_questions(document);
    let (mut old, items): (Vec<_>, Vec<_>) = std::mem::take(&mut document.items)
        .into_iter()
        .partition(|item| item.origin == Origin::Rules);
    document.items = items;
    document.options = advice::options(&document.items);
    if let Some(chosen) = &document.chosen_option
        && !document.options.iter().any(|option| &option.name == chosen)
    {
        document.chosen_option = None;
    }
    let contradictions = advice::contradictions(&document.items);
    let mut asked = Vec::with_capacity(contradictions.len());
    let from_rules = contradictions
        .iter()
        .map(|found| found.question.clone())
        .chain(advice::risks(&document.items))
        .chain(advice::gaps(&document.items, &document.options));
    let from_rules: Vec<RuleItem> = from_rules.collect();
    for (at, rule) in from_rules.into_iter().enumerate() {
        let is_removed = document.removed.iter().any(|gone| gone.key == rule.key);
        let id = if is_removed {
            None
        } else {
            let item = match old.iter().position(|item| item.key == rule.key) {
                Some(known) => rule.renew(old.remove(known)),
                None => rule.into_requirement(next_id(&mut document.next_number)),
            };
            let id = item.id.clone();
            document.items.push(item);
            Some(id)
        };
        if at < contradictions.len() {
            asked.push(id);
        }
    }
    // What a person edited or answered stays, though its reason may be gone.
    document.items.extend(
        old.into_iter()
            .filter(|item| item.edited || item.answer.is_some()),
    );
    advice::cut_mvp(&mut document.items);
    document.findings = findings(document, contradictions, asked);
}

/// A question about a vague word has no object once the word or its item is gone.
fn drop_settled_questions(document: &mut Document) {
    let texts: HashMap<String, (bool, String)> = document
        .items
        .iter()
        .map(|item| (item.id.clone(), (item.edited, item.text.to_lowercase())))
        .collect();
    document.items.retain(|item| {
        let (Some(word), Some(about)) = (&item.vague_word, &item.about) else {
            return true;
        };
        item.answer.is_some()
            || texts
                .get(about)
                .is_some_and(|(edited, text)| !edited || text.contains(word.as_str()))
    });
}

fn findings(
    document: &Document,
    contradictions: Vec<advice::Contradiction>,
    asked: Vec<Option<String>>,
) -> Vec<Finding> {
    let by_id: HashMap<&str, &Requirement> = document
        .items
        .iter()
        .map(|item| (item.id.as_str(), item))
        .collect();
    let is_answered = |id: &Option<String>| {
        id.as_ref()
            .is_none_or(|id| by_id.get(id.as_str()).is_none_or(|q| q.answer.is_some()))
    };
    let mut found: Vec<Finding> = contradictions
        .into_iter()
        .zip(asked)
        .map(|(contradiction, question)| Finding {
            kind: FindingKind::Contradiction,
            message: contradiction.message,
            sentences: contradiction.sentences,
            items: contradiction.items,
            resolved: is_answered(&question),
            question,
        })
        .collect();
    for question in &document.items {
        let Some(word) = &question.vague_word else {
            continue;
        };
        let about = question.about.as_deref().and_then(|id| by_id.get(id));
        let text = about.map_or(question.text.as_str(), |item| item.text.as_str());
        found.push(Finding {
            kind: FindingKind::Vagueness,
            message: format!("“{word}” in “{text}” wants a number"),
            items: question.about.iter().cloned().collect(),
            sentences: vec![question.source.sentence.clone()],
            question: Some(question.id.clone()),
            resolved: question.answer.is_some(),
        });
    }
    found
}
