//! The files of one commit, read without a work tree: their names and sizes, and the contents of a few.
//!
//! The objects lie in a folder of their own, which goes with the snapshot. No file of the repository is
//! ever written out, so nothing in it (links, attributes, filters, submodules) is followed or obeyed.

use std::path::Path;

use orch_core::source::{Commit, RepositoryUrl};

use crate::{Git, GitError, Mirrors};

/// The longest list of names that is read, in bytes.
const MOST_LISTED: u64 = 48 << 20;

/// What an entry of a tree is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TreeKind {
    File,
    /// A symbolic link, which is not followed.
    Link,
    /// Another repository's commit.
    Submodule,
}

/// An entry of a commit's tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeEntry {
    /// Its path, in whatever bytes it is written.
    pub path: Vec<u8>,
    pub kind: TreeKind,
    /// Its bytes; 0 where it is no file.
    pub size_bytes: u64,
    id: String,
}

/// One commit with its files' objects.
#[derive(Debug)]
pub struct Snapshot {
    repository: std::path::PathBuf,
    commit: Commit,
}

impl Snapshot {
    /// Fetches the commit into an empty folder: alone where the other side gives it so, else with the
    /// branches and tags. The folder may grow to `max_bytes`.
    ///
    /// # Errors
    /// When the repository cannot be reached, does not have it, or is too large.
    pub fn fetch(
        git: &Git,
        url: &RepositoryUrl,
        commit: &Commit,
        folder: &Path,
        max_bytes: u64,
    ) -> Result<Self, GitError> {
        let mirrors = Mirrors::new(folder.to_owned(), max_bytes);
        let mirror = match mirrors.with_commit_alone(git, url, commit)? {
            Some(mirror) => mirror,
            None => mirrors.with_commit(git, url, commit)?,
        };
        Ok(Self {
            repository: mirror.path().to_owned(),
            commit: commit.clone(),
        })
    }

    pub(crate) fn repository(&self) -> &Path {
        &self.repository
    }

    /// Which commit it is.
    #[must_use]
    pub fn commit(&self) -> &Commit {
        &self.commit
    }

    /// All entries, in git's order; where there are more than `most`, so many and one.
    ///
    /// # Errors
    /// When git fails, takes too long or writes too much.
    pub fn entries(&self, git: &Git, most: usize) -> Result<Vec<TreeEntry>, GitError> {
        let call = git
            .call("ls-tree")
            .on(&self.repository)
            .arguments(["ls-tree", "-r", "-l", "-z", "--full-tree"])
            .arguments([self.commit.as_str()]);
        let listed = call.run_bytes(MOST_LISTED)?;
        let lines = listed.split(|byte| *byte == 0);
        Ok(lines
            .filter_map(entry)
            .take(most.saturating_add(1))
            .collect())
    }

    /// The contents of files, in their order; `most_bytes` of all of them together.
    ///
    /// # Errors
    /// When git fails, takes too long or they hold more.
    pub fn contents(
        &self,
        git: &Git,
        files: &[&TreeEntry],
        most_bytes: u64,
    ) -> Result<Vec<Vec<u8>>, GitError> {
        if files.is_empty() {
            return Ok(Vec::new());
        }
        let mut ids: Vec<u8> = Vec::new();
        for file in files {
            ids.extend_from_slice(file.id.as_bytes());
            ids.push(b'\n');
        }
        let heads = 100 * files.len() as u64;
        let call = git
            .call("cat-file")
            .on(&self.repository)
            .arguments(["cat-file", "--batch", "--buffer"])
            .input(ids);
        let answer = call.run_bytes(most_bytes.saturating_add(heads))?;
        let malformed = || GitError::Failed {
            action: "cat-file",
            said: "it answered something else than the objects".to_owned(),
        };
        let mut rest = answer.as_slice();
        let mut contents = Vec::with_capacity(files.len());
        for file in files {
            let end = rest.iter().position(|byte| *byte == b'\n');
            let (head, body) = rest.split_at(end.ok_or_else(malformed)?);
            let head = std::str::from_utf8(head).map_err(|_| malformed())?;
            let expected = format!("{} blob {}", file.id, file.size_bytes);
            let size = usize::try_from(file.size_bytes).map_err(|_| malformed())?;
            if head != expected || body.len() < size + 2 {
                return Err(malformed());
            }
            contents.push(body[1..=size].to_vec());
            rest = &body[size + 2..];
        }
        Ok(contents)
    }
}

/// `100644 blob 8c7e5a6…    1234\tpath`.
fn entry(line: &[u8]) -> Option<TreeEntry> {
    let tab = line.iter().position(|byte| *byte == b'\t')?;
    let head = std::str::from_utf8(&line[..tab]).ok()?;
    let mut words = head.split_ascii_whitespace();
    let (mode, _, id, size) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let kind = match mode {
        "120000" => TreeKind::Link,
        "160000" => TreeKind::Submodule,
        _ => TreeKind::File,
    };
    Some(TreeEntry {
        path: line[tab + 1..].to_vec(),
        kind,
        size_bytes: size.parse().unwrap_or(0),
        id: id.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Origin;

    fn paths(entries: &[TreeEntry]) -> Vec<(String, TreeKind, u64)> {
        let shown = |entry: &TreeEntry| {
            let path = String::from_utf8_lossy(&entry.path).into_owned();
            (path, entry.kind, entry.size_bytes)
        };
        entries.iter().map(shown).collect()
    }

    #[test]
    fn the_files_of_a_commit_are_listed_and_read_and_no_link_is_followed() {
        let origin = Origin::new();
        origin.commit("src/a.rs", "fn a() {}\n");
        std::os::unix::fs::symlink("/etc/passwd", origin.path().join("link")).unwrap();
        let first = origin.commit("b\tc\n.txt", "");
        origin.commit("src/a.rs", "later");
        let top = tempfile::tempdir().unwrap();
        let git = origin.hardened();
        let snapshot = Snapshot::fetch(&git, &origin.url(), &first, top.path(), u64::MAX).unwrap();
        let entries = snapshot.entries(&git, 10).unwrap();
        let expected = [
            ("b\tc\n.txt".to_owned(), TreeKind::File, 0),
            ("link".to_owned(), TreeKind::Link, 11),
            ("src/a.rs".to_owned(), TreeKind::File, 10),
        ];
        assert_eq!(paths(&entries), expected);
        let files: Vec<&TreeEntry> = entries
            .iter()
            .filter(|e| e.kind == TreeKind::File)
            .collect();
        let contents = snapshot.contents(&git, &files, 1_000).unwrap();
        assert_eq!(contents, [b"".to_vec(), b"fn a() {}\n".to_vec()]);
        assert_eq!(snapshot.entries(&git, 1).unwrap().len(), 2);
    }

    #[test]
    fn contents_that_are_too_large_and_a_commit_that_is_nowhere_are_refused() {
        let origin = Origin::new();
        let commit = origin.commit("a", &"x".repeat(5_000));
        let top = tempfile::tempdir().unwrap();
        let git = origin.hardened();
        let snapshot = Snapshot::fetch(&git, &origin.url(), &commit, top.path(), u64::MAX).unwrap();
        let entries = snapshot.entries(&git, 10).unwrap();
        let refused = snapshot.contents(&git, &[&entries[0]], 1_000).unwrap_err();
        assert!(matches!(refused, GitError::TooLarge { .. }), "{refused}");
        let nowhere = Commit::parse(&"1".repeat(40)).unwrap();
        let other = tempfile::tempdir().unwrap();
        let refused =
            Snapshot::fetch(&git, &origin.url(), &nowhere, other.path(), u64::MAX).unwrap_err();
        assert!(
            matches!(refused, GitError::NoSuchCommit { .. }),
            "{refused}"
        );
    }
}
