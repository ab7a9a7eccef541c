//! Running one command as a process of this machine, from its start to the end of its last
//! descendant.
//!
//! Returns only when no process of the command is left (or none that could be reached), and kills
//! them all when its future is dropped.

use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Command, ExecError, Line, start::start, watch::watch, wrapper::Wrapper};

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It exited with this code; 0 is success.
    Code(i32),
    /// A signal that did not come from here ended it.
    Signal(i32),
    /// It was ended because it ran longer than allowed.
    TimedOut {
        /// The time it was allowed.
        after: Duration,
    },
    /// It was ended because the caller asked for it, or never started for that reason.
    Cancelled,
}

/// Runs a command and sends its output to `sink` as it comes, in order within each stream.
///
/// The sink's capacity bounds memory: a full one slows the command down. A closed one does not end
/// the command; its output is thrown away. `now` stamps each line.
///
/// # Errors
/// [`ExecError`] when the command could not be started, or its end or output not be watched; its
/// processes are ended in these cases too.
pub async fn run<N>(
    command: Command,
    now: N,
    sink: mpsc::Sender<Line>,
    cancel: CancellationToken,
) -> Result<Exit, ExecError>
where
    N: Fn() -> Timestamp + Clone + Send + Sync + 'static,
{
    run_within(None, command, now, sink, cancel).await
}

/// [`run`], within what `wrapper` sets up.
pub(crate) async fn run_within<N>(
    wrapper: Option<Wrapper>,
    mut command: Command,
    now: N,
    sink: mpsc::Sender<Line>,
    cancel: CancellationToken,
) -> Result<Exit, ExecError>
where
    N: Fn() -> Timestamp + Clone + Send + Sync + 'static,
{
    if cancel.is_cancelled() {
        return Ok(Exit::Cancelled);
    }
    let (mut processes, pipes) = start(&command, wrapper)?;
    let bounds = command.bounds();
    watch(&mut processes, pipes, bounds, now, sink, cancel).await
}

#[cfg(test)]
#[path = "run_tests.rs"]
mod tests;
