//! Importing existing code: a commit of a project's repository, or an archive, is looked through within
//! bounds and kept as what was found in it. No file of it is ever written out, and nothing of it is run.

mod archive;
mod meant;
mod repository;
mod scratch;
mod take;

pub(super) use archive::{code_in, media_type, named};
pub use take::{import, latest, list, show};

use orch_core::survey::Survey;
use orch_core::time::Timestamp;

/// Removes what imports of servers that are gone left on disk. Blocks.
pub(crate) fn remove_left() {
    match scratch::remove_left(&std::env::temp_dir()) {
        Ok(0) => {}
        Ok(folders) => tracing::info!(folders, "removed what imports had left on disk"),
        Err(error) => tracing::warn!(
            error = &error as &dyn std::error::Error,
            "what imports left on disk cannot be looked for"
        ),
    }
}

/// The day that versions are judged for.
pub(super) fn today(now: Timestamp) -> String {
    now.to_string().chars().take(10).collect()
}

/// The survey as it is stored.
fn written(survey: &Survey) -> String {
    serde_json::to_string(survey).expect("invariant: a survey serialises")
}
