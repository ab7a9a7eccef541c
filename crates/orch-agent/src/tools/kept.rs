//! The lock that a run keeps: what it was resolved to once is what it goes on with.

use std::{fs, io, path::PathBuf};

use orch_sandbox::exec::RunFolder;
use orch_tools::{Lock, Range, Version, Want};

fn path(folder: &RunFolder) -> PathBuf {
    folder.path().join("tools.lock.json")
}

/// The lock of an interrupted attempt, where it holds all that is wanted.
pub(super) fn read(folder: &RunFolder, wants: &[Want]) -> Option<Lock> {
    let lock = Lock::parse(&fs::read_to_string(path(folder)).ok()?).ok()?;
    let holds = |want: &Want| {
        let range = Range::parse(want.range.as_deref().unwrap_or_default()).ok();
        lock.tools.iter().any(|tool| {
            let version = Version::parse(&tool.version);
            let fits = match (&range, version) {
                (Some(range), Some(version)) => range.holds(&version),
                _ => want
                    .range
                    .as_deref()
                    .is_none_or(|range| range == tool.version),
            };
            tool.name == want.name && fits
        })
    };
    wants.iter().all(holds).then_some(lock)
}

/// Keeps a lock with the run.
pub(super) fn write(folder: &RunFolder, lock: &Lock) -> io::Result<()> {
    fs::write(path(folder), lock.to_json())
}
