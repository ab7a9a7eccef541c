//! Removing trees that somebody hostile has made: as deep as they like, without the right to enter, with links.
//!
//! Takes the same stack and the same few descriptors however deep a tree is, and follows no link. Folders that lie
//! deeper are moved up to the top and emptied there.

use std::ffi::{OsStr, OsString};
use std::fs::{self, Permissions};
use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{OFlag, RenameFlags, open, openat, renameat2};
use nix::sys::stat::Mode;
use nix::unistd::{UnlinkatFlags, unlinkat};

/// Removes whatever lies at `path`; a link, and not what it leads to. Blocks.
///
/// # Errors
/// When it is not there, or a part of it cannot be removed.
pub fn remove_all(path: &Path) -> io::Result<()> {
    if !fs::symlink_metadata(path)?.is_dir() {
        return fs::remove_file(path);
    }
    let place = open(path, OFlag::O_PATH | FOLDER, Mode::empty())?;
    empty(&entered(&place)?)?;
    fs::remove_dir(path)
}

/// Removes whatever lies at `path`, if anything does. Blocks.
///
/// # Errors
/// When a part of it cannot be removed.
pub fn remove_if_there(path: &Path) -> io::Result<()> {
    match remove_all(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

const FOLDER: OFlag = OFlag::O_DIRECTORY
    .union(OFlag::O_NOFOLLOW)
    .union(OFlag::O_CLOEXEC);

/// Opens a folder for reading; gives its owner all rights to it first where they are missing.
fn entered(place: &OwnedFd) -> io::Result<OwnedFd> {
    let path = format!("/proc/self/fd/{}", place.as_raw_fd());
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let mode = fs::metadata(&path)?.permissions().mode();
    if mode & 0o700 != 0o700 {
        // Where we may not, the next call says so.
        let _ = fs::set_permissions(&path, Permissions::from_mode(0o700));
    }
    Ok(open(path.as_str(), flags, Mode::empty())?)
}

fn entered_at(folder: &OwnedFd, name: &OsStr) -> io::Result<OwnedFd> {
    entered(&openat(
        folder,
        name,
        OFlag::O_PATH | FOLDER,
        Mode::empty(),
    )?)
}

struct Entry {
    name: OsString,
    is_folder: bool,
}

fn entries(folder: &OwnedFd) -> io::Result<Vec<Entry>> {
    let listing = fs::read_dir(format!("/proc/self/fd/{}", folder.as_raw_fd()))?;
    let entry = |entry: io::Result<fs::DirEntry>| {
        let entry = entry?;
        let is_folder = entry.file_type()?.is_dir();
        let name = entry.file_name();
        Ok(Entry { name, is_folder })
    };
    listing.map(entry).collect()
}

/// Removes all that a folder holds.
fn empty(top: &OwnedFd) -> io::Result<()> {
    let mut number = 0;
    loop {
        let entries = entries(top)?;
        if entries.is_empty() {
            return Ok(());
        }
        for Entry { name, is_folder } in entries {
            if is_folder {
                lift(top, &entered_at(top, &name)?, &mut number)?;
            }
            unlink(top, &name, is_folder)?;
        }
    }
}

/// Removes the files of a folder below `top`, and moves its folders up beside it.
fn lift(top: &OwnedFd, inner: &OwnedFd, number: &mut u64) -> io::Result<()> {
    for Entry { name, is_folder } in entries(inner)? {
        if !is_folder {
            unlink(inner, &name, false)?;
            continue;
        }
        // Moving a folder writes to it, where its parent is named.
        drop(entered_at(inner, &name)?);
        loop {
            *number += 1;
            let lifted = format!(".removed-{number}");
            let flags = RenameFlags::RENAME_NOREPLACE;
            match renameat2(inner, name.as_os_str(), top, lifted.as_str(), flags) {
                Ok(()) => break,
                Err(Errno::EEXIST) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    Ok(())
}

fn unlink(folder: &OwnedFd, name: &OsStr, is_folder: bool) -> io::Result<()> {
    let flag = match is_folder {
        true => UnlinkatFlags::RemoveDir,
        false => UnlinkatFlags::NoRemoveDir,
    };
    match unlinkat(folder, name, flag) {
        Ok(()) | Err(Errno::ENOENT) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use nix::sys::stat::mkdirat;

    use super::*;

    /// Folders within folders below `top`, deeper than any path reaches.
    fn dig(top: &Path, depth: u32) {
        let mut folder = open(top, OFlag::O_RDONLY | FOLDER, Mode::empty()).unwrap();
        for _ in 0..depth {
            mkdirat(&folder, "folder", Mode::S_IRWXU).unwrap();
            folder = openat(&folder, "folder", OFlag::O_RDONLY | FOLDER, Mode::empty()).unwrap();
        }
    }

    #[test]
    fn a_tree_deeper_than_stack_and_paths_is_removed() {
        let top = tempfile::tempdir().unwrap();
        let tree = top.path().join("tree");
        fs::create_dir(&tree).unwrap();
        dig(&tree, 5_000);
        // A small stack: what recursed would end the process.
        let removed = std::thread::Builder::new()
            .stack_size(64 * 1024)
            .spawn(move || remove_all(&tree))
            .unwrap();
        removed.join().unwrap().unwrap();
        assert_eq!(fs::read_dir(top.path()).unwrap().count(), 0);
    }

    #[test]
    fn links_are_removed_and_not_followed_and_closed_folders_are_opened() {
        let top = tempfile::tempdir().unwrap();
        let (tree, outside) = (top.path().join("tree"), top.path().join("outside"));
        fs::create_dir_all(tree.join("a/b/.removed-1")).unwrap();
        fs::create_dir(tree.join(".removed-1")).unwrap();
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("kept"), "x").unwrap();
        fs::write(tree.join("a/b/file"), "x").unwrap();
        symlink(&outside, tree.join("a/link")).unwrap();
        symlink(&outside, tree.join("link")).unwrap();
        for closed in ["a/b", "a", ""] {
            fs::set_permissions(tree.join(closed), Permissions::from_mode(0o000)).unwrap();
        }
        remove_all(&tree).unwrap();
        assert!(!tree.exists() && outside.join("kept").exists());
        let missing = remove_all(&tree).unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
        symlink(&outside, &tree).unwrap();
        remove_all(&tree).unwrap();
        assert!(outside.join("kept").exists());
    }
}
