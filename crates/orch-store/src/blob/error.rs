//! Why bytes cannot be kept or read.

use super::BucketAddress;
use crate::StoreError;

/// Why bytes cannot be kept or read.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    #[error("the content {sha256} is not there any more")]
    Missing { sha256: String },
    /// They are not handed out.
    #[error("the content {sha256} is damaged: what is stored hashes to {found}")]
    Damaged { sha256: String, found: String },
    #[error("`{0}` is no SHA-256")]
    Name(String),
    #[error("failed to {attempt} {path}")]
    Io {
        attempt: &'static str,
        path: String,
        source: std::io::Error,
    },
    /// Nothing is lost: it can be tried again.
    #[error("failed to {attempt} the bucket {place}: {why}")]
    Away {
        attempt: &'static str,
        place: String,
        why: String,
    },
    #[error(
        "{place} belongs to another installation, whose artifacts would be removed: give each a bucket or a prefix of its own"
    )]
    Taken { place: String },
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl BlobError {
    pub(super) fn io(
        attempt: &'static str,
        path: &std::path::Path,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.display().to_string();
        move |source| Self::Io {
            attempt,
            path,
            source,
        }
    }

    pub(super) fn bucket(
        place: &BucketAddress,
        attempt: &'static str,
        error: &object_store::Error,
    ) -> Self {
        Self::Away {
            attempt,
            place: place.to_string(),
            why: super::bucket::cause(error),
        }
    }

    pub(super) fn missing(sha256: &str) -> Self {
        Self::Missing {
            sha256: sha256.to_owned(),
        }
    }
}

impl From<BlobError> for StoreError {
    fn from(error: BlobError) -> Self {
        match error {
            BlobError::Store(error) => error,
            BlobError::Io { path, source, .. } => Self::Io { path, source },
            BlobError::Missing { .. }
            | BlobError::Damaged { .. }
            | BlobError::Name(_)
            | BlobError::Away { .. }
            | BlobError::Taken { .. } => Self::Io {
                path: "artifacts".to_owned(),
                source: std::io::Error::other(error.to_string()),
            },
        }
    }
}
