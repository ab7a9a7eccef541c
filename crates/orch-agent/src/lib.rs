//! The agent of Codex Orchestrator: takes runs over one stream, plans and runs their steps, and
//! reports what happened.
//!
//! It never opens the database and never asks for work: the server pushes it.

mod agent;
mod artifacts;
pub mod clock;
pub mod codex;
mod command;
mod config;
mod confine;
mod connection;
mod desk;
mod error;
mod hold;
mod identity;
mod kept;
mod labels;
mod outage;
mod outbox;
mod preflight;
mod progress;
mod room;
mod runs;
mod servers;
mod settle;
mod text;
mod tools;
mod work;
mod worker;
mod workspaces;

pub use agent::{choose_sandbox, run, run_with};
pub use artifacts::ArtifactLimits;
pub use command::{CommandSetup, Format};
pub use config::{AgentConfig, Executor, LlmPlanning};
pub use confine::SandboxSetup;
pub use desk::Desk;
pub use error::AgentError;
pub use kept::{Kept, Note, list as kept_workspaces};
pub use orch_redact::{ByteRedactor, Hidden, MASK, Redactor};
pub use preflight::Lack;
pub use progress::{LineEnd, RunLog, Source, StepStatus};
pub use tools::SandboxWorkshop;
pub use work::Steps;
pub use worker::{Ended, Finished, Job, Outcome, Question, Verdict, Worker};
pub use workspaces::WorkspaceSetup;
