//! Folders for what is looked at once. Each is locked while its server lives; what one that was killed left
//! is found by its name, its owner and the lock that nobody holds, and removed.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::unistd::geteuid;
use tempfile::TempDir;

const PREFIX: &str = "codex-orchestrator-import-";
/// Another server that starts may take a new folder for a left one before it is locked.
const ATTEMPTS: usize = 8;

/// A folder that goes with its value.
#[derive(Debug)]
pub struct Scratch {
    folder: TempDir,
    /// Held open: the lock ends with it, also by `kill -9`.
    _lock: File,
}

impl Scratch {
    /// A new one in `root`.
    ///
    /// # Errors
    /// When it cannot be made or locked.
    pub fn make_in(root: &Path) -> io::Result<Self> {
        for _ in 0..ATTEMPTS {
            let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(root)?;
            let Ok(lock) = File::open(folder.path()) else {
                continue;
            };
            if lock.try_lock().is_ok() && folder.path().exists() {
                return Ok(Self {
                    folder,
                    _lock: lock,
                });
            }
        }
        Err(io::Error::other("another process takes each new folder"))
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Removes what servers that are gone left in `root`; tells how many folders.
pub fn remove_left(root: &Path) -> io::Result<usize> {
    let mut removed = 0;
    for entry in fs::read_dir(root)?.flatten() {
        let is_named = entry.file_name().to_string_lossy().starts_with(PREFIX);
        // Without following a link.
        let is_ours = || {
            entry
                .metadata()
                .is_ok_and(|found| found.is_dir() && found.uid() == geteuid().as_raw())
        };
        if !is_named || !is_ours() {
            continue;
        }
        let Ok(lock) = File::open(entry.path()) else {
            continue;
        };
        if lock.try_lock().is_err() {
            continue;
        }
        match fs::remove_dir_all(entry.path()) {
            Ok(()) => removed += 1,
            Err(error) => tracing::warn!(
                path = %entry.path().display(),
                error = &error as &dyn std::error::Error,
                "a folder that an import left cannot be removed"
            ),
        }
    }
    Ok(removed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_holds_is_removed_and_all_else_stays() {
        let root = tempfile::tempdir().expect("a folder");
        let held = Scratch::make_in(root.path()).expect("a scratch folder");
        let made = |name: String| {
            let path = root.path().join(name);
            fs::create_dir_all(path.join("objects")).expect("a folder");
            fs::write(path.join("objects/pack"), "bytes").expect("a file");
            path
        };
        let left = made(format!("{PREFIX}left"));
        let other = made("import-of-somebody".to_owned());
        let link = root.path().join(format!("{PREFIX}link"));
        std::os::unix::fs::symlink(&other, &link).expect("a link");

        assert_eq!(remove_left(root.path()).expect("a sweep"), 1);
        assert!(!left.exists());
        assert!(held.path().exists() && other.exists() && link.exists());

        let path = held.path().to_owned();
        drop(held);
        assert!(!path.exists());
        assert_eq!(remove_left(root.path()).expect("a sweep"), 0);
    }
}
