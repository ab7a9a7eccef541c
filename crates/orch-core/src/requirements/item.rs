//! The draft's data: what an item says, what kind of need it is, and where in the vision it stands.
//! Holds no rules about language.

use serde::{Deserialize, Serialize};

/// What kind of need an item states.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemKind {
    /// What is to be achieved, and why.
    Goal,
    /// A capability or part that belongs to the product.
    Scope,
    /// What is deliberately left out, or left for later.
    OutOfScope,
    /// A limit that every solution has to keep: technology, money, dates, rules.
    Constraint,
    /// A quality: speed, availability, security, privacy, accessibility and the like.
    NonFunctional,
    /// How one will know that it worked.
    SuccessCriterion,
    /// What a person still has to decide or put a number on.
    OpenQuestion,
}

impl ItemKind {
    /// Every kind, in the order in which a draft lists them.
    pub const ALL: [Self; 7] = [
        Self::Goal,
        Self::Scope,
        Self::OutOfScope,
        Self::Constraint,
        Self::NonFunctional,
        Self::SuccessCriterion,
        Self::OpenQuestion,
    ];

    /// The kind's name on the wire, for example `out_of_scope`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Goal => "goal",
            Self::Scope => "scope",
            Self::OutOfScope => "out_of_scope",
            Self::Constraint => "constraint",
            Self::NonFunctional => "non_functional",
            Self::SuccessCriterion => "success_criterion",
            Self::OpenQuestion => "open_question",
        }
    }

    /// The heading of the kind's section in a draft.
    pub const fn section(self) -> &'static str {
        match self {
            Self::Goal => "Goals",
            Self::Scope => "Scope",
            Self::OutOfScope => "Out of scope",
            Self::Constraint => "Constraints",
            Self::NonFunctional => "Non-functional needs",
            Self::SuccessCriterion => "Success criteria",
            Self::OpenQuestion => "Open questions",
        }
    }
}

/// One proposed requirement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Stable name: `R-` and 12 hex digits of kind and sentence; a repeated sentence adds `-2`, `-3`, ….
    pub id: String,
    /// What kind of need it states.
    pub kind: ItemKind,
    /// The need in the sentence's own words: one line of plain text, not Markdown.
    pub text: String,
    /// The sentence it came from.
    pub source: Source,
}

/// The place in the vision that an item cites.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The sentence as written, line breaks included.
    pub sentence: String,
    /// The sentence's number in the vision, from 1.
    pub index: usize,
    /// First byte of the sentence in the vision.
    pub start: usize,
    /// First byte after the sentence in the vision.
    pub end: usize,
}

/// Proposed requirements, in the order of the sentences they came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// Always `Proposed Requirements`.
    pub title: String,
    /// The items, in the order of their sentences.
    pub items: Vec<Item>,
}
