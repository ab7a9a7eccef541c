//! The Codex command line as planner and as executor, and the OpenAI-compatible fallback.
//!
//! Owns how Codex is started, fed, watched and understood. Keys of model providers reach Codex
//! alone and never the commands it runs; nothing in here talks to the control plane, decides a
//! run's state or removes secrets from what it reports: that is the caller's part.

mod capture;
mod command_line;
mod error;
mod event;
mod execute;
mod home;
mod limit;
mod openai;
mod plan;
mod probe;
mod prompt;
mod session;
mod setup;
mod stream;
mod template;

pub(crate) use command_line::words;
pub use error::{CodexError, CommandFailure, FallbackFailure, PlanError, PlanFailure};
pub use event::{Change, Event, Usage};
pub use execute::execute;
pub use limit::Limit;
pub use plan::{PlanRequest, Planned, plan};
pub use prompt::execution_prompt;
pub use session::{Launch, Outcome, Report};
pub use setup::{CodexSetup, OpenAiSetup, PlannerSetup, SetupError};
