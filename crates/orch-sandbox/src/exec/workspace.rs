//! The folder of a run: its workspace, home, temporary files, secrets and process records.
//!
//! `ROOT/run-<id>/epoch-<n>/{work,home,tmp,pids}`, and `secrets` where there are any, all 0700, and a file `owner` that the
//! living owner holds locked. Nothing in here follows a path out of the workspace. All of it blocks
//! on the file system: call it where blocking is allowed.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Read},
    os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt},
    path::{Component, Path, PathBuf},
};

use super::{
    Copied, CopyLimits, SecretFile, WorkspaceError, copy::copy_tree, procfs,
    removal::remove_if_there, snapshot, spare,
};

pub(super) const OWNER: &str = "owner";
pub(super) const OWNER_HEADER: &str = "orch-owner 1";
pub(super) const PIDS: &str = "pids";
pub(super) const SECRETS: &str = "secrets";
const PLAN: &str = "plan.json";
const WORK: &str = "work";
const HOME: &str = "home";
const TMP: &str = "tmp";
/// What every run's folder has.
const PARTS: [&str; 4] = [WORK, HOME, TMP, PIDS];

/// The folder of one run, held by one owner. It stays on disk until [`RunFolder::remove`].
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    root: PathBuf,
    /// Held, and nothing else.
    owner: OwnerLock,
}

impl RunFolder {
    /// Makes a fresh, empty folder for a run under one of its epochs, and `root` where it is
    /// missing.
    ///
    /// # Errors
    /// [`WorkspaceError::Exists`] when the folder is there already.
    pub fn create(root: &Path, run_id: i64, epoch: i64) -> Result<Self, WorkspaceError> {
        let root = real_root(root)?;
        let run = root.join(format!("run-{run_id}"));
        let path = run.join(format!("epoch-{epoch}"));
        make_folder(&run, Recursive::Yes)?;
        if fs::symlink_metadata(&path).is_err() && spare::take(&root, &path) {
            return Self::take(root, path);
        }
        make_folder(&path, Recursive::No).map_err(|error| match error {
            WorkspaceError::Io { source, .. } if source.kind() == io::ErrorKind::AlreadyExists => {
                WorkspaceError::Exists { path: path.clone() }
            }
            other => other,
        })?;
        Self::take(root, path)
    }

    /// Takes the latest folder of a run up again with its workspace and home as they are, for a
    /// run that goes on where it was interrupted. Temporary files and secrets are emptied. Its path
    /// keeps the epoch it was made under. End the leftovers first
    /// ([`reap_leftovers`](super::reap_leftovers)).
    ///
    /// # Errors
    /// [`WorkspaceError::InUse`] when its owner is alive.
    pub fn reopen(root: &Path, run_id: i64) -> Result<Option<Self>, WorkspaceError> {
        let epochs = |root: &Path| numbered(&root.join(format!("run-{run_id}")), "epoch-");
        if epochs(root)?.is_empty() {
            return Ok(None);
        }
        let root = real_root(root)?;
        let latest = epochs(&root)?.into_iter().max_by_key(|(epoch, _)| *epoch);
        let Some((_, latest)) = latest else {
            return Ok(None);
        };
        let folder = Self::take(root, latest)?;
        remove_tree(&folder.path.join(SECRETS))?;
        remove_tree(&folder.tmp())?;
        make_folder(&folder.tmp(), Recursive::No)?;
        Ok(Some(folder))
    }

    fn take(root: PathBuf, path: PathBuf) -> Result<Self, WorkspaceError> {
        let owner =
            lock_owner(&path)?.ok_or_else(|| WorkspaceError::InUse { path: path.clone() })?;
        write_owner(&owner.0).map_err(io_error("write", &path.join(OWNER)))?;
        for name in PARTS {
            make_folder(&path.join(name), Recursive::Yes)?;
        }
        Ok(Self { path, root, owner })
    }

    /// The folder itself; its parts lie in it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The workspace, where steps start.
    pub fn work(&self) -> PathBuf {
        self.path.join(WORK)
    }

    /// The steps' home folder.
    pub fn home(&self) -> PathBuf {
        self.path.join(HOME)
    }

    /// The steps' temporary files.
    pub fn tmp(&self) -> PathBuf {
        self.path.join(TMP)
    }

    /// Where its secret files lie, once there are any.
    pub fn secrets(&self) -> PathBuf {
        self.path.join(SECRETS)
    }

    /// Where the run's steps are kept.
    pub fn plan(&self) -> PathBuf {
        self.path.join(PLAN)
    }

    /// Where the snapshots of its workspace lie, once there are any.
    pub fn snapshots(&self) -> PathBuf {
        snapshot::place(&self.path)
    }

    /// The records of running commands, for [`Command::records`](super::Command::records).
    pub fn pids(&self) -> PathBuf {
        self.path.join(PIDS)
    }

    /// Copies a source workspace into the empty workspace of this run.
    ///
    /// # Errors
    /// When the source is missing, unreadable in part, or larger than `limits`. What was copied
    /// until then stays; remove the folder.
    pub fn fill_from(&self, source: &Path, limits: CopyLimits) -> Result<Copied, WorkspaceError> {
        copy_tree(source, &self.work(), &self.root, limits)
    }

    /// Writes a file that only this user can read (0600), outside the workspace; it goes when the
    /// returned value is dropped, and with the folder.
    ///
    /// # Errors
    /// When `name` is no plain file name, or is taken.
    pub fn secret_file(&self, name: &str, bytes: &[u8]) -> Result<SecretFile, WorkspaceError> {
        let secrets = self.secrets();
        make_folder(&secrets, Recursive::Yes)?;
        SecretFile::create(&secrets, name, bytes)
    }

    /// The folder that a step's `cwd` names, with all symlinks resolved; `""` and `"."` are the
    /// workspace itself.
    ///
    /// # Errors
    /// When it is absolute, leaves the workspace (by `..` or through a symlink), or is no folder.
    pub fn resolve_cwd(&self, cwd: &str) -> Result<PathBuf, WorkspaceError> {
        let outside = || WorkspaceError::CwdOutside {
            cwd: cwd.to_owned(),
        };
        if leaves_by_name(cwd) {
            return Err(outside());
        }
        let work = self.work();
        let top = fs::canonicalize(&work).map_err(io_error("open", &work))?;
        // The workspace itself may have been replaced by a symlink.
        if top != work {
            return Err(outside());
        }
        if cwd == "." && top.is_dir() {
            return Ok(top);
        }
        let path = match fs::canonicalize(top.join(cwd)) {
            Ok(path) => path,
            Err(error) => {
                let cwd = cwd.to_owned();
                return Err(match error.kind() {
                    io::ErrorKind::NotFound => WorkspaceError::CwdMissing { cwd },
                    io::ErrorKind::NotADirectory => WorkspaceError::CwdNotAFolder { cwd },
                    _ => io_error("open", &top.join(&cwd))(error),
                });
            }
        };
        if !path.starts_with(&top) {
            return Err(outside());
        }
        if !path.is_dir() {
            return Err(WorkspaceError::CwdNotAFolder {
                cwd: cwd.to_owned(),
            });
        }
        Ok(path)
    }

    /// Removes the folder and all that is in it; symlinks are removed and not followed. One that was
    /// left empty may become the next run's.
    ///
    /// # Errors
    /// When something in it belongs to another user or cannot be removed; the rest may be gone.
    pub fn remove(self) -> Result<(), WorkspaceError> {
        let Self { path, root, owner } = self;
        // Without these it may be as a new one is.
        let _ = fs::remove_file(path.join(PLAN));
        let _ = fs::remove_dir(path.join(SECRETS));
        let _ = remove_tree(&snapshot::place(&path));
        if spare::is_as_new(&path, &PARTS, 1) {
            // From here on anybody may take it.
            drop(owner);
            if !spare::keep(&root, &path) {
                remove_tree(&path)?;
            }
        } else {
            remove_tree(&path)?;
        }
        if let Some(run) = path.parent() {
            // Other epochs of the run may be there still.
            let _ = fs::remove_dir(run);
        }
        Ok(())
    }
}

/// A run's folder as found on disk.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) run_id: i64,
    pub(super) epoch: i64,
    pub(super) path: PathBuf,
}

/// All run folders under `root`; none where it is missing.
pub(super) fn folders(root: &Path) -> Result<Vec<Found>, WorkspaceError> {
    let mut found = Vec::new();
    for (run_id, run) in numbered(root, "run-")? {
        for (epoch, path) in numbered(&run, "epoch-")? {
            found.push(Found {
                run_id,
                epoch,
                path,
            });
        }
    }
    Ok(found)
}

fn numbered(folder: &Path, prefix: &str) -> Result<Vec<(i64, PathBuf)>, WorkspaceError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(io_error("read", folder)(error)),
    };
    Ok(entries
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .filter_map(|entry| {
            let number = entry
                .file_name()
                .to_str()?
                .strip_prefix(prefix)?
                .parse()
                .ok()?;
            Some((number, entry.path()))
        })
        .collect())
}

/// The lock that says a run's folder has an owner; the system lifts it when the process ends.
#[derive(Debug)]
pub(super) struct OwnerLock(File);

impl Drop for OwnerLock {
    fn drop(&mut self) {
        // Closing is not enough: a process just forked holds the file until it executes.
        if let Err(error) = self.0.unlock() {
            tracing::warn!(%error, "failed to unlock a run's folder");
        }
    }
}

/// Locks the owner file of a run's folder; `None` while its owner is alive.
pub(super) fn lock_owner(folder: &Path) -> Result<Option<OwnerLock>, WorkspaceError> {
    let path = folder.join(OWNER);
    let owner = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(io_error("open", &path))?;
    match owner.try_lock() {
        Ok(()) => Ok(Some(OwnerLock(owner))),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(io_error("lock", &path)(error)),
    }
}

/// Notes where the owner's process numbers are valid.
fn write_owner(mut owner: &File) -> io::Result<()> {
    let place = procfs::place().unwrap_or_default();
    let text = format!("{OWNER_HEADER} {place}\n");
    let mut noted = Vec::new();
    owner.read_to_end(&mut noted)?;
    if noted == text.as_bytes() {
        return Ok(());
    }
    owner.set_len(0)?;
    owner.write_all_at(text.as_bytes(), 0)
}

/// Removes a tree, if it is there.
pub(super) fn remove_tree(path: &Path) -> Result<(), WorkspaceError> {
    remove_if_there(path).map_err(io_error("remove", path))
}

fn leaves_by_name(cwd: &str) -> bool {
    let mut depth = 0_usize;
    for component in Path::new(cwd).components() {
        match component {
            Component::CurDir => {}
            Component::Normal(_) => depth += 1,
            Component::ParentDir if depth > 0 => depth -= 1,
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return true,
        }
    }
    cwd.contains('\0')
}

#[derive(Debug, Clone, Copy)]
enum Recursive {
    Yes,
    No,
}

fn make_folder(path: &Path, recursive: Recursive) -> Result<(), WorkspaceError> {
    DirBuilder::new()
        .recursive(matches!(recursive, Recursive::Yes))
        .mode(0o700)
        .create(path)
        .map_err(io_error("create folder", path))
}

fn real_root(root: &Path) -> Result<PathBuf, WorkspaceError> {
    make_folder(root, Recursive::Yes)?;
    fs::canonicalize(root).map_err(io_error("open", root))
}

pub(super) fn io_error(
    action: &'static str,
    path: &Path,
) -> impl FnOnce(io::Error) -> WorkspaceError {
    let path = path.to_owned();
    move |source| WorkspaceError::Io {
        action,
        path,
        source,
    }
}

#[cfg(test)]
#[path = "workspace_tests.rs"]
mod tests;
