//! The run's folder: fresh, or the one of an interrupted attempt with what is known of its plan.
//!
//! A run goes on only in the folder it was interrupted in and with the very steps it had; without
//! both it starts over. Blocks on the file system.

use std::{
    fs,
    path::{Path, PathBuf},
};

use orch_api::proto::Assignment;
use orch_core::{plan::WorkspaceFacts, recipe::Step};
use orch_git::GitError;
use orch_sandbox::exec::{CopyLimits, RunFolder, WorkspaceError, list_files};

use super::source::Files;
use crate::kept;

/// How much of a workspace is copied.
const LIMITS: CopyLimits = CopyLimits {
    max_bytes: 10 << 30,
    max_entries: 1_000_000,
};

/// How many names of a workspace are looked at.
const MOST_NAMES: usize = 20_000;

/// What a fresh workspace begins with.
pub(super) enum Fill {
    Nothing,
    /// The agent's own folder.
    Copy(PathBuf),
    Commit(Files),
}

/// Why a folder could not be made.
#[derive(Debug, thiserror::Error)]
pub(super) enum PrepareError {
    #[error(transparent)]
    Folder(#[from] WorkspaceError),
    #[error(transparent)]
    Git(#[from] GitError),
}

/// A run's folder and how it came about.
pub(super) struct Prepared {
    pub(super) folder: RunFolder,
    pub(super) origin: Origin,
}

/// Where a run begins.
pub(super) enum Origin {
    /// At its first step.
    Fresh,
    /// At its first step, although it had done some before: their results are gone.
    Over,
    /// After what it has done; these are its steps.
    GoesOn(Vec<Step>),
    /// With what was said to a coding agent before.
    Conversation,
}

/// What the folder of an interrupted attempt is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Earlier {
    Nothing,
    Steps,
    Conversation,
}

impl Earlier {
    /// Of a folder whose steps may go on, or not.
    pub(super) fn of(may_go_on: bool) -> Self {
        match may_go_on {
            true => Self::Steps,
            false => Self::Nothing,
        }
    }
}

impl PrepareError {
    /// Whether somebody is still in the folder.
    pub(super) fn is_in_use(&self) -> bool {
        matches!(self, Self::Folder(WorkspaceError::InUse { .. }))
    }

    /// Whether the disk was full.
    pub(super) fn is_no_space(&self) -> bool {
        match self {
            Self::Git(error) => error.is_no_space(),
            Self::Folder(WorkspaceError::Io { source, .. }) => {
                source.kind() == std::io::ErrorKind::StorageFull
            }
            Self::Folder(_) => false,
        }
    }
}

/// Makes the folder of a run, or takes the one up that it was interrupted in, where it may go on
/// with the steps kept there.
pub(super) fn prepare(
    root: &Path,
    assignment: &Assignment,
    fill: &Fill,
    good_for: impl Fn(&RunFolder, &[Step]) -> Earlier,
) -> Result<Prepared, PrepareError> {
    let run_id = assignment.run_id;
    let is_first = assignment.steps_done.is_empty();
    if assignment.epoch > 1
        && let Some(folder) = RunFolder::reopen(root, run_id)?
        && let Some(steps) = read_plan(&folder)
    {
        let origin = match good_for(&folder, &steps) {
            Earlier::Steps if !is_first => Some(Origin::GoesOn(steps)),
            Earlier::Conversation => Some(Origin::Conversation),
            Earlier::Steps | Earlier::Nothing => None,
        };
        if let Some(origin) = origin {
            kept::forget(&folder);
            return Ok(Prepared { folder, origin });
        }
    }
    while let Some(stale) = RunFolder::reopen(root, run_id)? {
        stale.remove()?;
    }
    let epoch = i64::try_from(assignment.epoch).unwrap_or(i64::MAX);
    let folder = RunFolder::create(root, run_id, epoch)?;
    let filled = match fill {
        Fill::Nothing => Ok(()),
        Fill::Copy(source) => folder
            .fill_from(source, LIMITS)
            .map(drop)
            .map_err(Into::into),
        Fill::Commit(files) => files.lay_out(&folder.work()).map_err(Into::into),
    };
    if let Err(error) = filled {
        // What was copied is of no use; the error that matters is the first one.
        let _ = folder.remove();
        return Err(error);
    }
    let origin = match is_first {
        true => Origin::Fresh,
        false => Origin::Over,
    };
    Ok(Prepared { folder, origin })
}

/// Keeps the steps of a run for the case that it is interrupted.
pub(super) fn keep_plan(folder: &RunFolder, steps: &[Step]) -> std::io::Result<()> {
    let path = folder.plan();
    let new = path.with_extension("new");
    fs::write(&new, serde_json::to_vec(steps)?)?;
    fs::rename(&new, &path)
}

fn read_plan(folder: &RunFolder) -> Option<Vec<Step>> {
    let bytes = fs::read(folder.plan()).ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// What the planner may know of the workspace.
pub(super) fn facts(work: &Path) -> std::io::Result<WorkspaceFacts> {
    let mut facts = WorkspaceFacts::default();
    for name in list_files(work, WorkspaceFacts::LEVELS, MOST_NAMES)? {
        if name.ends_with('/') {
            continue;
        }
        let content = WorkspaceFacts::wants_content(&name)
            .then(|| read_small(&work.join(&name)))
            .flatten();
        facts.add(name, content);
    }
    Ok(facts)
}

fn read_small(path: &Path) -> Option<String> {
    // A symlink may lead out of the workspace.
    let metadata = fs::symlink_metadata(path).ok()?;
    let fits = metadata.is_file() && metadata.len() <= WorkspaceFacts::MAX_CONTENT_BYTES as u64;
    fits.then(|| fs::read_to_string(path).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assignment(epoch: u64, steps_done: &[u32]) -> Assignment {
        Assignment {
            run_id: 1,
            epoch,
            steps_done: steps_done.to_vec(),
            ..Assignment::default()
        }
    }

    #[test]
    fn a_run_goes_on_only_with_its_folder_and_its_steps() {
        let top = tempfile::tempdir().unwrap();
        let steps = vec![Step::command("make")];
        let begin = |epoch, steps_done: &[u32], may: bool| {
            prepare(
                top.path(),
                &assignment(epoch, steps_done),
                &Fill::Nothing,
                |_, _| Earlier::of(may),
            )
            .unwrap()
        };
        let first = begin(1, &[], true);
        assert!(matches!(first.origin, Origin::Fresh));
        fs::write(first.folder.work().join("made"), "").unwrap();
        drop(first);

        let no_plan = begin(2, &[1], true);
        assert!(matches!(no_plan.origin, Origin::Over));
        assert!(!no_plan.folder.work().join("made").exists());
        keep_plan(&no_plan.folder, &steps).unwrap();
        fs::write(no_plan.folder.work().join("made"), "").unwrap();
        drop(no_plan);

        let next = begin(3, &[1], true);
        assert!(matches!(&next.origin, Origin::GoesOn(kept) if *kept == steps));
        assert!(next.folder.work().join("made").exists());
        drop(next);

        let other_steps = begin(4, &[1], false);
        assert!(matches!(other_steps.origin, Origin::Over));
        assert!(!other_steps.folder.work().join("made").exists());
    }

    #[test]
    fn facts_hold_the_names_and_the_manifests_that_are_files() {
        let top = tempfile::tempdir().unwrap();
        let source = top.path().join("source");
        fs::create_dir_all(source.join("api")).unwrap();
        fs::write(source.join("Makefile"), "build:\n").unwrap();
        fs::write(source.join("api/go.mod"), "module x").unwrap();
        std::os::unix::fs::symlink("/etc/hostname", source.join("package.json")).unwrap();
        let root = top.path().join("runs");
        let fill = Fill::Copy(source);
        let prepared = prepare(&root, &assignment(1, &[]), &fill, |_, _| Earlier::Nothing).unwrap();
        let mut expected = WorkspaceFacts::default();
        expected.add("Makefile", Some("build:\n".to_owned()));
        expected.add("api/go.mod", None);
        expected.add("package.json", None);
        assert_eq!(facts(&prepared.folder.work()).unwrap(), expected);
    }
}
