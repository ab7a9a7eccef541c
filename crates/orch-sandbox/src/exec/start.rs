//! Starting a process and what is known of those that come from it: a record for the next agent, a
//! marker, the session and group.

use std::{
    io,
    os::fd::AsFd,
    path::{Path, PathBuf},
    process::ExitStatus,
    thread,
    time::{Duration, Instant},
};

use nix::sys::stat::fstat;
use tokio::time::timeout;

use super::{
    Command, ExecError,
    children::{Ending, children},
    family::{Family, KILL_TIME, Kin, MARKER_VARIABLE, Search, marker_value, new_marker},
    lasting,
    procfs::{self, Process},
    record::Record,
    spawn::{Input, Ours, Prepared, prepare},
    watch::{AFTER_EXIT, Processes},
    wrapper::Wrapper,
};

/// How often it is looked whether something has ended.
const LOOK: Duration = Duration::from_micros(300);

/// The processes of something started here, as they are found from outside.
#[derive(Debug)]
pub(crate) struct Kinfolk {
    leader: Leader,
    family: Family,
}

impl Kinfolk {
    /// Whether nothing of it is left within `patience`: to be asked where it was told to end, for a
    /// search through all processes costs more than it. Blocks.
    pub(crate) fn are_gone(&mut self, patience: Duration) -> bool {
        let begun = Instant::now();
        while !self.family.is_over() {
            if begun.elapsed() > patience {
                return false;
            }
            thread::sleep(LOOK);
        }
        true
    }
}

impl Processes for Kinfolk {
    async fn wait(&mut self) -> Result<ExitStatus, ExecError> {
        self.leader.wait().await
    }

    async fn end(&mut self, grace: Duration, search: Search) -> Result<(), ExecError> {
        let Self { leader, family } = self;
        // A first process that even SIGKILL cannot end must not hold up the run.
        let limit = grace.saturating_add(KILL_TIME + AFTER_EXIT);
        let collected = timeout(limit, leader.wait());
        match tokio::join!(family.end(grace, search), collected).1 {
            Ok(collected) => collected.map(drop),
            Err(_) => Ok(()),
        }
    }
}

/// Starts a command, within what `wrapper` sets up.
pub(super) fn start(
    command: &Command,
    wrapper: Option<Wrapper>,
) -> Result<(Kinfolk, Ours), ExecError> {
    let program = command.resolve()?;
    let held = wrapper.as_ref().map(|wrapper| wrapper.stays);
    begin(
        command.records.as_deref(),
        held,
        |marker| launch(command, &program, marker, wrapper),
        |source| command.start_error(program.clone(), source),
    )
}

/// Starts what sets a sandbox up and holds it, without a command yet.
pub(crate) fn stand(
    wrapper: Wrapper,
    records: Option<&Path>,
) -> Result<(Kinfolk, Ours), ExecError> {
    let program = wrapper.program.clone();
    let held = Some(wrapper.stays);
    let launch = |marker: (&str, &str)| {
        let Wrapper {
            program,
            arguments,
            hand,
            ..
        } = wrapper;
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let (cwd, environment) = (Path::new("/"), [marker].into_iter());
        prepare(
            &program,
            &arguments,
            environment,
            cwd,
            Input::Empty,
            Some(hand),
        )
    };
    begin(records, held, launch, |source| ExecError::Start {
        program,
        source,
    })
}

fn begin(
    records: Option<&Path>,
    held: Option<bool>,
    launch: impl FnOnce((&str, &str)) -> io::Result<(Prepared, Ours)>,
    start_error: impl FnOnce(io::Error) -> ExecError,
) -> Result<(Kinfolk, Ours), ExecError> {
    let marker = new_marker();
    let record_error = |source| ExecError::Record {
        folder: records.map(PathBuf::from).unwrap_or_default(),
        source,
    };
    let record = match records {
        Some(folder) => Some(Record::create(folder, &marker).map_err(record_error)?),
        None => None,
    };
    let started = children().and_then(|children| {
        let (prepared, ours) = launch((MARKER_VARIABLE, &marker_value(&marker)))?;
        let (pid, ending) = match held {
            // It ends with the thread that starts it, so that it ends with us in any case.
            Some(_) => children.start(|| lasting::on_thread(|| prepared.start()))?,
            None => children.start(|| prepared.start())?,
        };
        Ok((pid, ours, ending))
    });
    let (pid, ours, ending) = match started {
        Ok(started) => started,
        Err(source) => {
            record.iter().for_each(Record::remove);
            return Err(start_error(source));
        }
    };
    let process = procfs::stat(pid).map_or(Process { pid, start: 0 }, |stat| stat.process);
    let noted = record
        .as_ref()
        .map_or(Ok(()), |record| record.started(process));
    let kin = Kin {
        leader: Some(process),
        wrapped: held.unwrap_or_default(),
        marker,
        pipes: [inode(&ours.stdout), inode(&ours.stderr)]
            .into_iter()
            .flatten()
            .collect(),
    };
    let family = Family::new(kin, record);
    noted.map_err(record_error)?;
    let leader = Leader::Running(ending);
    Ok((Kinfolk { leader, family }, ours))
}

fn launch(
    command: &Command,
    program: &Path,
    marker: (&str, &str),
    wrapper: Option<Wrapper>,
) -> io::Result<(Prepared, Ours)> {
    let stdin = Input::of(command);
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
#[derive(Debug)]
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
