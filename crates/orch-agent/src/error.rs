//! Why the agent as a whole cannot start or go on.
//!
//! What goes wrong within a run is that run's outcome and never an error of the agent; an outage of
//! the server is waited out and is none either.

use std::path::PathBuf;

use orch_sandbox::{exec::WorkspaceError, sandbox::SandboxError};

/// Why the agent gave up.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// `ORCH_URL` cannot be used.
    #[error("ORCH_URL {url:?} {problem}; expected something like http://127.0.0.1:18080")]
    Url {
        /// The address as given.
        url: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A token that cannot stand in a header.
    #[error(
        "ORCH_API_TOKEN holds characters that cannot be sent in a header: use visible ASCII alone"
    )]
    Token,
    /// A setting has a value that cannot be used.
    #[error("{name} is {value:?}; expected {expected}")]
    Setting {
        /// The environment variable.
        name: &'static str,
        /// Its value.
        value: String,
        /// What it takes.
        expected: &'static str,
    },
    /// The agent's name could not be kept.
    #[error("failed to {action} the agent's id in {}", .path.display())]
    Identity {
        /// What was attempted.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system answered.
        source: std::io::Error,
    },
    /// The kept name is no name.
    #[error(
        "{} holds no agent id (1 to 128 characters without controls): remove the file, or set AGENT_ID", .path.display()
    )]
    InvalidIdentity {
        /// The file.
        path: PathBuf,
    },
    /// What a killed agent left behind could not be cleared away.
    #[error("failed to clear away what an earlier agent left running")]
    Leftovers(#[source] WorkspaceError),
    /// The running program, which sandboxes begin with, cannot be told.
    #[error("failed to find the running program")]
    OwnProgram(#[source] std::io::Error),
    /// A setting bounds what plain processes may do, which nothing holds them to.
    #[error(
        "{name} needs a sandbox to hold steps to it, and steps run as plain processes: set AGENT_SANDBOX=auto, or unset {name}"
    )]
    NeedsSandbox {
        /// The environment variable.
        name: &'static str,
    },
    /// Programs or files that settings name are not there.
    #[error("{0}")]
    Missing(String),
    /// No sandbox can be used as it is wanted.
    #[error(transparent)]
    Sandbox(SandboxError),
    /// The server does not want this agent, and will not later either.
    #[error("the server at {url} refused the agent ({code}: {message}); {advice}")]
    Refused {
        /// The server's address.
        url: String,
        /// The gRPC status, such as `unauthenticated`.
        code: String,
        /// What the server said.
        message: String,
        /// What to do.
        advice: &'static str,
    },
}
