//! Why a file was not fetched.

use std::{io, path::PathBuf};

use crate::Digest;

/// What went wrong with an address.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// Nothing may be fetched from there.
    #[error("`{url}` is not fetched: {why}")]
    Refused {
        /// The address.
        url: String,
        /// The rule.
        why: String,
    },
    /// It is not there any more.
    #[error(
        "`{url}` is not there ({status}): the source has vanished; have the catalog entry point to where it is now"
    )]
    Vanished {
        /// The address.
        url: String,
        /// What the server answered.
        status: String,
    },
    /// The server or the way to it failed, after all attempts.
    #[error("failed to fetch `{url}` in {attempts} attempts: {why}")]
    Failed {
        /// The address.
        url: String,
        /// How often it was tried.
        attempts: u32,
        /// What went wrong last.
        why: String,
    },
    /// There is more of it than may be.
    #[error("`{url}` is larger than the {bound} bytes that are allowed")]
    TooLarge {
        /// The address.
        url: String,
        /// The bound.
        bound: u64,
    },
    /// It is something else than was asked for.
    #[error(
        "wrong checksum for `{url}`: expected {expected}, got {got} over {bytes} bytes; nothing was installed. \
         Either the file was changed at its source or on the way, or the entry is of another one: \
         look before you change the checksum"
    )]
    Checksum {
        /// The address.
        url: String,
        /// What was asked for.
        expected: String,
        /// What it is.
        got: Digest,
        /// Its length.
        bytes: u64,
    },
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
}

impl FetchError {
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
