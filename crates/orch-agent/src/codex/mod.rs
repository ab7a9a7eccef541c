//! The Codex command line as planner and as executor, by its app-server or by `codex exec`, and the
//! OpenAI-compatible fallback.
//!
//! Owns how Codex is started, fed, watched and understood. Keys of model providers reach Codex
//! alone and never the commands it runs; nothing in here talks to the control plane, decides a
//! run's state or removes secrets from what it reports: that is the caller's part.

mod approval;
mod capture;
mod client;
mod command_line;
mod converse;
mod error;
mod event;
mod execute;
mod gateway;
mod home;
mod items;
mod keeper;
mod limit;
mod memory;
mod meter;
mod mode;
mod openai;
mod plan;
mod probe;
mod program;
mod prompt;
mod provider;
mod ready;
mod session;
mod setup;
mod stream;
mod survey;
mod template;
mod turn;
mod wire;

pub(crate) use approval::KEY as QUESTION;
pub(crate) use command_line::words;
pub use converse::Talk;
pub use error::{CodexError, CommandFailure, FallbackFailure, PlanError, PlanFailure};
pub use event::{Change, Event, Sum, Usage};
pub use execute::execute;
pub use gateway::Gateway;
pub use keeper::Keeper;
pub use limit::Limit;
pub(crate) use memory::has_conversation;
pub(crate) use mode::argument_model;
pub use mode::{AppSetup, Approval, Mode};
pub use plan::{PlanRequest, Planned, plan};
pub(crate) use program::installed;
pub use prompt::execution_prompt;
pub use provider::{Loopback, Route};
pub use session::{Launch, Outcome, Report};
pub use setup::{CodexSetup, OpenAiSetup, PlannerSetup, SetupError};
pub use survey::{Survey, survey};
