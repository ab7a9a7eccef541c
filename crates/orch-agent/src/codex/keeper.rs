//! What keeps Codex and the commands that it runs where they belong, and how its processes start.
//!
//! Within the run's sandbox Codex's own is switched off: it could not be set up there, and one wall
//! that is known beats two that are not. Without one, Codex's own is what there is.

use std::{path::Path, sync::Arc};

use jiff::Timestamp;
use orch_sandbox::{
    exec::{self, Command, Exit, Line},
    sandbox::Cell,
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::CodexError;

/// By what the commands of Codex are kept in the workspace.
#[derive(Clone)]
pub enum Keeper {
    /// Codex's own sandbox; Codex itself is a plain process.
    Codex,
    /// The run's sandbox, with Codex in it.
    Run(Arc<dyn Cell>),
}

impl Keeper {
    /// What Codex is told to do by itself.
    pub(super) fn sandbox_mode(&self) -> &'static str {
        match self {
            Self::Codex => "workspace-write",
            Self::Run(_) => "danger-full-access",
        }
    }

    /// Gives what was made for Codex to the user as whom it runs.
    pub(super) fn give(&self, path: &Path) -> Result<(), CodexError> {
        match self {
            Self::Codex => Ok(()),
            Self::Run(cell) => cell.give(path).map_err(|source| CodexError::Sandbox {
                action: "give Codex its folder",
                source,
            }),
        }
    }

    /// Runs a process of Codex to the end of its last descendant.
    pub(super) async fn run(
        &self,
        command: Command,
        sink: mpsc::Sender<Line>,
        cancel: CancellationToken,
    ) -> Result<Exit, CodexError> {
        const ACTION: &str = "run codex";
        // The log's times are those of the events' arrival.
        let now = || Timestamp::UNIX_EPOCH;
        match self {
            Self::Codex => {
                let ran = exec::run(command, now, sink, cancel).await;
                ran.map_err(|source| CodexError::Run {
                    action: ACTION,
                    source,
                })
            }
            Self::Run(cell) => {
                let ran = cell.run(command, Arc::new(now), sink, cancel).await;
                ran.map_err(|source| CodexError::Sandbox {
                    action: ACTION,
                    source,
                })
            }
        }
    }
}
