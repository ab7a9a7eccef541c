//! Running a command for its output, within bounds of time and size.
//!
//! Keeps the standard output up to a limit and the end of the standard error output; a command that
//! writes more is ended.

use std::collections::VecDeque;

use jiff::Timestamp;
use orch_sandbox::exec::{self, Command, ExecError, Exit, Stream};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Lines on their way from the pipes.
pub(super) const LINES_IN_FLIGHT: usize = 64;

const KEPT_ERROR_LINES: usize = 8;
const KEPT_LINE_CHARACTERS: usize = 300;

/// What a command printed and how it ended.
#[derive(Debug)]
pub(super) struct Captured {
    pub(super) exit: Exit,
    pub(super) stdout: String,
    pub(super) size: Size,
    pub(super) stderr: Tail,
}

/// Whether all of the output was kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Size {
    Whole,
    /// The command wrote more than was allowed, and was ended for that.
    TooLarge,
}

/// The last lines of an output.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Tail(VecDeque<String>);

impl Tail {
    pub(super) fn push(&mut self, line: &str) {
        if line.trim().is_empty() {
            return;
        }
        if self.0.len() == KEPT_ERROR_LINES {
            self.0.pop_front();
        }
        self.0
            .push_back(line.chars().take(KEPT_LINE_CHARACTERS).collect());
    }

    /// The lines in one, or `nothing on stderr`.
    pub(super) fn text(&self) -> String {
        if self.0.is_empty() {
            return "nothing on stderr".to_owned();
        }
        self.0
            .iter()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join(" | ")
    }
}

/// Runs the command to its end.
pub(super) async fn capture(
    command: Command,
    max_bytes: usize,
    cancel: &CancellationToken,
) -> Result<Captured, ExecError> {
    let stop = cancel.child_token();
    let (sink, mut lines) = mpsc::channel(LINES_IN_FLIGHT);
    // When a line was read is of no interest here.
    let running = exec::run(command, || Timestamp::UNIX_EPOCH, sink, stop.clone());
    let reading = async {
        let mut stdout = String::new();
        let mut size = Size::Whole;
        let mut stderr = Tail::default();
        while let Some(line) = lines.recv().await {
            match line.stream {
                Stream::Stdout if stdout.len() + line.message.len() < max_bytes => {
                    stdout.push_str(&line.message);
                    if !line.partial {
                        stdout.push('\n');
                    }
                }
                Stream::Stdout => {
                    size = Size::TooLarge;
                    stop.cancel();
                }
                Stream::Stderr => stderr.push(&line.message),
            }
        }
        (stdout, size, stderr)
    };
    let (exit, (stdout, size, stderr)) = tokio::join!(running, reading);
    Ok(Captured {
        exit: exit?,
        stdout,
        size,
        stderr,
    })
}
