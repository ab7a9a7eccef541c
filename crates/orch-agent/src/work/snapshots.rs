//! The workspace as it was after each step, for a run that goes on after an interruption.
//!
//! Puts it back before the next step begins; what a person says was done stays as it is.

use std::{collections::BTreeMap, sync::Arc};

use orch_sandbox::exec::{CopyLimits, RunFolder, Snapshots};

use super::{once::Word, steps::Run};
use crate::text::chain;

/// The most files and folders of a snapshot.
const SNAPSHOT_ENTRIES: u64 = 200_000;

impl Run<'_> {
    /// The snapshots of a run, whose workspace is put back to how it was after the last step that is
    /// done: the next one may have changed half of it.
    pub(super) async fn snapshots(
        &self,
        folder: &RunFolder,
        said: &BTreeMap<u32, Word>,
    ) -> Result<Option<Arc<std::sync::Mutex<Option<Snapshots>>>>, String> {
        let max_bytes = self.config.workspaces.snapshot_bytes;
        if max_bytes == 0 {
            return Ok(None);
        }
        let limits = CopyLimits {
            max_bytes,
            max_entries: SNAPSHOT_ENTRIES,
        };
        let snapshots = Snapshots::of(folder, limits);
        let last = self.done().iter().max().copied();
        let Some(last) = last else {
            return Ok(Some(Arc::new(std::sync::Mutex::new(Some(snapshots)))));
        };
        // What a person says was done left its work in the folder as it is.
        let was_done = said.get(&(last + 1)) == Some(&Word::Done);
        let restored = tokio::task::spawn_blocking(move || {
            let restored = match was_done {
                true => Ok(false),
                false => snapshots.restore(last),
            };
            (snapshots, restored)
        });
        let (snapshots, restored) = restored.await.map_err(|error| error.to_string())?;
        let restored = restored.map_err(|error| {
            format!(
                "the workspace could not be put back to how it was after step {last}: {}",
                chain(&error)
            )
        })?;
        let line = match restored {
            true => format!("the workspace is as it was after step {last}"),
            false => "the workspace is as it was left".to_owned(),
        };
        self.job.log.system(&line).await;
        Ok(Some(Arc::new(std::sync::Mutex::new(Some(snapshots)))))
    }
}
