//! Turns a vision (free text) into requirements by rules alone: the same text always gives the same
//! items, each of which stands on one sentence that it cites; and keeps versions of them. What a model proposes
//! is merged by rules too: it is never believed where the text does not say it.
//!
//! **Invariant:** an item depends on its own sentence and the nearest heading, on nothing else. No item
//! may be derived from what a vision leaves out, and no wording may be shared by unrelated visions.

mod advice;
mod afterthoughts;
mod blocks;
mod classify;
mod clauses;
mod cues;
mod dates;
mod deeds;
mod deferral;
mod document;
mod evidence;
mod happenings;
mod headings;
mod id;
mod item;
mod lines;
mod lookup;
mod mail;
mod measures;
mod openapi;
mod permission;
mod propose;
mod question;
mod reading;
mod sentences;
mod telling;
mod unsettled;
mod verbs;
mod wishes;
mod wording;
mod words;

#[cfg(test)]
mod laws;
#[cfg(test)]
mod plain_claims;
#[cfg(test)]
mod plain_visions;
#[cfg(test)]
mod samples;
#[cfg(test)]
pub(crate) mod visions;

pub(crate) use advice::{is_generic, stem};
#[cfg(test)]
pub use document::propose_document;
pub use document::{
    Answer, ArchitectureOption, Change, Changed, Content, Difference, Document, Edit, EditFault,
    FieldChange, Finding, FindingKind, LARGEST_MATERIAL_BYTES, LONGEST_TEXT, MOST_EDITS,
    MOST_ITEMS, Material, MaterialTooLarge, Mvp, Operation, Origin, Priority, Removed, Requirement,
    Suggested, SuggestedCite, SuggestedContradiction, SuggestedItem, SuggestedMvp, SuggestedOption,
    SuggestedVagueness, Support, Text, TooManyItems, WordChange, difference, material,
    try_document_of_model, try_propose_document,
};
pub(crate) use document::{cleaned, fenced, slug};
pub use item::{Draft, Item, ItemKind, Source};
pub use openapi::{OpenApiError, is_openapi, operations};
pub use propose::propose;
pub use question::QuestionId;
pub(crate) use words::{Gap, Lexicon, Word, words};
