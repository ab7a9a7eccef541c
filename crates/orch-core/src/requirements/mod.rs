//! Turns a vision (free text) into requirements by rules alone: the same text always gives the same
//! items, each of which stands on one sentence that it cites; and keeps versions of them. What a model proposes
//! is merged by rules too: it is never believed where the text does not say it.
//!
//! **Invariant:** an item depends on its own sentence and the nearest heading, on nothing else. No item
//! may be derived from what a vision leaves out, and no wording may be shared by unrelated visions.

mod advice;
mod blocks;
mod classify;
mod clauses;
mod cues;
mod dates;
mod document;
mod evidence;
mod headings;
mod id;
mod item;
mod lines;
mod lookup;
mod measures;
mod openapi;
mod permission;
mod propose;
mod question;
mod reading;
mod sentences;
mod telling;
mod verbs;
mod wording;
mod words;

#[cfg(test)]
mod laws;
#[cfg(test)]
mod plain_visions;
#[cfg(test)]
mod samples;
#[cfg(test)]
pub(crate) mod visions;

pub(crate) use advice::{is_generic, is_negative, stem};
pub use document::{
    Answer, ArchitectureOption, Change, Changed, Content, Difference, Document, Edit, EditFault,
    FieldChange, Finding, FindingKind, LARGEST_MATERIAL_BYTES, LONGEST_TEXT, MOST_EDITS, Material,
    MaterialTooLarge, Mvp, Operation, Origin, Priority, Removed, Requirement, Suggested,
    SuggestedCite, SuggestedContradiction, SuggestedItem, SuggestedMvp, SuggestedOption,
    SuggestedVagueness, Support, Text, WordChange, difference, document_of_model, material,
    propose_document,
};
pub(crate) use document::{cleaned, fenced, slug};
pub use item::{Draft, Item, ItemKind, Source};
pub use openapi::{OpenApiError, is_openapi, operations};
pub use propose::propose;
pub use question::QuestionId;
pub(crate) use words::{Lexicon, Word, words};
