//! The data of a requirements document: items with ids that stay, and what was read off them. Holds no
//! rules about language.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::super::item::{ItemKind, Source};
use super::super::words::words;

/// A version of a project's requirements, as a person approves it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// The items, in the order in which they are shown.
    #[serde(default)]
    pub items: Vec<Requirement>,
    /// Ways to build it, the best supported first.
    #[serde(default)]
    pub options: Vec<ArchitectureOption>,
    /// The name of the option that a person chose.
    #[serde(default)]
    pub chosen_option: Option<String>,
    /// What contradicts itself, and what is too vague to build.
    #[serde(default)]
    pub findings: Vec<Finding>,
    /// The number of the next new item of the project: a number is never given twice.
    #[serde(default = "first_number")]
    pub next_number: u64,
    /// What persons removed: no later proposal brings it back.
    #[serde(default)]
    pub removed: Vec<Removed>,
    /// Whether a model made the proposal that this stands on.
    #[serde(default, skip_serializing_if = "is_no")]
    pub by_model: bool,
}

impl Default for Document {
    fn default() -> Self {
        Self {
            items: Vec::new(),
            options: Vec::new(),
            chosen_option: None,
            findings: Vec::new(),
            next_number: first_number(),
            removed: Vec::new(),
            by_model: false,
        }
    }
}

const fn first_number() -> u64 {
    1
}

/// One requirement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requirement {
    /// `R-12`: the same in every version of the project.
    pub id: String,
    /// What kind of need it states.
    pub kind: ItemKind,
    /// The need: one line of plain text, not Markdown.
    pub text: String,
    /// The sentence it rests on.
    #[serde(default)]
    pub source: Source,
    /// How much it is wanted.
    #[serde(default)]
    pub priority: Priority,
    /// Whether the first version has it, and why; none for what is not built.
    #[serde(default)]
    pub mvp: Option<Mvp>,
    /// Who or what brought it in.
    #[serde(default)]
    pub origin: Origin,
    /// What a later proposal knows it by: a hash of kind and sentence.
    #[serde(default)]
    pub key: String,
    /// The item that a question asks about, or the question that this answers.
    #[serde(default)]
    pub about: Option<String>,
    /// The vague word that a question wants a number for.
    #[serde(default)]
    pub vague_word: Option<String>,
    /// What a person said to the question.
    #[serde(default)]
    pub answer: Option<Answer>,
    /// Whether a person changed it: proposals then leave its words alone.
    #[serde(default)]
    pub edited: bool,
    /// The items that a question of a model sets against each other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub between: Vec<String>,
}

impl Requirement {
    /// Whether it is a question that nobody has answered or skipped.
    pub fn is_unanswered(&self) -> bool {
        self.kind == ItemKind::OpenQuestion && self.answer.is_none()
    }

    /// Whether nothing but a model says it: no sentence of the vision is cited, and no person changed it.
    pub fn is_only_of_model(&self) -> bool {
        self.origin == Origin::Model && self.source.sentence.is_empty() && !self.edited
    }

    /// The sentence that it cites; none where it cites none, or where a person gave it words that the
    /// sentence does not have.
    pub fn cited_sentence(&self) -> Option<&str> {
        let sentence = self.source.sentence.as_str();
        if sentence.is_empty() {
            return None;
        }
        if self.edited {
            let said: HashSet<String> =
                words(sentence).into_iter().map(|word| word.lower).collect();
            let mut own = words(&self.text).into_iter();
            if !own.all(|word| said.contains(&word.lower)) {
                return None;
            }
        }
        Some(sentence)
    }

    /// The sentence that says it, else its own words.
    pub fn said(&self) -> &str {
        self.cited_sentence().unwrap_or(&self.text)
    }

    /// Whether it was wanted and is not any more: an answer chose against it.
    pub fn is_ruled_out(&self) -> bool {
        self.priority == Priority::Wont && self.kind != ItemKind::OutOfScope
    }

    /// Whether a person changed it, answered it or decided on its version.
    pub(super) fn is_touched(&self) -> bool {
        self.edited || self.answer.is_some() || self.mvp.as_ref().is_some_and(|mvp| mvp.by_person)
    }
}

/// How much an item is wanted.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// Nothing is accepted without it.
    Must,
    /// Wanted, but a release may come without it.
    #[default]
    Should,
    /// Nice to have.
    Could,
    /// Not this time.
    Wont,
}

impl Priority {
    /// Every priority, the highest first.
    pub const ALL: [Self; 4] = [Self::Must, Self::Should, Self::Could, Self::Wont];

    /// Its name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Must => "must",
            Self::Should => "should",
            Self::Could => "could",
            Self::Wont => "wont",
        }
    }

    /// The priority of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|priority| priority.name() == name)
    }
}

/// Whether an item belongs to the first version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mvp {
    /// Whether the first version has it.
    pub included: bool,
    /// The rule, or the person, that says so.
    pub reason: String,
    /// Whether a person decided it.
    #[serde(default)]
    pub by_person: bool,
    /// Whether a model did: the reason is the model's.
    #[serde(default, skip_serializing_if = "is_no")]
    pub by_model: bool,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the shape that serde calls"
)]
const fn is_no(value: &bool) -> bool {
    !*value
}

/// Where an item comes from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A sentence of the vision.
    #[default]
    Vision,
    /// An attachment of the vision.
    Attachment,
    /// A person, by an edit.
    Edit,
    /// A person, by answering a question.
    Answer,
    /// A rule over other items, such as two that contradict each other.
    Rules,
    /// A model: the words are its own. Where its citation does not stand in the texts, it cites nothing.
    Model,
}

impl Origin {
    /// Its name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Vision => "vision",
            Self::Attachment => "attachment",
            Self::Edit => "edit",
            Self::Answer => "answer",
            Self::Rules => "rules",
            Self::Model => "model",
        }
    }
}

/// What became of a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The answer; none where the person skipped the question.
    pub text: Option<String>,
    /// Who answered.
    pub by: String,
}

/// One way to build what the items ask for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchitectureOption {
    /// A short name, for example `saas-monolith`.
    pub name: String,
    /// The name as people say it.
    pub title: String,
    /// What it consists of.
    pub summary: String,
    /// What speaks for it.
    pub strengths: Vec<String>,
    /// What speaks against it.
    pub trade_offs: Vec<String>,
    /// The words that it rests on, and where they stand.
    pub rests_on: Vec<Support>,
    /// Whether a model proposes it, and not a blueprint.
    #[serde(default, skip_serializing_if = "is_no")]
    pub by_model: bool,
}

/// A word that speaks for an option.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Support {
    /// The word as it is written, lower case.
    pub word: String,
    /// The item that says it.
    pub item: String,
    /// The sentence that it stands in, or the item's text where it has none.
    pub sentence: String,
}

/// Something that is named rather than papered over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What is wrong.
    pub kind: FindingKind,
    /// What is wrong, in words.
    pub message: String,
    /// The items that it is about.
    pub items: Vec<String>,
    /// Their sentences, as written.
    pub sentences: Vec<String>,
    /// The open question that asks a person about it.
    pub question: Option<String>,
    /// Whether a person answered or skipped that question.
    pub resolved: bool,
}

/// What may be wrong with items.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// Two items demand different numbers for one measure, or opposite things.
    Contradiction,
    /// A word that can only be checked with a number.
    Vagueness,
}

impl FindingKind {
    /// Its name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Contradiction => "contradiction",
            Self::Vagueness => "vagueness",
        }
    }
}

/// An item that a person removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removed {
    /// Its id, which nothing else gets.
    pub id: String,
    /// What a proposal would know it by.
    pub key: String,
}
