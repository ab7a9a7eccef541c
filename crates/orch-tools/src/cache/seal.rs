//! Making a tool read-only, and noticing cheaply that it was changed.
//!
//! The mark is taken over names, kinds, modes, sizes and times, not over contents: whoever changes a
//! content changes its time as well, unless they mean to hide it, for which there is the full check.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write as _},
    os::unix::fs::{MetadataExt, PermissionsExt, lchown},
    path::Path,
};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use walkdir::WalkDir;

use orch_archive::check_links;

use super::CacheError;
use crate::Digest;

/// Written last: with it the tool is installed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Seal {
    pub(super) mark: Digest,
    pub(super) bytes: u64,
}

/// What was found in a folder.
pub(super) struct Contents {
    pub(super) files: u64,
    pub(super) bytes: u64,
    pub(super) digests: BTreeMap<String, Digest>,
}

fn relative(top: &Path, path: &Path) -> String {
    let inside = path.strip_prefix(top).unwrap_or(path);
    inside.to_string_lossy().into_owned()
}

fn walk(top: &Path) -> impl Iterator<Item = Result<walkdir::DirEntry, CacheError>> {
    WalkDir::new(top)
        .sort_by_file_name()
        .into_iter()
        .map(move |entry| {
            entry.map_err(|error| {
                let path = error.path().unwrap_or(Path::new(".")).to_owned();
                CacheError::io("read", &path)(io::Error::from(error))
            })
        })
}

/// Takes every right to write away, and refuses what no tool may hold.
pub(super) fn close(top: &Path) -> Result<Contents, CacheError> {
    let mut contents = Contents {
        files: 0,
        bytes: 0,
        digests: BTreeMap::new(),
    };
    let mut links = BTreeMap::new();
    let owner = nix::unistd::geteuid().is_root().then_some(0);
    let mut folders = Vec::new();
    for entry in walk(top) {
        let entry = entry?;
        let path = entry.path();
        let name = relative(top, path);
        let found = fs::symlink_metadata(path).map_err(CacheError::io("read", path))?;
        lchown(path, owner, owner).map_err(CacheError::io("take", path))?;
        if found.is_dir() {
            folders.push(path.to_owned());
        } else if found.is_symlink() {
            let target = fs::read_link(path).map_err(CacheError::io("read", path))?;
            let target = target.to_string_lossy().into_owned();
            let inside = Path::new(&target).strip_prefix(top).ok();
            // A step may have linked to the folder by its whole path.
            let up = "../".repeat(name.matches('/').count());
            let target =
                inside.map_or(target.clone(), |inside| format!("{up}{}", inside.display()));
            links.insert(
                name.split('/').map(str::to_owned).collect::<Vec<_>>(),
                target,
            );
        } else if found.is_file() {
            let mode = if found.mode() & 0o111 != 0 {
                0o555
            } else {
                0o444
            };
            set_mode(path, mode)?;
            let digest = Digest::of_file(path).map_err(CacheError::io("read", path))?;
            contents.files += 1;
            contents.bytes += found.len();
            contents.digests.insert(name, digest);
        } else {
            return Err(CacheError::Refused {
                entry: name,
                why: "is no file, folder or link".to_owned(),
            });
        }
    }
    if let Err((path, why)) = check_links(&links) {
        return Err(CacheError::Refused {
            entry: path.join("/"),
            why,
        });
    }
    for folder in folders {
        set_mode(&folder, 0o555)?;
    }
    Ok(contents)
}

/// Takes the right to write from the folder and what is known of the tool; its files are closed
/// already.
pub(super) fn close_top(folder: &Path) -> Result<(), CacheError> {
    for found in fs::read_dir(folder).map_err(CacheError::io("read", folder))? {
        let path = found.map_err(CacheError::io("read", folder))?.path();
        if path.is_file() {
            set_mode(&path, 0o444)?;
        }
    }
    set_mode(folder, 0o555)
}

/// Gives the right to write back, so that it can be removed.
pub(super) fn open(top: &Path) -> Result<(), CacheError> {
    let mut walk = WalkDir::new(top).into_iter();
    while let Some(entry) = walk.next() {
        match entry {
            Ok(entry) if entry.file_type().is_dir() => set_mode(entry.path(), 0o755)?,
            Ok(_) => {}
            // A folder that could not be read before its mode was set is of no tool of ours.
            Err(_) => walk.skip_current_dir(),
        }
    }
    Ok(())
}

fn set_mode(path: &Path, mode: u32) -> Result<(), CacheError> {
    let set = fs::set_permissions(path, fs::Permissions::from_mode(mode));
    set.map_err(CacheError::io("protect", path))
}

/// The mark of a folder as it is.
pub(super) fn mark(top: &Path) -> Result<Digest, CacheError> {
    let mut hash = Sha256::new();
    for entry in walk(top) {
        let entry = entry?;
        let path = entry.path();
        let found = fs::symlink_metadata(path).map_err(CacheError::io("read", path))?;
        let name = path.strip_prefix(top).unwrap_or(path);
        let (size, seconds, part) = match found.is_dir() {
            true => (0, 0, 0),
            false => (found.len(), found.mtime(), found.mtime_nsec()),
        };
        let written = write!(
            hash,
            "{:?} {:o} {size} {seconds}.{part} {}",
            name,
            found.mode(),
            found.nlink() * u64::from(!found.is_dir())
        );
        written.map_err(CacheError::io("read", path))?;
        if found.is_symlink() {
            let target = fs::read_link(path).map_err(CacheError::io("read", path))?;
            write!(hash, " {target:?}").map_err(CacheError::io("read", path))?;
        }
        hash.update([0]);
    }
    Ok(Digest::from_hash(hash))
}
