//! The draft's data: what an item says, what kind of need it is, and where in the vision it stands.
//! Holds no rules about language.

use serde::{Deserialize, Serialize};

/// What kind of need an item states.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemKind {
    /// What is to be achieved, and why.
    Goal,
    /// What the product does, or lets somebody do.
    Functional,
    /// A part that belongs to the product.
    Scope,
    /// What is deliberately left out, or left for later.
    OutOfScope,
    /// A limit that every solution has to keep: technology, money, dates, rules.
    Constraint,
    /// A quality: speed, availability, security, privacy, accessibility and the like.
    NonFunctional,
    /// How one will know that it worked.
    SuccessCriterion,
    /// What may go wrong.
    Risk,
    /// What a person still has to decide or put a number on.
    OpenQuestion,
}

impl ItemKind {
    /// Every kind, in the order in which a draft lists them.
    pub const ALL: [Self; 9] = [
        Self::Goal,
        Self::Functional,
        Self::Scope,
        Self::OutOfScope,
        Self::Constraint,
        Self::NonFunctional,
        Self::SuccessCriterion,
        Self::Risk,
        Self::OpenQuestion,
    ];

    /// The kind of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The kind's name on the wire, for example `out_of_scope`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Goal => "goal",
            Self::Functional => "functional",
            Self::Scope => "scope",
            Self::OutOfScope => "out_of_scope",
            Self::Constraint => "constraint",
            Self::NonFunctional => "non_functional",
            Self::SuccessCriterion => "success_criterion",
            Self::Risk => "risk",
            Self::OpenQuestion => "open_question",
        }
    }

    /// The heading of the kind's section in a draft.
    pub const fn section(self) -> &'static str {
        match self {
            Self::Goal => "Goals",
            Self::Functional => "Functional needs",
            Self::Scope => "Scope",
            Self::OutOfScope => "Out of scope",
            Self::Constraint => "Constraints",
            Self::NonFunctional => "Non-functional needs",
            Self::SuccessCriterion => "Success criteria",
            Self::Risk => "Risks",
            Self::OpenQuestion => "Open questions",
        }
    }
}

/// One need as a sentence gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// 12 hex digits of kind and sentence; a repeated sentence adds `-2`, `-3`, ….
    pub id: String,
    /// What kind of need it states.
    pub kind: ItemKind,
    /// The need in the sentence's own words: one line of plain text, not Markdown.
    pub text: String,
    /// The sentence it came from.
    pub source: Source,
    /// What it asks for, where it is a question.
    pub asks: Option<Asks>,
}

/// What an open question wants to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asks {
    /// What the vision itself asks.
    Answer,
    /// A decision that the vision leaves open.
    Decision,
    /// Whether a plain statement is to be built.
    Whether,
    /// The number that a vague word lacks.
    Number {
        /// The word as it is written, lower case.
        word: String,
    },
}

/// The place in the vision, or in one of its attachments, that an item cites. An item that a person
/// added, or that rules derived from others, cites nothing: its sentence is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The sentence as written, line breaks included.
    pub sentence: String,
    /// The sentence's number in its text, from 1.
    pub index: usize,
    /// First byte of the sentence in its text.
    pub start: usize,
    /// First byte after the sentence in its text.
    pub end: usize,
    /// The attachment's name, where it is not the vision itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attachment: Option<String>,
}

/// What a text needs, in the order of the sentences.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Draft {
    /// The items, in the order of their sentences.
    pub items: Vec<Item>,
}
