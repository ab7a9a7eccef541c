//! What keeps a command from running in its sandbox.

use std::{io, path::PathBuf};

use super::Backend;
use crate::exec::ExecError;

/// Why a cell could not be opened, or a command not be run in it.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The machine lacks what the backend needs.
    #[error("the sandbox `{backend}` cannot be used here: {lacks}")]
    Unusable {
        /// The backend that was asked for.
        backend: Backend,
        /// What is missing, and what to do.
        lacks: String,
    },
    /// No backend can be used.
    #[error(
        "no sandbox can be used here ({reasons}): mend one of these, or set AGENT_SANDBOX=process to run steps with the agent's own rights"
    )]
    NoneUsable {
        /// Each backend with what it lacks.
        reasons: String,
    },
    /// A folder above the workspace cannot be passed by an unprivileged user.
    #[error(
        "{} cannot be passed by the unprivileged user of sandboxed steps: set AGENT_STATE_DIR to a folder that everybody may pass, such as /var/lib/codex-orchestrator", .folder.display()
    )]
    Unreachable {
        /// The folder in the way.
        folder: PathBuf,
    },
    /// A file operation failed.
    #[error("failed to {action} {}", .path.display())]
    Io {
        /// What was attempted, as a verb.
        action: &'static str,
        /// On which path.
        path: PathBuf,
        /// What the system answered.
        source: io::Error,
    },
    /// The sandbox was not in force, and the command did not begin.
    #[error("the sandbox `{backend}` could not be set up: {reason}")]
    NotBegun {
        /// The backend.
        backend: Backend,
        /// What went wrong.
        reason: String,
    },
    /// The command was ended because the run had written too much.
    #[error(
        "it was ended: the run has written {} in {entries} files and folders, of at most {} (AGENT_LIMIT_DISK) and {limit_entries}; write less, or raise the limit", size(.used_bytes), size(.limit_bytes)
    )]
    Disk {
        /// Bytes on disk.
        used_bytes: u64,
        /// Files and folders.
        entries: u64,
        /// How many bytes are allowed.
        limit_bytes: u64,
        /// How many files and folders are allowed.
        limit_entries: u64,
    },
    /// The command was ended because what it wrote cannot be counted.
    #[error(
        "it was ended: what the run writes cannot be counted at {}: folders lie deeper than 512 within each other, a path is longer than the system reads, or a folder is closed again and again; write it elsewhere",
        shortened(path)
    )]
    Uncounted {
        /// Where.
        path: PathBuf,
    },
    /// The command was ended because its disk was nearly full.
    #[error(
        "it was ended: {} are free on the agent's disk, and {} must stay free (AGENT_MIN_FREE_BYTES); write less, or make room", size(.free_bytes), size(.reserve_bytes)
    )]
    DiskFull {
        /// Bytes that are free.
        free_bytes: u64,
        /// Bytes that must stay free.
        reserve_bytes: u64,
    },
    /// The system ended processes of the run because they needed too much memory.
    #[error(
        "it ran out of memory: the run may use {}; use less, or raise AGENT_LIMIT_MEMORY", size(.limit_bytes)
    )]
    Memory {
        /// How many bytes are allowed.
        limit_bytes: u64,
    },
    /// The command changed what no run may change.
    #[error(
        "it changed what no run may change in its workspace: {names}; name these in the recipe's `permissions.filesystem` if it must"
    )]
    Tampered {
        /// The names at the top of the workspace.
        names: String,
    },
    /// The command could not be started or watched.
    #[error(transparent)]
    Exec(#[from] ExecError),
}

/// Bytes in the largest unit that shows them without a remainder worth a word.
#[must_use]
pub fn size(bytes: &u64) -> String {
    const UNITS: [(&str, u64); 3] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    let unit = UNITS.iter().find(|(_, unit)| bytes >= unit);
    match unit {
        Some((name, unit)) if bytes.is_multiple_of(*unit) => format!("{} {name}", bytes / unit),
        Some((name, unit)) => {
            let tenths = u128::from(*bytes) * 10 / u128::from(*unit);
            format!("{}.{} {name}", tenths / 10, tenths % 10)
        }
        None => format!("{bytes} bytes"),
    }
}

pub(super) fn io_error(
    action: &'static str,
    path: impl Into<PathBuf>,
) -> impl FnOnce(io::Error) -> SandboxError {
    let path = path.into();
    move |source| SandboxError::Io {
        action,
        path,
        source,
    }
}

/// A path as messages repeat it: its beginning, where it is long.
fn shortened(path: &std::path::Path) -> String {
    const LONGEST: usize = 120;
    let text = path.display().to_string();
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
