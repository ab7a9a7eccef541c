//! What can be wrong with a role, with its place and what is expected.

use std::path::PathBuf;

/// Why a role cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RoleError {
    #[error("the role {place} is not valid: {why}")]
    Invalid { place: String, why: String },
    #[error("failed to read {}", path.display())]
    Io {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("{} holds more than {most} roles", path.display())]
    TooMany { path: PathBuf, most: usize },
    #[error("failed to write the prompt of the role {role}: {why}")]
    Render { role: String, why: String },
}
