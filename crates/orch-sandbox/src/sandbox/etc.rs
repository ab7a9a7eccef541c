//! The `/etc` of sandboxes: a copy of what programs need of the machine's, with users and hosts of
//! its own.
//!
//! One folder for all, made anew by each agent: to show every file by itself would cost a mount
//! each. Only what everybody may read is copied.

use std::{
    fs, io,
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use super::{SandboxError, error::io_error, identity, view};

/// Folders in folders are copied down to here.
const DEEPEST: usize = 8;

/// What a sandbox has of its own there.
pub(super) const OWN: [&str; 4] = ["passwd", "group", "hosts", "nsswitch.conf"];

/// The folder, and whether it was made.
#[derive(Debug)]
pub(super) struct Etc {
    folder: PathBuf,
    is_made: Mutex<bool>,
}

impl Etc {
    pub(super) fn new(above: &Path) -> Self {
        Self {
            folder: above.join("etc"),
            is_made: Mutex::new(false),
        }
    }

    /// Where it lies.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The folder, made by whoever asks first.
    pub(super) fn get(&self) -> Result<&Path, SandboxError> {
        let mut is_made = self.is_made.lock().unwrap_or_else(PoisonError::into_inner);
        if !*is_made {
            make(&self.folder).map_err(io_error("make", &self.folder))?;
            *is_made = true;
        }
        Ok(&self.folder)
    }
}

fn make(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::create_dir_all(folder)?;
    open_to_all(folder, 0o755)?;
    for name in view::ETC {
        copy(&Path::new("/etc").join(name), &folder.join(name), DEEPEST)?;
    }
    let mut passwd = "root:x:0:0:root:/root:/usr/sbin/nologin\n".to_owned();
    let mut group = "root:x:0:\n".to_owned();
    for (uid, gid) in identity::possible() {
        passwd += &format!("sandbox:x:{uid}:{gid}:sandbox:/tmp:/bin/sh\n");
        group += &format!("sandbox:x:{gid}:\n");
    }
    let texts = [
        passwd.as_str(),
        group.as_str(),
        "127.0.0.1 localhost sandbox\n::1 localhost\n",
        "passwd: files\ngroup: files\nhosts: files\n",
    ];
    for (name, text) in OWN.into_iter().zip(texts) {
        let path = folder.join(name);
        fs::write(&path, text)?;
        open_to_all(&path, 0o644)?;
    }
    Ok(())
}

/// Copies what everybody may read; what vanishes or is closed is passed over.
fn copy(from: &Path, to: &Path, deepest: usize) -> io::Result<()> {
    let Ok(found) = fs::symlink_metadata(from) else {
        return Ok(());
    };
    if found.is_symlink() {
        return match fs::read_link(from) {
            Ok(target) => symlink(target, to),
            Err(_) => Ok(()),
        };
    }
    let is_open = |bits: u32| found.mode() & bits == bits;
    if found.is_dir() && is_open(0o005) && deepest > 0 {
        fs::create_dir(to)?;
        open_to_all(to, 0o755)?;
        for entry in fs::read_dir(from).into_iter().flatten().flatten() {
            copy(&entry.path(), &to.join(entry.file_name()), deepest - 1)?;
        }
    } else if found.is_file() && is_open(0o004) {
        fs::copy(from, to)?;
        open_to_all(to, 0o644)?;
    }
    Ok(())
}

fn open_to_all(path: &Path, mode: u32) -> io::Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_closed_to_others_is_not_copied() {
        let top = tempfile::tempdir().unwrap();
        let from = top.path().join("from");
        fs::create_dir_all(from.join("private")).unwrap();
        for (file, mode) in [("open", 0o644), ("closed", 0o600), ("private/key", 0o644)] {
            fs::write(from.join(file), file).unwrap();
            open_to_all(&from.join(file), mode).unwrap();
        }
        open_to_all(&from.join("private"), 0o710).unwrap();
        open_to_all(&from, 0o755).unwrap();
        symlink("/etc/shadow", from.join("link")).unwrap();
        let to = top.path().join("to");
        copy(&from, &to, DEEPEST).unwrap();
        assert_eq!(fs::read_to_string(to.join("open")).unwrap(), "open");
        assert!(!to.join("closed").exists());
        assert!(!to.join("private").exists());
        assert_eq!(
            fs::read_link(to.join("link")).unwrap(),
            Path::new("/etc/shadow")
        );
    }
}
