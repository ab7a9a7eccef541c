//! The contract that every backend keeps.

use std::{fmt, path::Path, sync::Arc};

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Confinement, SandboxError};
use crate::exec::{Command, Exit, Line};

/// Tells the time at which a line came.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// What comes of a running command.
pub type Running<'a> =
    std::pin::Pin<Box<dyn Future<Output = Result<Exit, SandboxError>> + Send + 'a>>;

/// A way to keep commands where they belong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Backend {
    /// Namespaces set up by bubblewrap, with Landlock and seccomp inside.
    Bubblewrap,
    /// Landlock, seccomp and an unprivileged user, without namespaces.
    Landlock,
    /// A container of Docker.
    Docker,
    /// A container of Podman.
    Podman,
    /// Nothing: a plain process with the agent's rights.
    Process,
}

impl Backend {
    /// The name in settings and messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Bubblewrap => "bubblewrap",
            Self::Landlock => "landlock",
            Self::Docker => "docker",
            Self::Podman => "podman",
            Self::Process => "process",
        }
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A backend, ready to open cells.
pub trait Sandbox: fmt::Debug + Send + Sync {
    /// Which one.
    fn backend(&self) -> Backend;

    /// Prepares what a run's commands share. Blocks on the file system.
    ///
    /// # Errors
    /// When the machine lacks what the confinement asks for.
    fn open(&self, confinement: Confinement) -> Result<Box<dyn Cell>, SandboxError>;
}

/// Where a run's commands run, one after another. Dropping it ends what is left of it.
pub trait Cell: Send + Sync {
    /// Runs a command to the end of its last descendant, as [`crate::exec::run`] does.
    fn run<'a>(
        &'a self,
        command: Command,
        now: Clock,
        sink: mpsc::Sender<Line>,
        cancel: CancellationToken,
    ) -> Running<'a>;

    /// Gives what was put into the run's folders since the cell was opened to the commands' user.
    ///
    /// # Errors
    /// When its owner cannot be changed.
    fn give(&self, path: &Path) -> Result<(), SandboxError>;
}
