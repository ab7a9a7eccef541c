//! Workspaces that stay after a failure: for a time, within a number of bytes, oldest first to go.
//!
//! Secrets, home and temporary files never stay. What stays says in a file of its own until when, so
//! that the next agent knows, too. All of it blocks on the file system.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use jiff::Timestamp;
use orch_git::size_bytes;
use orch_sandbox::exec::{RunFolder, remove_all, remove_if_there};
use serde::{Deserialize, Serialize};

use crate::clock::Now;

const NOTE: &str = "kept.json";

/// What is known of a workspace that stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    pub run_id: i64,
    pub work_item_id: i64,
    pub reason: String,
    #[serde(with = "instant")]
    pub since: Timestamp,
    #[serde(with = "instant")]
    pub until: Timestamp,
}

/// As RFC 3339.
mod instant {
    use jiff::Timestamp;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(at: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(at)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Timestamp, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map_err(D::Error::custom)
    }
}

/// A workspace that stayed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Kept {
    #[serde(flatten)]
    pub note: Note,
    /// The workspace itself.
    pub workspace: PathBuf,
    pub bytes: u64,
    #[serde(skip)]
    folder: PathBuf,
}

/// How much stays, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keeping {
    /// Nothing stays where it is zero.
    pub time: Duration,
    pub max_bytes: u64,
}

/// Whether there is something worth keeping.
pub(crate) fn is_worth_keeping(folder: &RunFolder, keeping: Keeping) -> bool {
    let has_files = fs::read_dir(folder.work()).is_ok_and(|mut entries| entries.next().is_some());
    !keeping.time.is_zero() && has_files
}

/// Says in the folder that it stays.
pub(crate) fn note(folder: &RunFolder, note: &Note) -> io::Result<()> {
    let new = folder.path().join("kept.new");
    fs::write(&new, serde_json::to_vec(note)?)?;
    fs::rename(new, folder.path().join(NOTE))
}

/// A run goes on in the folder after all.
pub(crate) fn forget(folder: &RunFolder) {
    // Mostly there is none.
    let _ = fs::remove_file(folder.path().join(NOTE));
}

/// Whether a folder stays.
pub(crate) fn is_kept(folder: &Path) -> bool {
    folder.join(NOTE).is_file()
}

/// Leaves of a folder what stays.
pub(crate) fn strip(folder: RunFolder) {
    let gone = [
        folder.secrets(),
        folder.home(),
        folder.tmp(),
        folder.snapshots(),
    ];
    for part in gone {
        if let Err(error) = remove_if_there(&part) {
            tracing::warn!(path = %part.display(), %error, "failed to remove a part of a kept folder");
        }
    }
}

/// All that stayed under the folder of runs, oldest first.
pub fn list(runs: &Path) -> Vec<Kept> {
    let folders = |folder: &Path| {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).collect::<Vec<_>>()
    };
    let epochs = folders(runs).into_iter().flat_map(|run| folders(&run));
    let mut kept: Vec<Kept> = epochs
        .filter_map(|folder| {
            let note = serde_json::from_slice(&fs::read(folder.join(NOTE)).ok()?).ok()?;
            Some(Kept {
                note,
                workspace: folder.join("work"),
                bytes: size_bytes(&folder),
                folder,
            })
        })
        .collect();
    kept.sort_by_key(|kept| (kept.note.since, kept.note.run_id));
    kept
}

/// The upkeep of what stayed.
#[derive(Debug, Clone)]
pub(crate) struct Upkeep {
    pub(crate) runs: PathBuf,
    pub(crate) keeping: Keeping,
    pub(crate) now: Now,
}

impl Upkeep {
    /// Removes what need not stay.
    pub(crate) fn run(&self) {
        upkeep(&self.runs, self.keeping, (self.now)());
    }
}

/// Removes what is past its time, then the oldest until the rest fits.
fn upkeep(runs: &Path, keeping: Keeping, now: Timestamp) {
    let (past, mut rest): (Vec<Kept>, Vec<Kept>) = list(runs)
        .into_iter()
        .partition(|kept| kept.note.until <= now);
    past.iter().for_each(remove);
    let mut bytes: u64 = rest.iter().map(|kept| kept.bytes).sum();
    rest.reverse();
    while bytes > keeping.max_bytes
        && let Some(oldest) = rest.pop()
    {
        bytes -= oldest.bytes;
        remove(&oldest);
    }
}

/// Removes the oldest; whether there was one.
pub(crate) fn remove_oldest(runs: &Path) -> bool {
    let kept = list(runs);
    kept.first().inspect(|oldest| remove(oldest)).is_some()
}

fn remove(kept: &Kept) {
    match remove_all(&kept.folder) {
        Ok(()) => {
            tracing::info!(run.id = kept.note.run_id, path = %kept.folder.display(), "removed a kept workspace");
        }
        Err(error) => {
            tracing::warn!(path = %kept.folder.display(), %error, "failed to remove a kept workspace");
        }
    }
    if let Some(run) = kept.folder.parent() {
        // Other epochs of the run may be there still.
        let _ = fs::remove_dir(run);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    fn failed(runs: &Path, run_id: i64, since: i64) -> PathBuf {
        let folder = RunFolder::create(runs, run_id, 1).unwrap();
        fs::write(folder.work().join("file"), vec![1; 64 << 10]).unwrap();
        fs::write(folder.home().join("token"), "hush").unwrap();
        folder.secret_file("key", b"hush").unwrap();
        let path = folder.path().to_owned();
        note(
            &folder,
            &Note {
                run_id,
                work_item_id: 1,
                reason: "exit 1".to_owned(),
                since: at(since),
                until: at(since + 100),
            },
        )
        .unwrap();
        strip(folder);
        path
    }

    const KEEPING: Keeping = Keeping {
        time: Duration::from_secs(100),
        max_bytes: 200 << 10,
    };

    #[test]
    fn a_kept_folder_holds_its_workspace_and_no_secret_until_its_time() {
        let top = tempfile::tempdir().unwrap();
        let path = failed(top.path(), 7, 0);
        assert!(path.join("work/file").exists());
        assert!(!path.join("home").exists() && !path.join("secrets").exists());
        upkeep(top.path(), KEEPING, at(99));
        assert_eq!(list(top.path()).len(), 1);
        upkeep(top.path(), KEEPING, at(100));
        assert!(list(top.path()).is_empty() && !path.exists());
    }

    #[test]
    fn the_oldest_go_first_when_there_is_too_much() {
        let top = tempfile::tempdir().unwrap();
        for run in 1..=5 {
            failed(top.path(), run, run);
        }
        upkeep(top.path(), KEEPING, at(50));
        let left: Vec<i64> = list(top.path())
            .iter()
            .map(|kept| kept.note.run_id)
            .collect();
        assert_eq!(left.last(), Some(&5));
        assert!(left.len() < 5 && !left.contains(&1), "{left:?}");
        assert!(remove_oldest(top.path()));
    }
}
