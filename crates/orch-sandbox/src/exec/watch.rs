//! Watching a command that has begun: its output streamed, its time bounded, its processes ended.
//!
//! Knows neither how the command was started nor how its processes are found; comes back only when
//! none of them is left, or none that could be reached.

use std::{future::pending, os::unix::process::ExitStatusExt, process::ExitStatus, time::Duration};

use jiff::Timestamp;
use tokio::{io::AsyncWriteExt, net::unix::pipe, sync::mpsc, task::JoinSet, time::sleep};
use tokio_util::sync::CancellationToken;

use super::{
    ExecError, Line, Stdin, Stream,
    family::Search,
    output::pump,
    pumps::{Pumped, Pumps},
    run::Exit,
    spawn::Ours,
};

/// How long what a command left behind may go on writing after the command itself has exited.
pub(super) const AFTER_EXIT: Duration = Duration::from_millis(300);

/// The processes of a command that has begun. Dropped before they have ended, they are killed.
pub(crate) trait Processes {
    /// Waits for the end of the first one. May be asked again.
    fn wait(&mut self) -> impl Future<Output = Result<ExitStatus, ExecError>> + Send;

    /// Asks all to end, kills those that have not after `grace`, and collects the first one.
    fn end(
        &mut self,
        grace: Duration,
        search: Search,
    ) -> impl Future<Output = Result<(), ExecError>> + Send;
}

/// What bounds a command and goes into it.
pub(crate) struct Bounds {
    pub(crate) stdin: Option<Stdin>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) kill_grace: Duration,
}

/// Sends the output to `sink` as it comes, until the command has ended and all that came from it.
pub(crate) async fn watch<P: Processes, N>(
    processes: &mut P,
    pipes: Ours,
    bounds: Bounds,
    now: N,
    sink: mpsc::Sender<Line>,
    cancel: CancellationToken,
) -> Result<Exit, ExecError>
where
    N: Fn() -> Timestamp + Clone + Send + Sync,
{
    let Ours {
        stdin,
        stdout,
        stderr,
    } = pipes;
    let grace = bounds.kill_grace;
    let closing = CancellationToken::new();
    let mut feed = JoinSet::new();
    if let (Some(pipe), Some(input)) = (stdin, bounds.stdin) {
        feed.spawn(write_input(pipe, input));
    }
    let (errors, clock) = (sink.clone(), now.clone());
    let mut pumps = Pumps::new(async {
        tokio::try_join!(
            pump(stdout, Stream::Stdout, sink, now, closing.clone()),
            pump(stderr, Stream::Stderr, errors, clock, closing.clone()),
        )
        .map(drop)
    });
    let end = async {
        tokio::select! {
            biased;
            status = processes.wait() => status.map(of_status),
            () = cancel.cancelled() => Ok(Exit::Cancelled),
            after = elapsed(bounds.timeout) => Ok(Exit::TimedOut { after }),
        }
    };
    let exit = pumps.beside(end).await?;
    let mut pumped = match exit {
        Exit::Code(_) | Exit::Signal(_) => pumps.finish_within(AFTER_EXIT).await?,
        Exit::TimedOut { .. } | Exit::Cancelled => Pumped::InPart,
    };
    pumps.beside(processes.end(grace, Search::Kin)).await?;
    if pumped == Pumped::InPart {
        pumped = pumps.finish_within(AFTER_EXIT).await?;
    }
    if pumped == Pumped::InPart {
        // The sink is slow, or somebody who shed session and marker holds the pipe.
        pumps
            .beside(processes.end(grace, Search::KinAndWriters))
            .await?;
        closing.cancel();
    }
    pumps.finish_unless(&cancel).await?;
    Ok(exit)
}

async fn write_input(mut pipe: pipe::Sender, input: Stdin) {
    let written = match input {
        Stdin::Bytes(bytes) => pipe.write_all(&bytes).await,
        Stdin::Pieces(mut pieces) => {
            let mut written = Ok(());
            while let (Ok(()), Some(piece)) = (&written, pieces.recv().await) {
                written = pipe.write_all(&piece).await;
            }
            written
        }
    };
    // A command need not read its input to the end.
    if let Err(error) = written {
        tracing::debug!(%error, "a command did not take all of its input");
    }
}

/// Never comes back without a limit.
async fn elapsed(limit: Option<Duration>) -> Duration {
    match limit {
        Some(limit) => {
            sleep(limit).await;
            limit
        }
        None => pending().await,
    }
}

fn of_status(status: ExitStatus) -> Exit {
    match (status.code(), status.signal()) {
        (Some(code), _) => Exit::Code(code),
        (None, Some(signal)) => Exit::Signal(signal),
        (None, None) => unreachable!("invariant: a process ends with a code or by a signal"),
    }
}
