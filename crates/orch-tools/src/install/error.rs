//! Why a tool is not installed.

use std::{io, path::PathBuf};

use orch_archive::ArchiveError;

use crate::{cache::CacheError, fetch::FetchError};

/// What went wrong with an installation.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// A file could not be had.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// An archive could not be unpacked.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The cache failed.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// Its steps failed.
    #[error("the entry's install steps failed: {0}")]
    Steps(String),
    /// It has no program that it should have.
    #[error("{0}")]
    Programs(String),
    /// The entry is not the one that the lock was made from.
    #[error(
        "the catalog's entry of {name} {version} is not the one that was locked: it was changed or removed; \
         resolve again and look at what changed"
    )]
    EntryChanged {
        /// The tool.
        name: String,
        /// Its version.
        version: String,
    },
    /// The lock asks for something else than the entry that it names.
    #[error(
        "the lock of {name} {version} does not say what the catalog's entry says: {what}; the entry holds, nothing \
         was installed"
    )]
    LockDisagrees {
        /// The tool.
        name: String,
        /// Its version.
        version: String,
        /// Where they differ.
        what: String,
    },
    /// Nobody who is trusted signed it.
    #[error(
        "the catalog's entry of {name} {version} is not signed by a trusted key ({why}); have it signed \
         (`codex-orchestrator tool sign`), trust its key (AGENT_TOOL_KEYS), or say so explicitly: \
         AGENT_TOOL_UNSIGNED=allow, or --allow-unsigned on the command line"
    )]
    Unsigned {
        /// The tool.
        name: String,
        /// Its version.
        version: String,
        /// What lacks.
        why: String,
    },
    /// It has known vulnerabilities.
    #[error(
        "{name} {version} has known vulnerabilities of severity {severity} or more: {ids}; take a version without \
         them, or raise AGENT_TOOL_SEVERITY"
    )]
    Vulnerable {
        /// The tool.
        name: String,
        /// Its version.
        version: String,
        /// The least that is refused.
        severity: String,
        /// Their ids.
        ids: String,
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

impl InstallError {
    pub(crate) fn io(
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
