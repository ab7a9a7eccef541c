//! What goes wrong with the cache.

use std::{io, path::PathBuf};

/// Why the cache cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// The machine failed.
    #[error("failed to {action} {}", .path.display())]
    Io {
        /// What was attempted.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system answered.
        source: io::Error,
    },
    /// An installed tool is not what it was.
    #[error("the installed tool {} was changed since it was installed: {why}", .path.display())]
    Damaged {
        /// Its folder.
        path: PathBuf,
        /// How that shows.
        why: String,
    },
    /// What was installed holds what no tool may.
    #[error("`{entry}` {why}; nothing was installed")]
    Refused {
        /// The file, relative to the tool's folder.
        entry: String,
        /// What is wrong with it.
        why: String,
    },
}

impl CacheError {
    pub(super) fn io(
        action: &'static str,
        path: &std::path::Path,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }
}
