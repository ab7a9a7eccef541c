//! Why planning or executing through Codex did not come to an outcome.
//!
//! A turn that runs and fails is an outcome and no error. Messages carry no environment and no keys;
//! what a command printed may hold secrets and is cleaned by whoever shows it.

use std::{io, path::PathBuf, time::Duration};

use orch_core::plan::LlmPlanError;
use orch_sandbox::{
    exec::{ExecError, Exit},
    sandbox::SandboxError,
};

/// Why Codex could not carry a run out.
#[derive(Debug, thiserror::Error)]
pub enum CodexError {
    /// There is no Codex.
    #[error(
        "the Codex CLI {} was not found (PATH is {path:?}): install it (npm install -g @openai/codex), or name it in CODEX_BIN", .bin.display()
    )]
    Missing {
        /// What was looked for.
        bin: PathBuf,
        /// Where.
        path: String,
    },
    /// Codex does not say which arguments it takes.
    #[error("`{} {subcommand} --help` {exit} ({stderr}): check that CODEX_BIN is a Codex CLI", .bin.display())]
    Probe {
        /// The binary.
        bin: PathBuf,
        /// Of what it was asked.
        subcommand: String,
        /// How it ended.
        exit: String,
        /// The end of its error output.
        stderr: String,
    },
    /// The installed version lacks what executing needs.
    #[error(
        "the Codex CLI {} does not accept `exec {argument}`, which the agent needs: install another version (0.169 is known to work)", .bin.display()
    )]
    Unsupported {
        /// The binary.
        bin: PathBuf,
        /// The argument.
        argument: &'static str,
    },
    /// Neither the run's folder nor the user's cache may hold Codex's own folder.
    #[error(
        "no place for Codex's own folder: {} lies in a folder for temporary files, which Codex refuses and its commands may write to; keep the agent's state folder, or HOME, in another place", .path.display()
    )]
    TemporaryHome {
        /// The place that was tried last.
        path: PathBuf,
    },
    /// A file operation on Codex's own folder failed.
    #[error("failed to {action} {}", .path.display())]
    Home {
        /// What was attempted, as a verb.
        action: &'static str,
        /// On which path.
        path: PathBuf,
        /// What the system answered.
        source: io::Error,
    },
    /// The user's configuration is not TOML.
    #[error("{} is not a valid Codex configuration: {reason}", .path.display())]
    Template {
        /// The file.
        path: PathBuf,
        /// Line and column, and what is wrong there.
        reason: String,
    },
    /// Codex could not be started or watched.
    #[error("failed to {action}")]
    Run {
        /// What was attempted.
        action: &'static str,
        /// Why it failed.
        source: ExecError,
    },
    /// The run's sandbox could not start or watch Codex.
    #[error("failed to {action}")]
    Sandbox {
        /// What was attempted.
        action: &'static str,
        /// Why it failed.
        source: SandboxError,
    },
    /// What is kept of the conversation could not be written.
    #[error("failed to keep what is known of the conversation with Codex in {}", .folder.display())]
    Memory {
        /// The run's folder.
        folder: PathBuf,
        /// What the system answered.
        source: io::Error,
    },
    /// The app-server is asked for and cannot be used.
    #[error(
        "AGENT_CODEX_MODE is app-server, and {why}: install another version (0.169 is known to work), or leave AGENT_CODEX_MODE unset to have `codex exec` used then"
    )]
    NoAppServer {
        /// What is in the way.
        why: String,
    },
    /// The way to the model provider cannot be opened.
    #[error("failed to open the way to the model provider of Codex: {why}")]
    Gateway {
        /// Why not.
        why: String,
    },
    /// The app-server did not do as it was asked.
    #[error("codex app-server {0}")]
    Protocol(String),
}

/// Why there is no plan by a model; the deterministic plan takes its place.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct PlanFailure {
    /// What happened.
    #[source]
    pub error: PlanError,
    /// What was done differently from what was asked for, until then.
    pub notes: Vec<String>,
}

/// What kept the plan from coming.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The run was cancelled meanwhile.
    #[error("planning was cancelled")]
    Cancelled,
    /// The command gave no plan, and no other way is allowed.
    #[error("the planning command gave no plan: {0}")]
    Command(CommandFailure),
    /// Neither the command nor the server gave one.
    #[error("the planning command gave no plan: {command}; and the fallback neither: {fallback}")]
    CommandAndFallback {
        /// Why the command did not.
        command: CommandFailure,
        /// Why the server did not.
        fallback: FallbackFailure,
    },
}

/// Why the planning command gave no plan. Causes are part of the messages: they become one line of
/// a run's log.
#[derive(Debug, thiserror::Error)]
pub enum CommandFailure {
    /// It could not be started or watched.
    #[error("it could not be run: {0}")]
    Run(ExecError),
    /// It exited with a code other than 0, or by a signal.
    #[error("`{command}` {exit} ({stderr})")]
    Failed {
        /// The command.
        command: String,
        /// How it ended.
        exit: String,
        /// The end of its error output.
        stderr: String,
    },
    /// It took too long.
    #[error("it did not answer within {} s (CODEX_PLAN_TIMEOUT)", .after.as_secs_f64())]
    TimedOut {
        /// The time it had.
        after: Duration,
    },
    /// Its answer is no plan.
    #[error("{}", chain(.0))]
    Answer(LlmPlanError),
}

/// Why the OpenAI-compatible server gave no plan.
#[derive(Debug, thiserror::Error)]
pub enum FallbackFailure {
    /// The settings do not make a request.
    #[error("cannot ask {url}: {reason}")]
    Request {
        /// Where to.
        url: String,
        /// What is wrong.
        reason: String,
    },
    /// The server cannot be reached or broke off.
    #[error("{url} cannot be reached: {reason}")]
    Unreachable {
        /// Where to.
        url: String,
        /// What happened.
        reason: String,
    },
    /// It refused.
    #[error("{url} answered {status}: {message}")]
    Refused {
        /// Where to.
        url: String,
        /// The HTTP status.
        status: u16,
        /// What it said.
        message: String,
    },
    /// It took too long, its own requests to wait included.
    #[error("{url} did not answer within {} s (CODEX_PLAN_TIMEOUT); last: {last}", .after.as_secs_f64())]
    TimedOut {
        /// Where to.
        url: String,
        /// The time it had.
        after: Duration,
        /// How the last attempt ended.
        last: String,
    },
    /// Its answer is not that of a chat completion.
    #[error("{url} answered something else than a chat completion: {reason}")]
    NotACompletion {
        /// Where to.
        url: String,
        /// What is wrong.
        reason: String,
    },
    /// The model's answer is no plan.
    #[error("{}", chain(.0))]
    Answer(LlmPlanError),
}

/// An error and its causes in one line.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}

/// How a process ended, for a sentence.
pub(super) fn ended(exit: Exit) -> String {
    match exit {
        Exit::Code(code) => format!("exited with {code}"),
        Exit::Signal(signal) => format!("was ended by signal {signal}"),
        Exit::TimedOut { after } => format!("timed out after {} s", after.as_secs_f64()),
        Exit::Cancelled => "was cancelled".to_owned(),
    }
}
