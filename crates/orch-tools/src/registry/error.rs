//! Why a package cannot be taken.

use crate::{catalog::NotFound, fetch::FetchError};

/// What went wrong with a registry.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// The registry could not be asked.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// It has no such package.
    #[error(
        "{registry} has no package `{name}`; look at its spelling, and at which registry is configured ({at})"
    )]
    NoPackage {
        /// Which registry.
        registry: &'static str,
        /// The package.
        name: String,
        /// Where it was asked.
        at: String,
    },
    /// It has no such version.
    #[error(transparent)]
    NoVersion(#[from] NotFound),
    /// Its answer is not what it should be.
    #[error("the answer of {registry} on `{name}` cannot be used: {why}")]
    Answer {
        /// Which registry.
        registry: &'static str,
        /// The package.
        name: String,
        /// What is wrong.
        why: String,
    },
    /// Something that it needs cannot be taken.
    #[error("{name} needs {need}, which cannot be taken: {why}")]
    Need {
        /// The package.
        name: String,
        /// What it needs.
        need: String,
        /// Why not.
        why: String,
    },
    /// A program of this machine is needed.
    #[error("`{program}` is needed for packages of {registry}: {why}")]
    Program {
        /// The program.
        program: &'static str,
        /// Which registry.
        registry: &'static str,
        /// What went wrong.
        why: String,
    },
}
