//! What carries a run out, as the agent sees it: a job in, an outcome back.
//!
//! The agent proper holds runs and talks to the server; a worker does neither. A worker that starts
//! no process at all is a valid one.

use std::sync::Arc;

use futures::future::BoxFuture;
use orch_api::proto::Assignment;
use orch_core::{info_request::Field, recipe::Step};
use orch_sandbox::exec::RunFolder;
use tokio_util::sync::CancellationToken;

use crate::{desk::Desk, progress::RunLog, tools::ToolDesk};

/// One run to be carried out.
pub struct Job {
    /// What the server handed out.
    pub assignment: Assignment,
    /// Where the run's lines and steps go.
    pub log: RunLog,
    /// Cancelled when the run is to end at once: it is lost, or the agent shuts down.
    pub stop: CancellationToken,
    /// What people say to the run while it works.
    pub said: tokio::sync::Mutex<tokio::sync::mpsc::Receiver<String>>,
    /// Where single things are asked of the server.
    pub desk: Arc<Desk>,
    /// Decides on tools that the run's processes ask for.
    pub(crate) tool_desk: ToolDesk,
}

/// Carries runs out.
pub trait Worker: Send + Sync + 'static {
    /// Works on one run until its outcome is known, and leaves no process of it behind. Once
    /// `job.stop` is cancelled it ends within a few seconds.
    fn work(&self, job: Job) -> BoxFuture<'static, Ended>;
}

/// What working on a run came to.
#[derive(Debug)]
pub struct Ended {
    /// What is to be told to the server.
    pub outcome: Outcome,
    /// The run's folder; removed once the server knows the outcome, kept while the run may go on.
    pub folder: Option<RunFolder>,
}

/// What is to be told to the server.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The run is over.
    Finished(Finished),
    /// A person has to answer first.
    Ask(Question),
    /// A person has to approve these steps first.
    Propose(Vec<Step>),
    /// It was stopped before it was over.
    Stopped,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// Whether it did what it should.
    pub verdict: Verdict,
    /// The code of the step that decided, where it exited.
    pub exit_code: Option<i32>,
    /// Why, in a few words.
    pub reason: String,
    /// What the worker says of the run, or empty.
    pub summary: String,
    /// A JSON object of token counts, or empty.
    pub usage_json: String,
}

impl Finished {
    /// A run that failed without an exit code to tell of.
    pub fn failed(reason: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Failed,
            exit_code: None,
            reason: reason.into(),
            summary: String::new(),
            usage_json: String::new(),
        }
    }

    /// A run that did what it should.
    pub fn succeeded(reason: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Succeeded,
            exit_code: Some(0),
            ..Self::failed(reason)
        }
    }
}

/// Whether a run did what it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It did.
    Succeeded,
    /// It did not.
    Failed,
}

/// What a person is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The question, with what can be done.
    pub prompt: String,
    /// What to fill in; never empty.
    pub fields: Vec<Field>,
}
