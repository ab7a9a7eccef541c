//! Running one command from its start to the end of its last descendant.
//!
//! Owns the order of things: start, stream, wait, end the family, read the rest. Returns only when
//! no process of the command is left (or none that could be reached), and kills them all when its
//! future is dropped.

use std::{
    future::pending,
    io,
    os::{fd::AsFd, unix::process::ExitStatusExt},
    path::Path,
    pin::Pin,
    process::ExitStatus,
    time::Duration,
};

use jiff::Timestamp;
use nix::sys::stat::fstat;
use tokio::{
    io::AsyncWriteExt,
    net::unix::pipe,
    sync::mpsc,
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    Command, ExecError, Line, Stream,
    children::{Ending, children},
    family::{Family, KILL_TIME, Kin, MARKER_VARIABLE, Search, marker_value, new_marker},
    lasting,
    output::pump,
    procfs::{self, Process},
    record::Record,
    spawn::{Input, Ours, Prepared, prepare},
    wrapper::Wrapper,
};

/// How long what a command left behind may go on writing after the command itself has exited.
const AFTER_EXIT: Duration = Duration::from_millis(300);

/// How long the sink may take for what is left once a command is cancelled.
const AFTER_CANCEL: Duration = Duration::from_secs(2);

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
    command: Command,
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
    let Started {
        mut leader,
        mut family,
        stdout,
        stderr,
        stdin,
    } = start(&command, wrapper)?;
    let grace = command.kill_grace;
    let closing = CancellationToken::new();
    let mut feed = JoinSet::new();
    if let (Some(pipe), Some(bytes)) = (stdin, command.stdin) {
        feed.spawn(write_input(pipe, bytes));
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
            status = leader.wait() => status.map(of_status),
            () = cancel.cancelled() => Ok(Exit::Cancelled),
            after = elapsed(command.timeout) => Ok(Exit::TimedOut { after }),
        }
    };
    let exit = pumps.beside(end).await?;
    let mut pumped = match exit {
        Exit::Code(_) | Exit::Signal(_) => pumps.finish_within(AFTER_EXIT).await?,
        Exit::TimedOut { .. } | Exit::Cancelled => Pumped::InPart,
    };
    // A first process that even SIGKILL cannot end must not hold up the run.
    let collected = timeout(grace.saturating_add(KILL_TIME + AFTER_EXIT), leader.wait());
    let ended = async { tokio::join!(family.end(grace, Search::Kin), collected) };
    let ((), waited) = pumps.beside(ended).await;
    if let Ok(waited) = waited {
        waited?;
    }
    if pumped == Pumped::InPart {
        pumped = pumps.finish_within(AFTER_EXIT).await?;
    }
    if pumped == Pumped::InPart {
        // The sink is slow, or somebody who shed session and marker holds the pipe.
        pumps.beside(family.end(grace, Search::KinAndWriters)).await;
        closing.cancel();
    }
    pumps.finish_unless(&cancel).await?;
    Ok(exit)
}

struct Started {
    leader: Leader,
    family: Family,
    stdout: pipe::Receiver,
    stderr: pipe::Receiver,
    stdin: Option<pipe::Sender>,
}

fn start(command: &Command, wrapper: Option<Wrapper>) -> Result<Started, ExecError> {
    let program = command.resolve()?;
    let marker = new_marker();
    let record_error = |source| ExecError::Record {
        folder: command.records.clone().unwrap_or_default(),
        source,
    };
    let record = match &command.records {
        Some(folder) => Some(Record::create(folder, &marker).map_err(record_error)?),
        None => None,
    };
    let wrapped = wrapper.as_ref().map(|wrapper| wrapper.stays);
    let started = children().and_then(|children| {
        let (prepared, ours) = launch(command, &program, &marker, wrapper)?;
        let (pid, ending) = match wrapped.is_some() {
            // It ends with the thread that starts it, so that it ends with us in any case.
            true => children.start(|| lasting::on_thread(|| prepared.start()))?,
            false => children.start(|| prepared.start())?,
        };
        Ok((pid, ours, ending))
    });
    let (pid, ours, ending) = match started {
        Ok(started) => started,
        Err(source) => {
            record.iter().for_each(Record::remove);
            return Err(command.start_error(program, source));
        }
    };
    let Ours {
        stdin,
        stdout,
        stderr,
    } = ours;
    let process = procfs::stat(pid).map_or(Process { pid, start: 0 }, |stat| stat.process);
    let noted = record
        .as_ref()
        .map_or(Ok(()), |record| record.started(process));
    let kin = Kin {
        leader: Some(process),
        wrapped: wrapped.unwrap_or_default(),
        marker,
        pipes: [inode(&stdout), inode(&stderr)]
            .into_iter()
            .flatten()
            .collect(),
    };
    let family = Family::new(kin, record);
    noted.map_err(record_error)?;
    Ok(Started {
        leader: Leader::Running(ending),
        family,
        stdout,
        stderr,
        stdin,
    })
}

fn launch(
    command: &Command,
    program: &Path,
    marker: &str,
    wrapper: Option<Wrapper>,
) -> io::Result<(Prepared, Ours)> {
    let marker = marker_value(marker);
    let marker = (MARKER_VARIABLE, marker.as_str());
    let stdin = match command.stdin {
        Some(_) => Input::Piped,
        None => Input::Empty,
    };
    let Some(wrapper) = wrapper else {
        let given = command.env.iter();
        let given = given.filter(|(name, _)| *name != MARKER_VARIABLE);
        let environment = given
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .chain([marker]);
        let arguments = command.arguments();
        return prepare(program, &arguments, environment, &command.cwd, stdin, None);
    };
    let program = program.to_str().ok_or_else(|| {
        let why = "its path is no UTF-8 text, which a sandbox cannot be told";
        io::Error::new(io::ErrorKind::InvalidInput, why)
    })?;
    let arguments: Vec<&str> = (wrapper.arguments.iter().map(String::as_str))
        .chain([program])
        .chain(command.arguments())
        .collect();
    let hand = Some(wrapper.hand);
    // The command's own variables reach it through the first program: what sets the sandbox up
    // must not obey them.
    let environment = [marker].into_iter();
    // It starts at the top: the command's folder may exist only within.
    let cwd = Path::new("/");
    prepare(&wrapper.program, &arguments, environment, cwd, stdin, hand)
}

/// A command's first process.
enum Leader {
    Running(Ending),
    Ended(ExitStatus),
}

impl Leader {
    async fn wait(&mut self) -> Result<ExitStatus, ExecError> {
        let status = match self {
            Self::Ended(status) => return Ok(*status),
            Self::Running(ending) => ending.await,
        };
        let status = status.map_err(|_| {
            let why = "somebody else has collected it";
            ExecError::Wait(io::Error::other(why))
        })?;
        *self = Self::Ended(status);
        Ok(status)
    }
}

fn inode(pipe: impl AsFd) -> Option<u64> {
    fstat(pipe).ok().map(|stat| stat.st_ino)
}

async fn write_input(mut pipe: pipe::Sender, bytes: Vec<u8>) {
    // A command need not read its input to the end.
    if let Err(error) = pipe.write_all(&bytes).await {
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

/// Whether both outputs were read to their ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pumped {
    Whole,
    InPart,
}

/// What carries the outputs; it goes on only while one of these is awaited.
struct Pumps<F> {
    all: Pin<Box<F>>,
    pumped: Option<Result<(), ExecError>>,
}

impl<F: Future<Output = Result<(), ExecError>>> Pumps<F> {
    fn new(all: F) -> Self {
        Self {
            all: Box::pin(all),
            pumped: None,
        }
    }

    async fn go_on(&mut self) {
        if self.pumped.is_none() {
            self.pumped = Some(self.all.as_mut().await);
        }
    }

    /// Carries on until something else is over.
    async fn beside<T>(&mut self, other: impl Future<Output = T>) -> T {
        let go_on = async {
            self.go_on().await;
            pending().await
        };
        tokio::select! {
            biased;
            over = other => over,
            () = go_on => unreachable!("invariant: it goes on for ever"),
        }
    }

    async fn finish(&mut self) -> Result<(), ExecError> {
        self.go_on().await;
        // An error is told once.
        self.pumped.replace(Ok(())).unwrap_or(Ok(()))
    }

    async fn finish_within(&mut self, limit: Duration) -> Result<Pumped, ExecError> {
        match timeout(limit, self.finish()).await {
            Ok(finished) => finished.map(|()| Pumped::Whole),
            Err(_) => Ok(Pumped::InPart),
        }
    }

    /// Waits for the sink as long as it takes, unless the caller has lost interest.
    async fn finish_unless(&mut self, cancel: &CancellationToken) -> Result<(), ExecError> {
        let lost_interest = async {
            cancel.cancelled().await;
            sleep(AFTER_CANCEL).await;
        };
        tokio::select! {
            biased;
            finished = self.finish() => finished,
            () = lost_interest => {
                tracing::warn!("the output of a cancelled step was cut off: its log took too long");
                Ok(())
            }
        }
    }
}

#[cfg(test)]
#[path = "run_tests.rs"]
mod tests;
