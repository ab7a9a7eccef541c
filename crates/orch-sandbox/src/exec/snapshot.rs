//! Snapshots of a workspace between its steps, outside of the steps' reach.
//!
//! A file that did not change since the last snapshot is shared with that, by its change time, which
//! no step can set; all else is copied. Nothing is followed out of the workspace. The newest two
//! stay: one may have been made for a step whose end was never told.

use std::{
    collections::HashMap,
    fs::{self, DirBuilder, File, FileTimes, OpenOptions, Permissions},
    io::{self, Read},
    os::unix::fs::{
        DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown, lchown, symlink,
    },
    path::{Path, PathBuf},
};

use nix::{fcntl::OFlag, unistd::geteuid};
use walkdir::WalkDir;

use super::{
    Copied, CopyLimits, RunFolder, WorkspaceError,
    copy::walk_error,
    workspace::{io_error, remove_tree},
};

const SNAPSHOTS: &str = "snapshots";
/// Snapshots that stay.
const KEPT: usize = 2;

/// What says that a file is as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Same {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Same {
    fn of(metadata: &fs::Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

/// The snapshots of one run's folder.
#[derive(Debug)]
pub struct Snapshots {
    folder: PathBuf,
    work: PathBuf,
    limits: CopyLimits,
    /// The newest one, and how the files stood that it was made of.
    last: Option<(PathBuf, HashMap<PathBuf, Same>)>,
}

impl Snapshots {
    /// Those of this folder, none of which may grow beyond `limits`.
    #[must_use]
    pub fn of(folder: &RunFolder, limits: CopyLimits) -> Self {
        Self {
            folder: place(folder.path()),
            work: folder.work(),
            limits,
            last: None,
        }
    }

    /// Keeps the workspace as it is after a step. Nothing of the run may be running.
    ///
    /// # Errors
    /// When it is larger than the limits, or cannot be copied; earlier snapshots stay.
    pub fn take(&mut self, step: u32) -> Result<Copied, WorkspaceError> {
        make(&self.folder)?;
        let new = self.folder.join("new");
        remove_tree(&new)?;
        let known = self.last.as_ref();
        let (copied, same) = match copy(&self.work, &new, self.limits, known) {
            Ok(done) => done,
            Err(error) => {
                // The error that matters is the first one.
                let _ = remove_tree(&new);
                return Err(error);
            }
        };
        let path = self.folder.join(step.to_string());
        remove_tree(&path)?;
        fs::rename(&new, &path).map_err(io_error("rename", &new))?;
        let mut all = numbered(&self.folder);
        all.sort_unstable();
        for old in all.iter().rev().skip(KEPT) {
            remove_tree(&self.folder.join(old.to_string()))?;
        }
        self.last = Some((path, same));
        Ok(copied)
    }

    /// Puts the workspace back to how it was after a step; whether there is a snapshot of that.
    ///
    /// # Errors
    /// When it cannot be copied back; it can be tried again then.
    pub fn restore(&self, step: u32) -> Result<bool, WorkspaceError> {
        let snapshot = self.folder.join(step.to_string());
        if !snapshot.is_dir() {
            return Ok(false);
        }
        let new = self.work.with_extension("new");
        remove_tree(&new)?;
        copy(&snapshot, &new, CopyLimits::NONE, None)?;
        remove_tree(&self.work)?;
        fs::rename(&new, &self.work).map_err(io_error("rename", &new))?;
        Ok(true)
    }
}

/// Where the snapshots of a run's folder lie.
pub(super) fn place(folder: &Path) -> PathBuf {
    folder.join(SNAPSHOTS)
}

fn numbered(folder: &Path) -> Vec<u32> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    names.collect()
}

fn make(folder: &Path) -> Result<(), WorkspaceError> {
    let mut builder = DirBuilder::new();
    builder.recursive(true).mode(0o700);
    builder
        .create(folder)
        .map_err(io_error("create folder", folder))
}

type Done = (Copied, HashMap<PathBuf, Same>);

/// Copies a tree with modes, times and, as root, owners.
fn copy(
    from: &Path,
    to: &Path,
    limits: CopyLimits,
    known: Option<&(PathBuf, HashMap<PathBuf, Same>)>,
) -> Result<Done, WorkspaceError> {
    let mut copied = Copied::default();
    let mut same = HashMap::new();
    let mut folders = Vec::new();
    for entry in WalkDir::new(from) {
        let entry = entry.map_err(|error| walk_error(from, error))?;
        let relative = entry.path().strip_prefix(from).unwrap_or(Path::new(""));
        let target = to.join(relative);
        let metadata = entry
            .metadata()
            .map_err(|error| walk_error(entry.path(), error))?;
        copied.entries += 1;
        if copied.entries > limits.max_entries {
            return Err(WorkspaceError::TooManyEntries {
                source_root: from.to_owned(),
                max_entries: limits.max_entries,
            });
        }
        let kind = metadata.file_type();
        if kind.is_dir() {
            make(&target)?;
            folders.push((target, metadata));
        } else if kind.is_symlink() {
            let aim = fs::read_link(entry.path()).map_err(io_error("read", entry.path()))?;
            symlink(aim, &target).map_err(io_error("create", &target))?;
            own(&target, &metadata)?;
        } else if kind.is_file() {
            copied.bytes = copied.bytes.saturating_add(metadata.len());
            if copied.bytes > limits.max_bytes {
                return Err(WorkspaceError::TooManyBytes {
                    source_root: from.to_owned(),
                    max_bytes: limits.max_bytes,
                    at: entry.path().to_owned(),
                });
            }
            let now = Same::of(&metadata);
            let shared = known.filter(|(_, known)| known.get(relative) == Some(&now));
            let is_shared =
                shared.is_some_and(|(last, _)| fs::hard_link(last.join(relative), &target).is_ok());
            if !is_shared {
                copy_file(entry.path(), &target, &metadata)?;
            }
            same.insert(relative.to_owned(), now);
        } else {
            copied.skipped += 1;
        }
    }
    // Inner ones first: a folder without the right to write takes nothing more.
    for (target, metadata) in folders.into_iter().rev() {
        own(&target, &metadata)?;
        let mode = Permissions::from_mode(metadata.mode() & 0o1777);
        fs::set_permissions(&target, mode).map_err(io_error("set permissions of", &target))?;
    }
    Ok((copied, same))
}

fn copy_file(from: &Path, to: &Path, metadata: &fs::Metadata) -> Result<(), WorkspaceError> {
    let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
    let source = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits())
        .open(from);
    let mut source = source.map_err(io_error("open", from))?;
    let target = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(to);
    let mut target = target.map_err(io_error("create", to))?;
    let most = metadata.len();
    let written = io::copy(&mut Read::by_ref(&mut source).take(most), &mut target);
    written.map_err(io_error("write", to))?;
    finish_file(&target, metadata).map_err(io_error("finish", to))
}

fn finish_file(target: &File, metadata: &fs::Metadata) -> io::Result<()> {
    if geteuid().is_root() {
        fchown(target, Some(metadata.uid()), Some(metadata.gid()))?;
    }
    target.set_permissions(Permissions::from_mode(metadata.mode() & 0o777))?;
    target.set_times(FileTimes::new().set_modified(metadata.modified()?))
}

fn own(path: &Path, metadata: &fs::Metadata) -> Result<(), WorkspaceError> {
    if !geteuid().is_root() {
        return Ok(());
    }
    lchown(path, Some(metadata.uid()), Some(metadata.gid()))
        .map_err(io_error("set the owner of", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: CopyLimits = CopyLimits {
        max_bytes: 1 << 20,
        max_entries: 100,
    };

    fn tree(top: &Path) -> Vec<(PathBuf, u32, String)> {
        let entries = WalkDir::new(top)
            .sort_by_file_name()
            .into_iter()
            .map(Result::unwrap);
        entries
            .map(|entry| {
                let metadata = entry.metadata().unwrap();
                let content = match metadata.is_file() {
                    true => fs::read_to_string(entry.path()).unwrap(),
                    false => String::new(),
                };
                let relative = entry.path().strip_prefix(top).unwrap().to_owned();
                (relative, metadata.mode(), content)
            })
            .collect()
    }

    #[test]
    fn a_half_changed_workspace_is_put_back_to_how_it_was_after_a_step() {
        let top = tempfile::tempdir().unwrap();
        let folder = RunFolder::create(top.path(), 1, 1).unwrap();
        let work = folder.work();
        fs::create_dir(work.join("sub")).unwrap();
        fs::write(work.join("sub/a"), "one").unwrap();
        fs::write(work.join("tool"), "#!/bin/sh").unwrap();
        fs::set_permissions(work.join("tool"), Permissions::from_mode(0o755)).unwrap();
        symlink("/etc/hostname", work.join("link")).unwrap();
        let mut snapshots = Snapshots::of(&folder, SMALL);
        snapshots.take(1).unwrap();
        let before = tree(&work);

        fs::write(work.join("sub/a"), "half").unwrap();
        fs::remove_file(work.join("tool")).unwrap();
        fs::remove_file(work.join("link")).unwrap();
        fs::write(work.join("new"), "x").unwrap();
        // A new process knows what lies on disk alone.
        let again = Snapshots::of(&folder, SMALL);
        assert!(again.restore(1).unwrap());
        assert_eq!(tree(&work), before);
        assert!(!again.restore(2).unwrap());
    }

    #[test]
    fn unchanged_files_are_shared_between_snapshots_and_changed_ones_are_not() {
        let top = tempfile::tempdir().unwrap();
        let folder = RunFolder::create(top.path(), 1, 1).unwrap();
        let work = folder.work();
        fs::write(work.join("stays"), "s").unwrap();
        fs::write(work.join("goes"), "1").unwrap();
        let mut snapshots = Snapshots::of(&folder, SMALL);
        snapshots.take(1).unwrap();
        // The same size, and the time of modification set back: the time of change tells.
        let modified = fs::metadata(work.join("goes")).unwrap().modified().unwrap();
        fs::write(work.join("goes"), "2").unwrap();
        let file = OpenOptions::new()
            .write(true)
            .open(work.join("goes"))
            .unwrap();
        file.set_modified(modified).unwrap();
        snapshots.take(2).unwrap();
        let at = |step: &str, name: &str| place(folder.path()).join(step).join(name);
        let inode = |path: PathBuf| fs::metadata(path).unwrap().ino();
        assert_eq!(inode(at("1", "stays")), inode(at("2", "stays")));
        assert_ne!(inode(at("2", "stays")), inode(work.join("stays")));
        assert_eq!(fs::read_to_string(at("1", "goes")).unwrap(), "1");
        assert_eq!(fs::read_to_string(at("2", "goes")).unwrap(), "2");
        snapshots.take(3).unwrap();
        assert!(!at("1", "").exists() && at("2", "").exists());
    }

    #[test]
    fn what_is_too_large_is_not_kept_and_leaves_earlier_ones_alone() {
        let top = tempfile::tempdir().unwrap();
        let folder = RunFolder::create(top.path(), 1, 1).unwrap();
        let mut snapshots = Snapshots::of(&folder, SMALL);
        snapshots.take(1).unwrap();
        fs::write(folder.work().join("large"), vec![0; 2 << 20]).unwrap();
        let error = snapshots.take(2).unwrap_err();
        assert!(
            matches!(error, WorkspaceError::TooManyBytes { .. }),
            "{error}"
        );
        assert!(snapshots.restore(1).unwrap());
        assert!(!folder.work().join("large").exists());
    }
}
