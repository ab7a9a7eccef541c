//! A folder of the user's own that is a repository: how it is addressed, and what of it no commit has.
//!
//! Nothing that the repository is set to do (filters, hooks, monitors) is done: its files are compared by
//! the settings of a [`Snapshot`], which are ours.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use orch_core::source::RepositoryUrl;

use crate::{Git, GitError, Snapshot};

/// Where a file called `.git` points may be so long.
const LONGEST_POINTER: u64 = 4_096;
/// The longest list of names that is read, in bytes.
const MOST_LISTED: u64 = 4 << 20;

/// Whether a folder is a repository: one with its files, of which `.git` is a folder or (in work trees of
/// another, and submodules) a file, or one without.
#[must_use]
pub fn is_repository(folder: &Path) -> bool {
    git_folder(folder).is_some() || is_bare(folder)
}

fn is_bare(folder: &Path) -> bool {
    folder.join("HEAD").is_file() && folder.join("objects").is_dir()
}

/// Where the repository of a folder with files keeps itself.
fn git_folder(folder: &Path) -> Option<PathBuf> {
    let place = folder.join(".git");
    let about = fs::metadata(&place).ok()?;
    if about.is_dir() {
        return Some(place);
    }
    if !about.is_file() || about.len() > LONGEST_POINTER {
        return None;
    }
    let text = fs::read_to_string(&place).ok()?;
    let named = text.strip_prefix("gitdir:")?.trim();
    let place = folder.join(named);
    place.is_dir().then_some(place)
}

/// The address by which git finds a folder of this machine.
///
/// # Errors
/// When it is too long to be one.
pub fn address(folder: &Path) -> Result<RepositoryUrl, String> {
    let mut url = "file://".to_owned();
    for byte in folder.as_os_str().as_bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'/' | b'.' | b'_' | b'-' | b'~' => {
                url.push(char::from(*byte));
            }
            other => {
                let _ = write!(url, "%{other:02X}");
            }
        }
    }
    RepositoryUrl::parse(&url)
}

impl Snapshot {
    /// What differs in a folder from this commit, and what is new in it and not ignored: paths, in no
    /// order; where there are more than `most`, so many and one. None in a repository without files.
    ///
    /// # Errors
    /// When git fails, takes too long or writes too much.
    pub fn differing(&self, git: &Git, work: &Path, most: usize) -> Result<Vec<String>, GitError> {
        let Some(own) = git_folder(work) else {
            return Ok(Vec::new());
        };
        git.call("read-tree")
            .on(self.repository())
            .arguments(["read-tree", self.commit().as_str()])
            .run()?;
        let mut call = git
            .call("ls-files")
            .on(self.repository())
            .files(work)
            .arguments(["ls-files", "-z", "--modified", "--others"])
            .arguments(["--directory", "--no-empty-directory", "--exclude-standard"]);
        let excluded = own.join("info/exclude");
        if excluded.is_file() {
            let mut setting = std::ffi::OsString::from("--exclude-from=");
            setting.push(&excluded);
            call = call.arguments([setting]);
        }
        let listed = call.run_bytes(MOST_LISTED)?;
        let mut names: Vec<&[u8]> = listed.split(|byte| *byte == 0).collect();
        names.retain(|name| !name.is_empty());
        names.sort_unstable();
        names.dedup();
        let shown = names.into_iter().take(most.saturating_add(1));
        Ok(shown
            .map(|name| String::from_utf8_lossy(name).into_owned())
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::testing::Origin;

    fn differing(origin: &Origin, work: &Path) -> Vec<String> {
        let git = origin.hardened();
        let url = address(work).unwrap();
        let commit = crate::resolve(&git, &url, None).unwrap();
        let top = tempfile::tempdir().unwrap();
        let snapshot = Snapshot::fetch(&git, &url, &commit, top.path(), u64::MAX).unwrap();
        snapshot.differing(&git, work, 10).unwrap()
    }

    #[test]
    fn what_is_not_committed_is_named_and_what_is_ignored_is_not() {
        let origin = Origin::new();
        origin.commit(".gitignore", "out/\n");
        origin.commit("a", "1");
        origin.commit("gone", "1");
        assert!(differing(&origin, origin.path()).is_empty());
        fs::write(origin.path().join("a"), "2").unwrap();
        fs::write(origin.path().join("new"), "").unwrap();
        fs::remove_file(origin.path().join("gone")).unwrap();
        fs::create_dir(origin.path().join("out")).unwrap();
        fs::write(origin.path().join("out/b"), "").unwrap();
        fs::write(origin.path().join(".git/info/exclude"), "mine\n").unwrap();
        fs::write(origin.path().join("mine"), "").unwrap();
        assert_eq!(differing(&origin, origin.path()), ["a", "gone", "new"]);
    }

    #[test]
    fn nothing_that_the_repository_is_set_to_do_is_done() {
        let origin = Origin::new();
        origin.commit(".gitattributes", "* filter=evil\n");
        origin.commit("a", "1");
        let script = origin.path().join(".git/evil");
        let mark = origin.path().join(".git/mark");
        fs::write(
            &script,
            format!("#!/bin/sh\ntouch {}\ncat\n", mark.display()),
        )
        .unwrap();
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
        for name in ["filter.evil.clean", "filter.evil.smudge", "core.fsmonitor"] {
            origin.git(&["config", name, script.to_str().unwrap()]);
        }
        fs::write(origin.path().join("a"), "22").unwrap();
        assert_eq!(differing(&origin, origin.path()), ["a"]);
        assert!(!mark.exists());
    }

    #[test]
    fn a_work_tree_of_another_repository_and_a_strange_name_are_found() {
        let origin = Origin::new();
        origin.commit("a", "1");
        let top = tempfile::tempdir().unwrap();
        let work = top.path().join("a b#c%20ä");
        origin.git(&[
            "worktree",
            "add",
            "--quiet",
            "-b",
            "side",
            work.to_str().unwrap(),
        ]);
        assert!(work.join(".git").is_file() && is_repository(&work));
        assert!(differing(&origin, &work).is_empty());
        fs::write(work.join("b"), "").unwrap();
        assert_eq!(differing(&origin, &work), ["b"]);
        assert!(!is_repository(top.path()));
        assert!(is_repository(&origin.path().join(".git")));
        fs::create_dir(top.path().join("x")).unwrap();
        fs::write(top.path().join("x/.git"), "gitdir: /nowhere\n").unwrap();
        assert!(!is_repository(&top.path().join("x")));
    }
}
