//! The requirements document: what a person reads, edits, compares and approves. Ids of items stay over
//! versions and are never given twice.
//!
//! **Invariant:** everything here is a function of the texts, the version before and the edits.

mod answering;
mod bounds;
mod build;
mod cited;
mod derive;
mod diff;
mod digest;
mod dropped;
mod edit;
mod existing;
mod markdown;
mod matching;
mod material;
mod merge;
mod model;
mod replies;
mod suggested;
mod word_diff;

#[cfg(test)]
mod merge_tests;
#[cfg(test)]
mod plain_tests;
#[cfg(test)]
mod reply_tests;
#[cfg(test)]
mod tests;

pub use bounds::{MOST_ITEMS, TooManyItems};
#[cfg(test)]
pub use build::propose_document;
pub use build::{Content, Operation, Text, try_propose_document};
pub use diff::{Changed, Difference, FieldChange, difference};
pub use edit::{Edit, EditFault, LONGEST_TEXT, MOST_EDITS};
pub(crate) use material::fenced;
pub use material::{LARGEST_MATERIAL_BYTES, Material, MaterialTooLarge, material};
#[cfg(test)]
pub use merge::document_of_model;
pub use merge::try_document_of_model;
pub use model::{
    Answer, ArchitectureOption, Document, Finding, FindingKind, Mvp, Origin, Priority, Removed,
    Requirement, Support,
};
pub use suggested::{
    Suggested, SuggestedCite, SuggestedContradiction, SuggestedItem, SuggestedMvp, SuggestedOption,
    SuggestedVagueness,
};
pub(crate) use suggested::{cleaned, slug};
pub use word_diff::{Change, WordChange};
