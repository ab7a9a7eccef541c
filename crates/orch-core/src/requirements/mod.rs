//! Turns a vision (free text) into a draft of requirements by rules alone: the same text always gives
//! the same draft, and every item stands on one sentence that it cites.
//!
//! **Invariant:** an item depends on its own sentence and the nearest heading, on nothing else. No item
//! may be derived from what a vision leaves out, and no wording may be shared by unrelated visions.

mod blocks;
mod classify;
mod clauses;
mod cues;
mod evidence;
mod headings;
mod id;
mod item;
mod lines;
mod markdown;
mod measures;
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

pub use item::{Draft, Item, ItemKind, Source};
pub use propose::propose;
