//! Turns a vision (free text) into requirements by rules alone: the same text always gives the same
//! items, each of which stands on one sentence that it cites; and keeps versions of them.
//!
//! **Invariant:** an item depends on its own sentence and the nearest heading, on nothing else. No item
//! may be derived from what a vision leaves out, and no wording may be shared by unrelated visions.

mod advice;
mod blocks;
mod classify;
mod clauses;
mod cues;
mod document;
mod evidence;
mod headings;
mod id;
mod item;
mod lines;
mod measures;
mod openapi;
mod propose;
mod reading;
mod sentences;
mod verbs;
mod wording;
mod words;

#[cfg(test)]
mod laws;
#[cfg(test)]
mod samples;
#[cfg(test)]
pub(crate) mod visions;

pub(crate) use advice::{is_generic, is_negative, stem};
pub use document::{
    Answer, ArchitectureOption, Change, Changed, Content, Difference, Document, Edit, EditFault,
    FieldChange, Finding, FindingKind, LONGEST_TEXT, MOST_EDITS, Mvp, Operation, Origin, Priority,
    Removed, Requirement, Support, Text, WordChange, difference, propose_document,
};
pub use item::{Draft, Item, ItemKind, Source};
pub use openapi::{OpenApiError, is_openapi, operations};
pub use propose::propose;
pub(crate) use wording::is_invisible_direction;
pub(crate) use words::{Lexicon, Word, words};
