//! What Codex did, as the run's log and its usage count need it.
//!
//! Values alone. Texts are as Codex gave them: secrets are removed by whoever stores them.

use std::{ops::Add, time::Duration};

use orch_sandbox::exec::Stream;
use serde::{Deserialize, Serialize};

use super::Limit;

/// One thing that happened while Codex worked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A line that Codex printed beside its events.
    Line {
        /// Where.
        stream: Stream,
        /// The line.
        text: String,
    },
    /// Codex starts a command.
    CommandStarted {
        /// As it is passed to the shell.
        command: String,
    },
    /// A command has ended.
    Command {
        /// As it was passed to the shell.
        command: String,
        /// Its exit code; `None` where it did not run or did not end by itself.
        exit_code: Option<i32>,
        /// What it printed, both outputs together.
        output: String,
    },
    /// Codex changed files by itself.
    FileChange {
        /// Which.
        changes: Vec<Change>,
        /// `completed`, or `failed`.
        status: String,
    },
    /// Codex used another tool.
    Tool {
        /// Which, with what it was used for.
        name: String,
        /// Codex's word for how it went.
        status: String,
    },
    /// Codex says something, at the end what it did.
    Message {
        /// The text.
        text: String,
    },
    /// A summary of what the model thinks.
    Reasoning {
        /// The text.
        text: String,
    },
    /// Tokens that were used since the last such event.
    Usage(Usage),
    /// Tokens of a model that the run has used up to now.
    Used(Sum),
    /// Something went wrong; Codex may go on.
    Error {
        /// What.
        message: String,
    },
    /// The model provider is short of something: the turn goes on after a pause.
    Limited {
        /// Of what.
        limit: Limit,
        /// How long the pause is.
        pause: Duration,
        /// What Codex said.
        message: String,
    },
    /// The agent's own remark.
    Notice {
        /// What it says.
        text: String,
    },
}

/// What a run has used of a model up to now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sum {
    /// As its provider names it, where that is known.
    pub model: Option<String>,
    /// The hold from which it is counted.
    pub since_epoch: u64,
    /// All of it.
    pub usage: Usage,
}

/// A changed file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its path, as Codex gave it.
    pub path: String,
    /// `add`, `update` or `delete`.
    pub kind: String,
}

/// Tokens used. Cached ones are part of the input, reasoning is part of the output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Read by the model.
    pub input_tokens: u64,
    /// Of these, taken from the provider's cache.
    pub cached_input_tokens: u64,
    /// Written by the model.
    pub output_tokens: u64,
    /// Of these, not shown.
    pub reasoning_output_tokens: u64,
}

impl Usage {
    /// What counts against a budget.
    pub(super) fn tokens(self) -> u64 {
        self.input_tokens.saturating_add(self.output_tokens)
    }

    /// What came on top of `earlier`, where this is the sum of a thread up to now. A count that went
    /// down began anew.
    pub(super) fn since(self, earlier: Self) -> Self {
        let began_anew =
            self.input_tokens < earlier.input_tokens || self.output_tokens < earlier.output_tokens;
        if began_anew {
            return self;
        }
        let less = u64::saturating_sub;
        Self {
            input_tokens: less(self.input_tokens, earlier.input_tokens),
            cached_input_tokens: less(self.cached_input_tokens, earlier.cached_input_tokens),
            output_tokens: less(self.output_tokens, earlier.output_tokens),
            reasoning_output_tokens: less(
                self.reasoning_output_tokens,
                earlier.reasoning_output_tokens,
            ),
        }
    }
}

impl Add for Usage {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            input_tokens: self.input_tokens + other.input_tokens,
            cached_input_tokens: self.cached_input_tokens + other.cached_input_tokens,
            output_tokens: self.output_tokens + other.output_tokens,
            reasoning_output_tokens: self.reasoning_output_tokens + other.reasoning_output_tokens,
        }
    }
}

impl Event {
    /// The event as lines of the run's log, with their streams; line breaks are cut already.
    #[must_use]
    pub fn log_lines(&self) -> Vec<(Stream, String)> {
        let out = |text: &str| lines(Stream::Stdout, text);
        let err = |text: &str| lines(Stream::Stderr, text);
        match self {
            Self::Line { stream, text } => lines(*stream, text),
            Self::CommandStarted { command } => out(&format!("codex runs: {command}")),
            Self::Command {
                command,
                exit_code,
                output,
            } => {
                let exit = match exit_code {
                    Some(code) => format!("exit code {code}"),
                    None => "no exit code".to_owned(),
                };
                let mut all = out(&format!("$ {command}"));
                all.extend(out(output));
                all.extend(out(&format!("[{exit}]")));
                all
            }
            Self::FileChange { changes, status } => changes
                .iter()
                .flat_map(|Change { path, kind }| out(&format!("[{kind} {path}: {status}]")))
                .collect(),
            Self::Tool { name, status } => out(&format!("[{name}: {status}]")),
            Self::Message { text } => out(text),
            Self::Reasoning { text } => out(&format!("(thinking) {text}")),
            Self::Usage(usage) => out(&format!(
                "tokens: {} in ({} cached), {} out ({} reasoning)",
                usage.input_tokens,
                usage.cached_input_tokens,
                usage.output_tokens,
                usage.reasoning_output_tokens
            )),
            Self::Used(_) => Vec::new(),
            Self::Error { message } => err(&format!("codex: {message}")),
            Self::Limited {
                limit,
                pause,
                message,
            } => err(&format!(
                "{}; going on in {:.1} s ({message})",
                limit.name(),
                pause.as_secs_f64()
            )),
            Self::Notice { text } => out(text),
        }
    }
}

fn lines(stream: Stream, text: &str) -> Vec<(Stream, String)> {
    text.lines().map(|line| (stream, line.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_and_its_output_become_lines_of_the_log() {
        let event = Event::Command {
            command: "make".to_owned(),
            exit_code: Some(2),
            output: "a\r\nb\n".to_owned(),
        };
        let lines: Vec<String> = event
            .log_lines()
            .into_iter()
            .map(|(_, line)| line)
            .collect();
        assert_eq!(lines, ["$ make", "a", "b", "[exit code 2]"]);
    }

    #[test]
    fn usage_of_a_resumed_thread_is_counted_once() {
        let sum = |n| Usage {
            input_tokens: 10 * n,
            cached_input_tokens: 4 * n,
            output_tokens: 3 * n,
            reasoning_output_tokens: n,
        };
        assert_eq!(sum(3).since(sum(1)), sum(2));
        assert_eq!(sum(1).since(sum(3)), sum(1));
        assert_eq!(sum(3).since(sum(1)) + sum(1), sum(3));
    }
}
