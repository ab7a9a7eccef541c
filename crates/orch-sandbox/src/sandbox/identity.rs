//! Unprivileged users for sandboxes of an agent that runs as root: one for each open cell, so that
//! no run can signal, read or starve another's processes.

use std::{
    collections::BTreeSet,
    fs, io,
    os::unix::fs::lchown,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use nix::unistd::{getegid, geteuid};
use walkdir::WalkDir;

use super::{SandboxError, error::io_error};
use crate::init::Identity;

/// The first user; those after it follow. Above the ranges that distributions and container
/// managers hand out.
const FIRST: u32 = 1_900_000_000;

/// Used by all where the agent's own user namespace does not know so many: `nobody`.
const NOBODY: u32 = 65534;

/// How many of them have a name in a sandbox.
const NAMED: u32 = 256;

/// The users and groups that a sandboxed command may have.
pub(super) fn possible() -> impl Iterator<Item = (u32, u32)> {
    let several = geteuid().is_root();
    let own = (!several).then(|| (geteuid().as_raw(), getegid().as_raw()));
    let many = several.then(|| (FIRST..FIRST + NAMED).chain([NOBODY]));
    own.into_iter()
        .chain(many.into_iter().flatten().map(|id| (id, id)))
}

/// Which users are taken.
#[derive(Debug, Clone, Default)]
pub(super) struct Identities(Arc<Mutex<BTreeSet<u32>>>);

/// A user that is taken; free again when dropped.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) identity: Identity,
    all: Identities,
}

impl Identities {
    /// A user for a new cell; none where the agent is unprivileged itself.
    pub(super) fn take(&self) -> Option<Taken> {
        if !geteuid().is_root() {
            return None;
        }
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let free = (FIRST..).find(|id| !taken.contains(id));
        let id = free.filter(|id| is_mapped(*id)).unwrap_or(NOBODY);
        taken.insert(id);
        Some(Taken {
            identity: Identity { uid: id, gid: id },
            all: self.clone(),
        })
    }
}

impl Taken {
    /// Whether nobody else has it.
    pub(super) fn is_alone(&self) -> bool {
        self.identity.uid != NOBODY
    }

    /// Gives the user all that lies in these folders. Nobody else may be writing there.
    pub(super) fn own(&self, folders: &[&Path]) -> Result<(), SandboxError> {
        let Identity { uid, gid } = self.identity;
        for folder in folders {
            for entry in WalkDir::new(folder).follow_links(false) {
                let entry = entry.map_err(io::Error::from);
                let entry = entry.map_err(io_error("read", *folder))?;
                let path = entry.path();
                lchown(path, Some(uid), Some(gid)).map_err(io_error("change owner of", path))?;
            }
        }
        Ok(())
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        let mut taken = self.all.0.lock().unwrap_or_else(PoisonError::into_inner);
        taken.remove(&self.identity.uid);
    }
}

/// Whether our user namespace knows this user and group.
fn is_mapped(id: u32) -> bool {
    ["/proc/self/uid_map", "/proc/self/gid_map"]
        .into_iter()
        .all(|file| {
            let map = fs::read_to_string(file).unwrap_or_default();
            map.lines().any(|line| covers(line, id))
        })
}

/// A line has the first number inside, the first outside, and how many.
fn covers(line: &str, id: u32) -> bool {
    let mut numbers = line.split_whitespace().map(str::parse::<u64>);
    match (numbers.next(), numbers.nth(1)) {
        (Some(Ok(first)), Some(Ok(count))) => (first..first + count).contains(&u64::from(id)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_covers_what_lies_in_its_range() {
        assert!(covers("         0          0 4294967295", FIRST));
        assert!(!covers("0 100000 65536", FIRST));
        assert!(covers("0 100000 65536", 65535));
        assert!(!covers("nonsense", 0));
    }
}
