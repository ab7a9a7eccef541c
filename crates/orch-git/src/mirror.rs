//! Mirrors: one bare repository for each address, fetched only when a commit is missing.
//!
//! Workspaces borrow their objects. Nothing is ever removed from a mirror; a whole one goes when
//! nobody uses it. One process at a time fetches into one.

use std::fs::{self, DirBuilder, File};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use orch_core::source::{Commit, RepositoryUrl};
use sha2::{Digest as _, Sha256};
use walkdir::WalkDir;

use crate::error::io_error;
use crate::{Git, GitError};

/// The file in a mirror that is written at each use.
const USED: &str = "used";

/// All mirrors of an agent.
#[derive(Clone, Debug)]
pub struct Mirrors {
    root: PathBuf,
    max_bytes: u64,
}

/// One repository's objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mirror {
    path: PathBuf,
}

impl Mirror {
    /// The bare repository.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What workspaces borrow from.
    #[must_use]
    pub fn objects(&self) -> PathBuf {
        self.path.join("objects")
    }
}

impl Mirrors {
    /// Mirrors under `root`, none of which may grow beyond `max_bytes`.
    #[must_use]
    pub fn new(root: PathBuf, max_bytes: u64) -> Self {
        Self { root, max_bytes }
    }

    /// Where they lie.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    fn place(&self, url: &RepositoryUrl) -> PathBuf {
        let name = hex::encode(&Sha256::digest(url.as_str())[..16]);
        self.root.join(format!("{name}.git"))
    }

    /// The mirror of a repository that has this commit, fetched where it was missing.
    ///
    /// # Errors
    /// When the repository cannot be reached or does not have it, or the disk is full.
    pub fn with_commit(
        &self,
        git: &Git,
        url: &RepositoryUrl,
        commit: &Commit,
    ) -> Result<Mirror, GitError> {
        let (mirror, _lock) = self.begin(git, url, commit)?;
        // What a fetch that was cut off has left: it fills the disk, and nobody asks for it.
        remove_unfinished(&mirror);
        let mut failed = None;
        if !has(git, &mirror, commit)? {
            let all = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"];
            match self.fetch(git, &mirror, url, &[], &all) {
                Ok(()) => {}
                // One broken object in a branch must not hold up those who want another one.
                Err(error @ GitError::Failed { .. }) if !error.is_no_space() => {
                    failed = Some(error);
                }
                Err(error) => return Err(error),
            }
        }
        if !has(git, &mirror, commit)? {
            // One that no branch leads to is given by name where the other side allows that.
            let alone = self.fetch(git, &mirror, url, &[], &[commit.as_str()]);
            if let Err(error) = alone
                && !matches!(error, GitError::Failed { .. })
            {
                return Err(error);
            }
            if !has(git, &mirror, commit)? {
                return Err(failed.unwrap_or_else(|| GitError::NoSuchCommit {
                    url: url.to_string(),
                    commit: commit.to_string(),
                }));
            }
        }
        // When it was used last, for whoever needs room.
        let _ = fs::write(mirror.path.join(USED), "");
        Ok(mirror)
    }

    /// The mirror with this commit and none before it; none where the other side does not give it
    /// alone.
    pub(crate) fn with_commit_alone(
        &self,
        git: &Git,
        url: &RepositoryUrl,
        commit: &Commit,
    ) -> Result<Option<Mirror>, GitError> {
        let (mirror, _lock) = self.begin(git, url, commit)?;
        match self.fetch(git, &mirror, url, &["--depth=1"], &[commit.as_str()]) {
            Ok(()) if has(git, &mirror, commit)? => Ok(Some(mirror)),
            Ok(()) => Ok(None),
            Err(error @ GitError::Failed { .. }) if !error.is_no_space() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The mirror as it is, made where there is none, and the lock on it.
    fn begin(
        &self,
        git: &Git,
        url: &RepositoryUrl,
        commit: &Commit,
    ) -> Result<(Mirror, File), GitError> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.root)
            .map_err(io_error("create folder", &self.root))?;
        let path = self.place(url);
        let lock_path = path.with_extension("lock");
        let lock = File::create(&lock_path).map_err(io_error("create", &lock_path))?;
        lock.lock().map_err(io_error("lock", &lock_path))?;
        let mirror = Mirror { path };
        if !mirror.path.join("HEAD").is_file() {
            init(git, &mirror.path, commit)?;
            fs::write(mirror.path.join("origin"), format!("{url}\n"))
                .map_err(io_error("write", &mirror.path))?;
        }
        Ok((mirror, lock))
    }

    fn fetch(
        &self,
        git: &Git,
        mirror: &Mirror,
        url: &RepositoryUrl,
        how: &[&str],
        what: &[&str],
    ) -> Result<(), GitError> {
        let call = git
            .call_to("fetch", url)?
            .on(&mirror.path)
            .bounded(&mirror.path, self.max_bytes)
            .arguments(["fetch", "--quiet", "--no-tags", "--no-write-fetch-head"])
            .arguments(["--no-auto-maintenance", "--force"])
            .arguments(how)
            .arguments(["--", url.as_str()])
            .arguments(what);
        let fetched = call.run().map(drop);
        if fetched.is_err() {
            remove_unfinished(mirror);
        }
        if matches!(fetched, Err(GitError::TooLarge { .. })) {
            // Half of it is of no use, and too large.
            let _ = fs::remove_dir_all(&mirror.path);
        }
        fetched
    }

    /// The mirrors, the one that was not used for longest first.
    #[must_use]
    pub fn oldest_first(&self) -> Vec<Mirror> {
        let entries = fs::read_dir(&self.root).into_iter().flatten().flatten();
        let paths = entries.map(|entry| entry.path());
        let paths = paths.filter(|path| path.extension().is_some_and(|ending| ending == "git"));
        let mut found: Vec<(Option<SystemTime>, Mirror)> = paths
            .map(|path| {
                // One that was never there as a whole is the first to go.
                let used = fs::metadata(path.join(USED)).and_then(|used| used.modified());
                (used.ok(), Mirror { path })
            })
            .collect();
        found.sort_by_key(|(used, mirror)| (*used, mirror.path.clone()));
        found.into_iter().map(|(_, mirror)| mirror).collect()
    }

    /// Removes a mirror. Whoever borrows from it loses its history.
    ///
    /// # Errors
    /// When something of it cannot be removed.
    pub fn remove(&self, mirror: &Mirror) -> Result<(), GitError> {
        let lock_path = mirror.path.with_extension("lock");
        let lock = File::create(&lock_path).map_err(io_error("create", &lock_path))?;
        lock.lock().map_err(io_error("lock", &lock_path))?;
        fs::remove_dir_all(&mirror.path).map_err(io_error("remove", &mirror.path))
    }
}

fn init(git: &Git, path: &Path, commit: &Commit) -> Result<(), GitError> {
    let form = if commit.as_str().len() == 64 {
        "sha256"
    } else {
        "sha1"
    };
    let call = git
        .call("init")
        .arguments(["init", "--quiet", "--bare", "--template="]);
    let call = call.arguments([format!("--object-format={form}")]);
    call.arguments([path]).run().map(drop)
}

fn remove_unfinished(mirror: &Mirror) {
    let entries = WalkDir::new(mirror.objects()).max_depth(2).into_iter();
    let unfinished = entries.filter_map(Result::ok).filter(|entry| {
        let name = entry.file_name().to_string_lossy();
        entry.file_type().is_file() && name.starts_with("tmp_")
    });
    for entry in unfinished {
        // What stays is found again by the next one.
        let _ = fs::remove_file(entry.path());
    }
}

fn has(git: &Git, mirror: &Mirror, commit: &Commit) -> Result<bool, GitError> {
    let what = format!("{commit}^{{commit}}");
    let call = git.call("cat-file").on(&mirror.path);
    call.arguments(["cat-file", "-e", what.as_str()]).holds()
}

/// What a folder takes up on disk, as far as it can be read; links are not followed.
#[must_use]
pub fn size_bytes(folder: &Path) -> u64 {
    let entries = WalkDir::new(folder).into_iter().filter_map(Result::ok);
    let blocks = entries.filter_map(|entry| entry.metadata().ok());
    blocks
        .map(|metadata| metadata.blocks().saturating_mul(512))
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Origin;

    #[test]
    fn a_commit_that_is_there_is_not_fetched_again_and_a_new_one_is() {
        let origin = Origin::new();
        let first = origin.commit("a", "1");
        let top = tempfile::tempdir().unwrap();
        let mirrors = Mirrors::new(top.path().join("mirrors"), u64::MAX);
        let git = origin.hardened();
        mirrors.with_commit(&git, &origin.url(), &first).unwrap();
        let second = origin.commit("a", "2");
        let mirror = mirrors.with_commit(&git, &origin.url(), &second).unwrap();
        origin.vanish();
        assert_eq!(
            mirrors.with_commit(&git, &origin.url(), &second).unwrap(),
            mirror
        );
        assert_eq!(mirrors.oldest_first(), [mirror]);
    }

    #[test]
    fn a_broken_object_in_one_branch_holds_up_nobody_who_wants_another() {
        let origin = Origin::new();
        let good = origin.commit("a", "1");
        // A tree with an entry that no file system may have.
        let blob = origin.git(&["hash-object", "-w", "a"]);
        let tree = origin.path().join("tree");
        let hash = hex::decode(blob.trim()).unwrap();
        fs::write(&tree, [b"100644 .git\0".as_slice(), &hash].concat()).unwrap();
        let tree = origin.git(&["hash-object", "-t", "tree", "--literally", "-w", "tree"]);
        let bad = origin.git(&["commit-tree", "-m", "bad", tree.trim()]);
        origin.git(&["branch", "bad", bad.trim()]);
        let bad = Commit::parse(bad.trim()).unwrap();
        let top = tempfile::tempdir().unwrap();
        let mirrors = Mirrors::new(top.path().join("mirrors"), u64::MAX);
        let git = origin.hardened();
        mirrors.with_commit(&git, &origin.url(), &good).unwrap();
        let refused = mirrors.with_commit(&git, &origin.url(), &bad).unwrap_err();
        let GitError::Failed { said, .. } = &refused else {
            panic!("{refused}");
        };
        assert!(
            said.contains("hasDotgit") || said.contains(".git"),
            "{said}"
        );
    }

    #[test]
    fn a_commit_that_is_nowhere_is_named_and_a_commit_that_a_branch_left_is_kept() {
        let origin = Origin::new();
        let first = origin.commit("a", "1");
        let top = tempfile::tempdir().unwrap();
        let mirrors = Mirrors::new(top.path().join("mirrors"), u64::MAX);
        let git = origin.hardened();
        mirrors.with_commit(&git, &origin.url(), &first).unwrap();
        origin.git(&["commit", "--amend", "--quiet", "-m", "other"]);
        let moved = origin.head();
        mirrors.with_commit(&git, &origin.url(), &moved).unwrap();
        mirrors.with_commit(&git, &origin.url(), &first).unwrap();
        let nowhere = Commit::parse(&"1".repeat(40)).unwrap();
        let error = mirrors
            .with_commit(&git, &origin.url(), &nowhere)
            .unwrap_err();
        assert!(matches!(error, GitError::NoSuchCommit { .. }), "{error}");
    }
}
