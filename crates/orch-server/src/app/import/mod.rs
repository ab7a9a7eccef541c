//! Importing existing code: a commit of a project's repository, or an archive, is looked through within
//! bounds and kept as what was found in it. No file of it is ever written out, and nothing of it is run.

mod archive;
mod meant;
mod repository;
mod take;

pub(super) use archive::{code_in, media_type, named};
pub use take::{import, latest, list, show};

use orch_core::survey::Survey;
use orch_core::time::Timestamp;

/// The day that versions are judged for.
pub(super) fn today(now: Timestamp) -> String {
    now.to_string().chars().take(10).collect()
}

/// The survey as it is stored.
fn written(survey: &Survey) -> String {
    serde_json::to_string(survey).expect("invariant: a survey serialises")
}
