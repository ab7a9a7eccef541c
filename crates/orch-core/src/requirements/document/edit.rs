//! Edits of a document by a person. All of them hold, or none; each fault is named with the edit.

use serde::{Deserialize, Serialize};

use crate::seen::seen;

use super::super::advice;
use super::super::item::{ItemKind, Source};
use super::answering::{self, Settled};
use super::build::next_id;
use super::derive::derive;
use super::model::{Answer, Document, Mvp, Origin, Priority, Removed, Requirement};

/// The longest text of an item, in characters.
pub const LONGEST_TEXT: usize = 4_000;
/// The most edits at once.
pub const MOST_EDITS: usize = 1_000;
/// The most items of a document that edits may add to.
pub const MOST_ITEMS: usize = 20_000;

/// One edit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Edit {
    /// Adds an item.
    Add {
        kind: ItemKind,
        text: String,
        priority: Option<Priority>,
        mvp: Option<bool>,
    },
    /// Changes what is given of an item.
    Change {
        id: String,
        text: Option<String>,
        kind: Option<ItemKind>,
        priority: Option<Priority>,
        mvp: Option<bool>,
    },
    /// Removes an item for good.
    Remove { id: String },
    /// Answers an open question.
    Answer { id: String, answer: String },
    /// Leaves an open question open, on purpose.
    Skip { id: String },
    /// Chooses an architecture; none takes the choice back.
    Choose { option: Option<String> },
}

/// An edit that cannot be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditFault {
    /// Which edit, from 0.
    pub at: usize,
    /// Its field.
    pub field: &'static str,
    /// What is wrong, and what is expected.
    pub message: String,
}

impl Document {
    /// The document after `edits` by `author`.
    ///
    /// # Errors
    /// Every fault: an item that is not there, a text that is empty or too long, a question that is none.
    pub fn edited(&self, edits: &[Edit], author: &str) -> Result<Self, Vec<EditFault>> {
        let mut document = self.clone();
        let mut faults = Vec::new();
        if edits.is_empty() || edits.len() > MOST_EDITS {
            faults.push(EditFault {
                at: 0,
                field: "op",
                message: format!(
                    "there are {} edits; expected 1 to {MOST_EDITS}",
                    edits.len()
                ),
            });
            return Err(faults);
        }
        for (at, edit) in edits.iter().enumerate() {
            if let Err((field, message)) = document.apply(edit, author) {
                faults.push(EditFault { at, field, message });
            }
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        derive(&mut document);
        Ok(document)
    }

    fn apply(&mut self, edit: &Edit, author: &str) -> Result<(), Fault> {
        match edit {
            Edit::Add {
                kind,
                text,
                priority,
                mvp,
            } => {
                if self.items.len() >= MOST_ITEMS {
                    return Err((
                        "op",
                        format!("there are {MOST_ITEMS} items, and no more fit"),
                    ));
                }
                let text = line(text).map_err(|message| ("text", message))?;
                let mut item = added(*kind, text, Origin::Edit);
                item.priority = priority.unwrap_or(item.priority);
                item.mvp = mvp.map(|included| by_person(included, author));
                self.add(item);
            }
            Edit::Change {
                id,
                text,
                kind,
                priority,
                mvp,
            } => {
                let text = text
                    .as_deref()
                    .map(line)
                    .transpose()
                    .map_err(|message| ("text", message))?;
                let item = self.item_mut(id)?;
                if text.is_none() && kind.is_none() && priority.is_none() && mvp.is_none() {
                    return Err((
                        "op",
                        format!("changes nothing of {id}: give text, kind, priority or mvp"),
                    ));
                }
                item.edited |= text.is_some() || kind.is_some() || priority.is_some();
                item.text = text.unwrap_or_else(|| item.text.clone());
                item.kind = kind.unwrap_or(item.kind);
                item.priority = priority.unwrap_or(item.priority);
                if let Some(included) = mvp {
                    item.mvp = Some(by_person(*included, author));
                }
            }
            Edit::Remove { id } => {
                self.item_mut(id)?;
                let gone = self.items.iter().position(|item| &item.id == id);
                let gone = gone.expect("invariant: the item was just found");
                let item = self.items.remove(gone);
                self.removed.push(Removed {
                    id: item.id,
                    key: item.key,
                });
            }
            Edit::Answer { id, answer } => {
                let answer = line(answer).map_err(|message| ("answer", message))?;
                let question = self.question_mut(id)?;
                question.answer = Some(Answer {
                    text: Some(answer.clone()),
                    by: author.to_owned(),
                });
                let question = question.clone();
                self.take_answer(&question, &answer, author);
            }
            Edit::Skip { id } => {
                self.question_mut(id)?.answer = Some(Answer {
                    text: None,
                    by: author.to_owned(),
                });
                self.forget_answer(id);
            }
            Edit::Choose { option } => {
                if let Some(name) = option
                    && !self.options.iter().any(|known| &known.name == name)
                {
                    let known: Vec<&str> = self
                        .options
                        .iter()
                        .map(|known| known.name.as_str())
                        .collect();
                    let expected = match known.as_slice() {
                        [] => "none is proposed".to_owned(),
                        known => format!("expected one of {}", known.join(", ")),
                    };
                    return Err(("option", format!("there is no option {name}; {expected}")));
                }
                self.chosen_option.clone_from(option);
            }
        }
        Ok(())
    }

    fn add(&mut self, mut item: Requirement) {
        item.id = next_id(&mut self.next_number);
        item.key = format!("edit/{}", item.id);
        self.items.push(item);
    }

    /// An answer settles what was asked: it rules out the other side of a contradiction, or becomes an item
    /// that says what it is an answer to, so that what is planned knows of it.
    fn take_answer(&mut self, question: &Requirement, answer: &str, author: &str) {
        self.forget_answer(&question.id);
        if self.rule_out_by(question, answer, author) == Settled::BySide {
            return;
        }
        let about = question
            .about
            .as_ref()
            .and_then(|id| self.items.iter().find(|item| &item.id == id));
        let Some((kind, text)) = answering::item_of(question, about, answer) else {
            return;
        };
        let mut item = added(kind, text, Origin::Answer);
        item.about = Some(question.id.clone());
        self.add(item);
    }

    fn forget_answer(&mut self, question: &str) {
        self.items.retain(|item| {
            item.origin != Origin::Answer || item.about.as_deref() != Some(question)
        });
        self.take_back(question);
    }

    fn item_mut(&mut self, id: &str) -> Result<&mut Requirement, Fault> {
        let is_removed = self.removed.iter().any(|removed| removed.id == id);
        self.items
            .iter_mut()
            .find(|item| item.id == id)
            .ok_or_else(|| {
                let message = match is_removed {
                    true => format!("{id} was removed; an id is never used again"),
                    false => format!("there is no item {id} in this version"),
                };
                ("id", message)
            })
    }

    fn question_mut(&mut self, id: &str) -> Result<&mut Requirement, Fault> {
        let item = self.item_mut(id)?;
        match item.kind {
            ItemKind::OpenQuestion => Ok(item),
            kind => Err((
                "id",
                format!(
                    "{id} is no open question but {}; change it instead",
                    kind.name()
                ),
            )),
        }
    }
}

type Fault = (&'static str, String);

fn by_person(included: bool, author: &str) -> Mvp {
    Mvp {
        included,
        reason: format!("{author} decided so"),
        by_person: true,
        by_model: false,
    }
}

fn added(kind: ItemKind, text: String, origin: Origin) -> Requirement {
    Requirement {
        id: String::new(),
        kind,
        priority: advice::priority(kind, &text),
        text,
        source: Source::default(),
        mvp: None,
        origin,
        key: String::new(),
        about: None,
        vague_word: None,
        answer: None,
        edited: true,
        between: Vec::new(),
    }
}

/// A text on one line, within its bounds.
fn line(text: &str) -> Result<String, String> {
    let text: String = seen(text).collect();
    let line: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect();
    let line = line.join(" ");
    let length = line.chars().count();
    if length == 0 {
        return Err("must not be empty".to_owned());
    }
    if length > LONGEST_TEXT {
        return Err(format!(
            "has {length} characters; at most {LONGEST_TEXT} fit"
        ));
    }
    Ok(line)
}
