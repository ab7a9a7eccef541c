//! The requirements document: what a person reads, edits, compares and approves. Ids of items stay over
//! versions and are never given twice.
//!
//! **Invariant:** everything here is a function of the texts, the version before and the edits.

mod build;
mod diff;
mod digest;
mod edit;
mod markdown;
mod matching;
mod model;
mod word_diff;

#[cfg(test)]
mod tests;

pub use build::{Content, Operation, Text, propose_document};
pub use diff::{Changed, Difference, FieldChange, difference};
pub use edit::{Edit, EditFault, LONGEST_TEXT, MOST_EDITS};
pub use model::{
    Answer, ArchitectureOption, Document, Finding, FindingKind, Mvp, Origin, Priority, Removed,
    Requirement, Support,
};
pub use word_diff::{Change, WordChange};
