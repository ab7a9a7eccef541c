//! What can go wrong with git, in words that say what to do.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// Why a repository could not be used.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    #[error("there is no program `git` in {path}; install git")]
    Missing { path: String },
    #[error("failed to run git")]
    Start(#[source] io::Error),
    #[error("git {action} took longer than {} s and was ended", after.as_secs())]
    TimedOut {
        action: &'static str,
        after: Duration,
    },
    #[error("git {action} failed: {said}")]
    Failed { action: &'static str, said: String },
    #[error("git {action} was ended: it wrote more than the {max_bytes} bytes that are allowed")]
    TooLarge {
        action: &'static str,
        max_bytes: u64,
    },
    #[error("`{reference}` is no branch or tag of {url}; a commit is named by its full id")]
    UnknownReference { url: String, reference: String },
    #[error(
        "`{reference}` is a branch and a tag of {url}; write refs/heads/{reference} or refs/tags/{reference}"
    )]
    Ambiguous { url: String, reference: String },
    #[error("{url} is empty: it has no branch to start from")]
    Empty { url: String },
    #[error("{url} has no commit {commit}, in any branch or tag")]
    NoSuchCommit { url: String, commit: String },
    #[error("{url} is reached over ssh, and no key was given: set AGENT_GIT_SSH_KEY")]
    NoSshKey { url: String },
    #[error("{url} is a file, and files are not taken here")]
    FilesRefused { url: String },
    #[error("failed to {action} {}", path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

impl GitError {
    /// Whether the disk was full.
    #[must_use]
    pub fn is_no_space(&self) -> bool {
        match self {
            Self::Io { source, .. } | Self::Start(source) => {
                matches!(source.raw_os_error(), Some(28 | 122))
            }
            Self::Failed { said, .. } => {
                let words = [
                    "No space left on device",
                    "Disk quota exceeded",
                    "Out of diskspace",
                ];
                words.iter().any(|words| said.contains(words))
            }
            Self::Missing { .. }
            | Self::TimedOut { .. }
            | Self::TooLarge { .. }
            | Self::UnknownReference { .. }
            | Self::Ambiguous { .. }
            | Self::Empty { .. }
            | Self::NoSuchCommit { .. }
            | Self::NoSshKey { .. }
            | Self::FilesRefused { .. } => false,
        }
    }
}

pub(crate) fn io_error(
    action: &'static str,
    path: &std::path::Path,
) -> impl FnOnce(io::Error) -> GitError {
    let path = path.to_owned();
    move |source| GitError::Io {
        action,
        path,
        source,
    }
}
