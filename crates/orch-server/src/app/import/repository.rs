//! A commit of a repository looked through: fetched into a folder that goes afterwards, listed and read by
//! git's own plumbing, never checked out.

use std::time::Duration;

use orch_core::source::{Commit, Reference, RepositoryUrl};
use orch_core::survey::{
    FileKind, MOST_FILES, MOST_READ_BYTES, Survey, Tree, TreeFile, survey, wanted,
};
use orch_git::{Git, GitError, Snapshot, TreeKind};

use super::scratch::Scratch;

/// Where the server finds git.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin";
/// How long one call of git may take.
const PATIENCE: Duration = Duration::from_secs(120);
/// What a commit may take up on disk while it is looked at.
const MOST_BYTES: u64 = 1 << 30;

/// Why there is no survey.
pub enum Fault {
    Git(GitError),
    TooManyFiles,
    NoFolder(std::io::Error),
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Git(error) => error.fmt(f),
            Self::TooManyFiles => write!(f, "it holds more than {MOST_FILES} files"),
            Self::NoFolder(error) => write!(f, "no temporary folder could be made: {error}"),
        }
    }
}

impl From<GitError> for Fault {
    fn from(error: GitError) -> Self {
        Self::Git(error)
    }
}

/// What is found in a commit, and its id. Blocks.
pub fn code_at(
    url: &RepositoryUrl,
    reference: Option<&Reference>,
    today: &str,
) -> Result<(Commit, Survey), Fault> {
    let git = Git::find(PATH, PATIENCE)?;
    let commit = orch_git::resolve(&git, url, reference)?;
    let folder = Scratch::make_in(&std::env::temp_dir()).map_err(Fault::NoFolder)?;
    let snapshot = Snapshot::fetch(&git, url, &commit, folder.path(), MOST_BYTES)?;
    let entries = snapshot.entries(&git, MOST_FILES)?;
    if entries.len() > MOST_FILES {
        return Err(Fault::TooManyFiles);
    }
    let files: Vec<TreeFile> = entries
        .iter()
        .map(|entry| {
            let kind = match entry.kind {
                TreeKind::File => FileKind::File,
                TreeKind::Link => FileKind::Link,
                TreeKind::Submodule => FileKind::Submodule,
            };
            TreeFile::new(&entry.path, entry.size_bytes, kind)
        })
        .collect();
    let read = wanted(&files);
    let asked: Vec<_> = read.iter().map(|at| &entries[*at]).collect();
    let contents = snapshot.contents(&git, &asked, MOST_READ_BYTES)?;
    let paths: Vec<String> = read.iter().map(|at| files[*at].path.clone()).collect();
    let tree = Tree::new(files, paths.into_iter().zip(contents));
    Ok((commit, survey(&tree, today)))
}
