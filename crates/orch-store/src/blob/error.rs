//! Why bytes cannot be kept or read.

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
            BlobError::Missing { .. } | BlobError::Damaged { .. } | BlobError::Name(_) => {
                Self::Io {
                    path: "artifacts".to_owned(),
                    source: std::io::Error::other(error.to_string()),
                }
            }
        }
    }
}
