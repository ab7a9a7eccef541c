//! What is wrong with settings, and why tools cannot be used.

use std::time::Duration;

/// The file of servers, or what a role wants of it, cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum McpSettingsError {
    #[error("{place}: {why}")]
    File { place: String, why: String },
    #[error("the role `{role}` wants the tool `{wanted}`: {why}")]
    Role {
        role: String,
        wanted: String,
        why: String,
    },
}

/// The tools of a server cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the tools of the server `{server}` cannot be used: {why}")]
pub struct ToolsError {
    pub server: String,
    pub why: Why,
}

/// Why not.
#[derive(Debug, thiserror::Error)]
pub enum Why {
    #[error("the variable {0}, which it needs, is not set")]
    NoVariable(String),
    #[error("{0} does not start: {1}")]
    NoStart(String, std::io::Error),
    #[error("it did not begin to speak the protocol within {} s{said}", within.as_secs())]
    TooLate { within: Duration, said: String },
    #[error("{0}{1}")]
    NoTalk(String, String),
    #[error("it has no tool `{wanted}`; it has {}", .has.join(", "))]
    NoTool { wanted: String, has: Vec<String> },
    #[error("the tool `{0}` {1}")]
    BadTool(String, &'static str),
}
