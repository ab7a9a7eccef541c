//! Running one command from its start to the end of its last descendant.
//!
//! Owns the order of things: start, stream, wait, end the family, read the rest. Returns only when
//! no process of the command is left (or none that could be reached), and kills them all when its
//! future is dropped.

use std::{
    os::{fd::AsFd, unix::process::ExitStatusExt},
    panic::resume_unwind,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::OnceLock,
    time::Duration,
};

use jiff::Timestamp;
use nix::sys::stat::fstat;
use tokio::{
    io::AsyncWriteExt,
    process::{Child, ChildStderr, ChildStdin, ChildStdout},
    sync::mpsc,
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    Command, ExecError, Line, Stream,
    family::{Family, KILL_TIME, Kin, MARKER_VARIABLE, Search, marker_value, new_marker},
    output::pump,
    procfs::{self, Process},
    record::Record,
    which::which,
};

/// How long what a command left behind may go on writing after the command itself has exited.
const AFTER_EXIT: Duration = Duration::from_millis(300);

/// How long the sink may take for what is left once a command is cancelled.
const AFTER_CANCEL: Duration = Duration::from_secs(2);

/// Where `setsid` lies on the systems we know.
const SYSTEM_PATH: &str = "/usr/bin:/bin:/usr/local/bin:/run/current-system/sw/bin";

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
    if cancel.is_cancelled() {
        return Ok(Exit::Cancelled);
    }
    let Started {
        mut child,
        mut family,
        stdout,
        stderr,
        stdin,
    } = start(&command)?;
    let grace = command.kill_grace;
    let closing = CancellationToken::new();
    let mut feed = JoinSet::new();
    if let (Some(pipe), Some(bytes)) = (stdin, command.stdin) {
        feed.spawn(write_input(pipe, bytes));
    }
    let mut pumps = Pumps(JoinSet::new());
    let (errors, clock) = (sink.clone(), now.clone());
    pumps
        .0
        .spawn(pump(stdout, Stream::Stdout, sink, now, closing.clone()));
    pumps
        .0
        .spawn(pump(stderr, Stream::Stderr, errors, clock, closing.clone()));

    let exit = tokio::select! {
        biased;
        status = child.wait() => of_status(status.map_err(ExecError::Wait)?),
        () = cancel.cancelled() => Exit::Cancelled,
        after = elapsed(command.timeout) => Exit::TimedOut { after },
    };
    let mut pumped = match exit {
        Exit::Code(_) | Exit::Signal(_) => pumps.finish_within(AFTER_EXIT).await?,
        Exit::TimedOut { .. } | Exit::Cancelled => Pumped::InPart,
    };
    // A first process that even SIGKILL cannot end must not hold up the run.
    let collected = timeout(grace.saturating_add(KILL_TIME + AFTER_EXIT), child.wait());
    let ((), waited) = tokio::join!(family.end(grace, Search::Kin), collected);
    if let Ok(Err(error)) = waited {
        return Err(ExecError::Wait(error));
    }
    if pumped == Pumped::InPart {
        pumped = pumps.finish_within(AFTER_EXIT).await?;
    }
    if pumped == Pumped::InPart {
        // The sink is slow, or somebody who shed session and marker holds the pipe.
        family.end(grace, Search::KinAndWriters).await;
        closing.cancel();
    }
    pumps.finish_unless(&cancel).await?;
    Ok(exit)
}

struct Started {
    child: Child,
    family: Family,
    stdout: ChildStdout,
    stderr: ChildStderr,
    stdin: Option<ChildStdin>,
}

fn start(command: &Command) -> Result<Started, ExecError> {
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
    let started = prepare(command, &program, &marker).spawn();
    let mut child = match started {
        Ok(child) => child,
        Err(source) => {
            record.iter().for_each(Record::remove);
            return Err(command.start_error(program, source));
        }
    };
    let pid = child
        .id()
        .and_then(|pid| i32::try_from(pid).ok())
        .expect("invariant: a child nobody waited for has a number");
    let leader = procfs::stat(pid).map_or(Process { pid, start: 0 }, |stat| stat.process);
    let (stdout, stderr) = child
        .stdout
        .take()
        .zip(child.stderr.take())
        .expect("invariant: both outputs were asked for as pipes");
    let noted = record
        .as_ref()
        .map_or(Ok(()), |record| record.started(leader));
    let kin = Kin {
        leader: Some(leader),
        marker,
        pipes: [inode(&stdout), inode(&stderr)]
            .into_iter()
            .flatten()
            .collect(),
    };
    let family = Family::new(kin, record);
    noted.map_err(record_error)?;
    Ok(Started {
        stdin: child.stdin.take(),
        child,
        family,
        stdout,
        stderr,
    })
}

/// Started through `setsid`, a command leads a session of its own, with the process number we know
/// (it executes in place) and without our terminal: a prompt for a password fails at once instead
/// of stopping the command. Where there is none, the command leads a process group.
fn prepare(command: &Command, program: &Path, marker: &str) -> tokio::process::Command {
    let mut process = match session_launcher() {
        Some(launcher) => {
            let mut process = tokio::process::Command::new(launcher);
            process.arg(program);
            process
        }
        None => {
            let mut process = tokio::process::Command::new(program);
            process.process_group(0);
            process
        }
    };
    process
        .args(command.arguments())
        .env_clear()
        .envs(&command.env)
        .env(MARKER_VARIABLE, marker_value(marker))
        .current_dir(&command.cwd)
        .stdin(match command.stdin {
            Some(_) => Stdio::piped(),
            None => Stdio::null(),
        })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    process
}

fn session_launcher() -> Option<&'static Path> {
    static LAUNCHER: OnceLock<Option<PathBuf>> = OnceLock::new();
    LAUNCHER
        .get_or_init(|| which("setsid", SYSTEM_PATH))
        .as_deref()
}

fn inode(pipe: impl AsFd) -> Option<u64> {
    fstat(pipe).ok().map(|stat| stat.st_ino)
}

async fn write_input(mut pipe: ChildStdin, bytes: Vec<u8>) {
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
        None => std::future::pending().await,
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

/// The tasks that carry the outputs; they stop when this is dropped.
struct Pumps(JoinSet<Result<(), ExecError>>);

impl Pumps {
    async fn finish(&mut self) -> Result<(), ExecError> {
        while let Some(pumped) = self.0.join_next().await {
            match pumped {
                Ok(result) => result?,
                Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
                Err(_) => tracing::debug!("the runtime ended before an output was read"),
            }
        }
        Ok(())
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
