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
mod error;
mod hold;
mod identity;
mod outage;
mod outbox;
mod progress;
mod redact;
mod runs;
mod servers;
mod settle;
mod text;
mod work;
mod worker;

pub use agent::{run, run_with};
pub use artifacts::ArtifactLimits;
pub use command::{CommandSetup, Format};
pub use config::{AgentConfig, Executor, LlmPlanning};
pub use confine::SandboxSetup;
pub use error::AgentError;
pub use progress::{LineEnd, RunLog, Source, StepStatus};
pub use redact::{MASK, Redactor};
pub use work::Steps;
pub use worker::{Ended, Finished, Job, Outcome, Question, Verdict, Worker};
