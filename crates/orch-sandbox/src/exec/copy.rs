//! Copying a source workspace into a run's folder.
//!
//! Regular files, folders and symlinks alone; symlinks stay symlinks and are never followed, so
//! that nothing from outside the source comes in. Bounded in bytes and entries. Never changes the
//! source.

use std::{
    fs::{self, DirBuilder, File, FileTimes, Metadata, OpenOptions, Permissions},
    io::{self, Read},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt, symlink},
    path::{Path, PathBuf},
};

use nix::fcntl::OFlag;
use walkdir::{DirEntry, WalkDir};

use super::{WorkspaceError, workspace::io_error};

/// How much may be copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CopyLimits {
    /// Bytes of all files together.
    pub max_bytes: u64,
    /// Files, folders and symlinks together.
    pub max_entries: u64,
}

impl CopyLimits {
    /// As much as there is.
    pub const NONE: Self = Self {
        max_bytes: u64::MAX,
        max_entries: u64::MAX,
    };
}

/// What was copied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Copied {
    /// Bytes of all files together.
    pub bytes: u64,
    /// Files, folders and symlinks together.
    pub entries: u64,
    /// Sockets, pipes and devices, which were left out.
    pub skipped: u64,
}

/// Copies what `source` holds into the folder `target`, leaving out `without` (where the copy
/// itself lies, should that be inside the source). Permissions but set-user-id bits are kept, and
/// times of modification, so that build tools do not start over.
pub(super) fn copy_tree(
    source: &Path,
    target: &Path,
    without: &Path,
    limits: CopyLimits,
) -> Result<Copied, WorkspaceError> {
    let source = fs::canonicalize(source).map_err(io_error("open workspace", source))?;
    if !source.is_dir() {
        return Err(WorkspaceError::SourceNotAFolder { path: source });
    }
    let mut copy = Copy {
        source: &source,
        target,
        limits,
        copied: Copied::default(),
        folders: Vec::new(),
    };
    let entries = WalkDir::new(&source)
        .min_depth(1)
        .follow_links(false)
        .into_iter()
        .filter_entry(|entry| entry.path() != without);
    for entry in entries {
        copy.entry(&entry.map_err(|error| walk_error(&source, error))?)?;
    }
    copy.finish()
}

struct Copy<'a> {
    source: &'a Path,
    target: &'a Path,
    limits: CopyLimits,
    copied: Copied,
    folders: Vec<(PathBuf, Permissions)>,
}

impl Copy<'_> {
    fn entry(&mut self, entry: &DirEntry) -> Result<(), WorkspaceError> {
        let from = entry.path();
        let relative = from
            .strip_prefix(self.source)
            .expect("invariant: a walk stays under its root");
        let to = self.target.join(relative);
        let kind = entry.file_type();
        if !(kind.is_dir() || kind.is_file() || kind.is_symlink()) {
            self.copied.skipped += 1;
            return Ok(());
        }
        self.copied.entries += 1;
        if self.copied.entries > self.limits.max_entries {
            return Err(WorkspaceError::TooManyEntries {
                source_root: self.source.to_owned(),
                max_entries: self.limits.max_entries,
            });
        }
        if kind.is_symlink() {
            let link = fs::read_link(from).map_err(io_error("read symlink", from))?;
            symlink(link, &to).map_err(io_error("create symlink", &to))
        } else if kind.is_dir() {
            let metadata = entry.metadata().map_err(|error| walk_error(from, error))?;
            self.folder(to, &metadata)
        } else {
            self.file(from, &to)
        }
    }

    /// Its permissions come last: a folder may be read-only.
    fn folder(&mut self, to: PathBuf, metadata: &Metadata) -> Result<(), WorkspaceError> {
        DirBuilder::new()
            .mode(0o700)
            .create(&to)
            .map_err(io_error("create folder", &to))?;
        self.folders.push((to, kept(metadata)));
        Ok(())
    }

    fn file(&mut self, from: &Path, to: &Path) -> Result<(), WorkspaceError> {
        // The entry may have been replaced since it was listed: by a symlink, or by a pipe that
        // would block.
        let file = OpenOptions::new()
            .read(true)
            .custom_flags((OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits())
            .open(from)
            .map_err(io_error("open", from))?;
        let metadata = file.metadata().map_err(io_error("look at", from))?;
        if !metadata.is_file() {
            self.copied.skipped += 1;
            return Ok(());
        }
        let left = self.limits.max_bytes - self.copied.bytes;
        if metadata.len() > left {
            return Err(self.too_many_bytes(from));
        }
        let new = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(to)
            .map_err(io_error("create", to))?;
        let bytes = copy_contents(&file, &new, left).map_err(io_error("copy", from))?;
        if bytes > left {
            return Err(self.too_many_bytes(from));
        }
        self.copied.bytes += bytes;
        new.set_permissions(kept(&metadata))
            .map_err(io_error("set permissions of", to))?;
        let modified = metadata.modified().map_err(io_error("look at", from))?;
        new.set_times(FileTimes::new().set_modified(modified))
            .map_err(io_error("set the time of", to))
    }

    fn too_many_bytes(&self, at: &Path) -> WorkspaceError {
        WorkspaceError::TooManyBytes {
            source_root: self.source.to_owned(),
            max_bytes: self.limits.max_bytes,
            at: at.to_owned(),
        }
    }

    fn finish(self) -> Result<Copied, WorkspaceError> {
        for (folder, permissions) in self.folders.into_iter().rev() {
            fs::set_permissions(&folder, permissions)
                .map_err(io_error("set permissions of", &folder))?;
        }
        Ok(self.copied)
    }
}

/// Copies at most one byte more than `left`, whatever the file has grown to.
fn copy_contents(mut from: &File, mut to: &File, left: u64) -> io::Result<u64> {
    io::copy(
        &mut Read::by_ref(&mut from).take(left.saturating_add(1)),
        &mut to,
    )
}

fn kept(metadata: &Metadata) -> Permissions {
    Permissions::from_mode(metadata.permissions().mode() & 0o777)
}

pub(super) fn walk_error(root: &Path, error: walkdir::Error) -> WorkspaceError {
    let path = error.path().unwrap_or(root).to_owned();
    // The path is told once, and by us.
    let source = match error.into_io_error() {
        Some(error) => error,
        None => io::Error::other("links lead around in circles"),
    };
    WorkspaceError::Io {
        action: "read",
        path,
        source,
    }
}
