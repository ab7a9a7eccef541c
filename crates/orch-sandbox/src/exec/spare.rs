//! Folders of finished runs that were left empty, for the next runs: making and removing folders
//! costs a file system more than renaming them.
//!
//! At most a few lie under the root, beside those of runs. Only a folder that is as a new one would
//! be is kept; whatever a run left behind is never handed on.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use nix::unistd::geteuid;

/// How many are kept: about as many as runs may end and begin at once.
const MOST: usize = 16;

fn places(root: &Path) -> impl Iterator<Item = PathBuf> {
    (0..MOST).map(move |number| root.join(format!("spare-{number}")))
}

/// Whether a folder has these empty folders in it, `files` files and nothing else.
pub(super) fn is_as_new(folder: &Path, parts: &[&str], files: usize) -> bool {
    let count = |folder: &Path| fs::read_dir(folder).ok().map(Iterator::count);
    let mut parts_in = parts.iter().map(|part| folder.join(part));
    is_private(folder)
        && count(folder) == Some(parts.len() + files)
        && parts_in.all(|part| is_private(&part) && count(&part) == Some(0))
}

/// A folder of this user alone, and no link to one.
fn is_private(folder: &Path) -> bool {
    fs::symlink_metadata(folder).is_ok_and(|metadata| {
        let mode = metadata.permissions().mode() & 0o7777;
        metadata.is_dir() && mode == 0o700 && metadata.uid() == geteuid().as_raw()
    })
}

/// Keeps a folder that is as a new one and that nobody holds any more; whether there was room.
pub(super) fn keep(root: &Path, folder: &Path) -> bool {
    // A folder is not renamed over one with something in it.
    places(root).any(|place| fs::rename(folder, place).is_ok())
}

/// Puts a folder that was kept where there is none; whether there was one.
pub(super) fn take(root: &Path, folder: &Path) -> bool {
    places(root).any(|place| fs::rename(place, folder).is_ok())
}
