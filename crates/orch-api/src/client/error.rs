//! What can go wrong between a caller and the server, each with the next step where there is one.

use std::time::Duration;

use crate::problem::Problem;

/// A call that did not bring what was asked for.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The address is not one of a server.
    #[error("`{given}` is not the address of a server: {reason}")]
    Address {
        /// What was given.
        given: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The token cannot stand in a header.
    #[error("the API token ({0} bytes) holds characters that a header cannot carry")]
    Token(usize),
    /// The idempotency key cannot stand in a header.
    #[error("the idempotency key ({0} bytes) holds characters that a header cannot carry")]
    Key(usize),
    /// The HTTP client could not be made.
    #[error("failed to set up the HTTP client")]
    Setup(#[source] reqwest::Error),
    /// Nobody answers there.
    #[error("no server answers at {url}")]
    Unreachable {
        /// The server's address.
        url: String,
        #[source]
        source: reqwest::Error,
    },
    /// The connection stood, and the answer did not come in time.
    #[error("the server at {url} did not answer within {} s", after.as_secs())]
    TimedOut {
        /// The server's address.
        url: String,
        /// How long it was waited for.
        after: Duration,
    },
    /// The server said no; the problem says why.
    #[error("{0}")]
    Refused(Box<Problem>),
    /// The server points elsewhere, which a client with a token does not follow.
    #[error("the server at {url} redirects to {to}")]
    Redirected {
        /// The server's address.
        url: String,
        /// Where it points.
        to: String,
    },
    /// The connection broke while the answer was read.
    #[error("the connection to {url} broke before the answer was complete")]
    Interrupted {
        /// The server's address.
        url: String,
        #[source]
        source: reqwest::Error,
    },
    /// The answer is larger than any that was asked for.
    #[error("the answer to {request} is larger than {limit_bytes} bytes")]
    TooLarge {
        /// Method and path.
        request: String,
        /// The most that is read.
        limit_bytes: usize,
    },
    /// The answer does not have the expected shape.
    #[error("failed to understand the answer to {request}")]
    Unreadable {
        /// Method and path.
        request: String,
        #[source]
        source: serde_json::Error,
    },
    /// The stream of a log does not follow the format of event streams.
    #[error("failed to follow the log of run {run_id}: {reason}")]
    BrokenStream {
        /// The run.
        run_id: i64,
        /// What is wrong.
        reason: String,
    },
    /// A stream ended before what it was to tell.
    #[error("the server ended the stream of {request} before the request was over")]
    Ended {
        /// What was asked.
        request: String,
    },
}

impl ClientError {
    /// What the caller can do about it.
    #[must_use]
    pub fn next_step(&self) -> Option<String> {
        match self {
            Self::Address { .. } => {
                Some("give an address such as http://localhost:18080 with --url or ORCH_URL".to_owned())
            }
            Self::Token(_) => Some("set ORCH_API_TOKEN to the server's token, without spaces or line ends".to_owned()),
            Self::Unreachable { .. } => Some(
                "start a server with `codex-orchestrator up`, or give the address of a running one with --url or ORCH_URL"
                    .to_owned(),
            ),
            Self::TimedOut { .. } | Self::Interrupted { .. } => {
                Some("try again; `codex-orchestrator doctor` checks the server".to_owned())
            }
            Self::Redirected { to, .. } => Some(format!("if {to} is the server, give it with --url or ORCH_URL")),
            Self::Refused(problem) => refused(problem),
            Self::Unreadable { .. } | Self::TooLarge { .. } | Self::BrokenStream { .. } => Some(
                "check with `codex-orchestrator doctor` that the address is a Codex Orchestrator of this version"
                    .to_owned(),
            ),
            Self::Key(_) => Some("choose a key of visible ASCII characters".to_owned()),
            Self::Setup(_) | Self::Ended { .. } => None,
        }
    }

    /// The problem, when the server refused.
    #[must_use]
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Refused(problem) => Some(problem),
            Self::Address { .. }
            | Self::Token(_)
            | Self::Key(_)
            | Self::Setup(_)
            | Self::Unreachable { .. }
            | Self::TimedOut { .. }
            | Self::Redirected { .. }
            | Self::Interrupted { .. }
            | Self::TooLarge { .. }
            | Self::Unreadable { .. }
            | Self::BrokenStream { .. }
            | Self::Ended { .. } => None,
        }
    }
}

fn refused(problem: &Problem) -> Option<String> {
    match problem.status {
        401 => Some("set ORCH_API_TOKEN to the server's token".to_owned()),
        429 => Some("wait, or raise ORCH_RATE_LIMIT_PER_MIN on the server".to_owned()),
        503 => Some("wait a little and try again".to_owned()),
        500.. => Some(match &problem.request_id {
            Some(id) => format!("look for request {id} in the server's log"),
            None => "look into the server's log".to_owned(),
        }),
        _ => None,
    }
}
