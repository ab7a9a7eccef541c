//! A sandbox that stands for a whole run, with a first program that starts the run's commands.
//!
//! Whoever runs a command takes the sandbox out of its place and puts it back when nothing of the
//! command is left: one that is dropped in between takes everything in it along.

use std::{
    ffi::CString,
    fs::File,
    io,
    os::{
        fd::{AsFd, AsRawFd, OwnedFd},
        unix::{ffi::OsStrExt, process::ExitStatusExt},
    },
    path::{Path, PathBuf},
    process::ExitStatus,
    sync::PoisonError,
    time::Duration,
};

use jiff::Timestamp;
use nix::sys::socket::{Shutdown, shutdown};
use tokio::{net::UnixDatagram, sync::mpsc, time::timeout};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{
    Backend, SandboxError,
    cell::Held,
    engine::Contained,
    handshake::{self, PATIENCE, next},
    protect::{Now, Protected},
};
use crate::{
    exec::{
        Command, ExecError, Exit, KILL_TIME, Kinfolk, Line, Ours, Processes, Search, Wrapper,
        pipes_for, stand, watch,
    },
    init::{self, Request, Said},
};

/// Longer ones the system passes to no program.
const LONGEST_ARGUMENT: usize = 128 << 10;

/// More is not told of what a failed set-up wrote.
const MOST_BYTES_OF_WHY: usize = 2048;

/// How long a sandbox may take to end by itself.
const LEAVING: Duration = Duration::from_millis(50);

/// A sandbox and its first program.
#[derive(Debug)]
pub(super) struct Standing {
    hand: UnixDatagram,
    /// What of the protected is shown read-only.
    shown: Vec<PathBuf>,
    /// Ends all that is in it when dropped.
    holder: Holder,
    /// The way out is closed with it.
    _way_out: DropGuard,
}

impl Drop for Standing {
    /// The first program ends when nobody holds its socket, and all that is in its namespace with
    /// it; what does not is killed.
    fn drop(&mut self) {
        // A socket that is closed already is as good.
        let _ = shutdown(self.hand.as_raw_fd(), Shutdown::Both);
        if let Holder::Processes { all, .. } = &mut self.holder {
            all.are_gone(LEAVING);
        }
    }
}

/// What a sandbox is held by.
#[derive(Debug)]
pub(super) enum Holder {
    /// Processes of this machine.
    Processes {
        /// Ends with it.
        all: Kinfolk,
        pipes: Ours,
    },
    /// A container.
    Container(Contained),
}

impl Holder {
    /// Starts what holds a sandbox, with the socket to its first program.
    pub(super) fn stand(
        wrap: impl FnOnce(OwnedFd) -> Wrapper,
        records: Option<&Path>,
    ) -> Result<(OwnedFd, Self), SandboxError> {
        let (ours, theirs) = handshake::pair().map_err(ExecError::Wait)?;
        let (processes, pipes) = stand(wrap(theirs), records)?;
        let all = processes;
        Ok((ours, Self::Processes { all, pipes }))
    }

    /// What the set-up wrote before it ended.
    async fn why(&mut self) -> String {
        let text = match self {
            Self::Processes { pipes, .. } => {
                let mut bytes = [0; MOST_BYTES_OF_WHY];
                let length = pipes.stderr.try_read(&mut bytes).unwrap_or_default();
                String::from_utf8_lossy(&bytes[..length]).into_owned()
            }
            Self::Container(container) => container.said().await,
        };
        match text.trim() {
            "" => "it ended without a word".to_owned(),
            text => text.to_owned(),
        }
    }
}

/// Runs a command until nothing of it is left.
pub(super) async fn run(
    held: &Held,
    set_up: impl AsyncFnOnce(&[PathBuf]) -> Result<(OwnedFd, Holder), SandboxError>,
    protected: &[Protected],
    command: Command,
    now: impl Fn() -> Timestamp + Clone + Send + Sync + 'static,
    sink: mpsc::Sender<Line>,
    cancel: CancellationToken,
) -> Result<Exit, SandboxError> {
    if cancel.is_cancelled() {
        return Ok(Exit::Cancelled);
    }
    let program = match held.backend {
        // Which programs there are is known inside alone.
        Backend::Docker | Backend::Podman => command.named()?,
        Backend::Bubblewrap | Backend::Landlock | Backend::Process => command.resolve()?,
    };
    let request = request(held, &command, &program)?;
    let shown = shown(protected);
    let stood = take(held).filter(|standing| standing.shown == shown);
    let mut standing = match stood {
        Some(standing) => standing,
        None => {
            let (hand, holder) = set_up(&shown).await?;
            Standing::begin(held, hand, holder, shown).await?
        }
    };
    let exit = standing
        .run(held, &request, command, now, sink, cancel)
        .await;
    if let Ok((_, Left::Nothing)) = &exit {
        *held.standing.lock().unwrap_or_else(PoisonError::into_inner) = Some(standing);
    }
    exit.map(|(exit, _)| exit)
}

fn take(held: &Held) -> Option<Standing> {
    let mut place = held.standing.lock().unwrap_or_else(PoisonError::into_inner);
    place.take()
}

fn shown(protected: &[Protected]) -> Vec<PathBuf> {
    let present = protected.iter().filter(|one| one.now == Now::Present);
    present.map(|one| one.path.clone()).collect()
}

/// What a command leaves in the sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Left {
    Nothing,
    /// Processes that could not be ended, or nobody is there to tell.
    Something,
}

impl Standing {
    async fn begin(
        held: &Held,
        hand: OwnedFd,
        holder: Holder,
        shown: Vec<PathBuf>,
    ) -> Result<Self, SandboxError> {
        let over = CancellationToken::new();
        let mut this = Self {
            // Of the kinds of socket that the runtime knows this is the one that keeps packets apart.
            hand: UnixDatagram::from_std(hand.into()).map_err(ExecError::Wait)?,
            shown,
            holder,
            _way_out: over.clone().drop_guard(),
        };
        let (pid, listener) = match this.hear().await? {
            Said::Hello { pid, listener } => (pid, listener),
            Said::Failed(reason) => return Err(held.not_begun(reason)),
            Said::Running { .. } | Said::Ended(_) | Said::Nothing => {
                return Err(held.not_begun(this.holder.why().await));
            }
        };
        let admitted = held.admit(pid).and_then(|()| held.listener(listener));
        let listener = admitted.map_err(|error| held.not_begun(error.to_string()))?;
        if let (Some(listener), Some(proxy)) = (listener, held.confinement.network.clone()) {
            tokio::spawn(async move { proxy.serve(listener, over).await });
        }
        Ok(this)
    }

    async fn hear(&self) -> Result<Said, ExecError> {
        match timeout(PATIENCE, next(&self.hand)).await {
            Ok(said) => said.map_err(ExecError::Wait),
            Err(_) => Ok(Said::Failed(handshake::too_slow())),
        }
    }

    async fn run(
        &mut self,
        held: &Held,
        request: &Request,
        mut command: Command,
        now: impl Fn() -> Timestamp + Clone + Send + Sync + 'static,
        sink: mpsc::Sender<Line>,
        cancel: CancellationToken,
    ) -> Result<(Exit, Left), SandboxError> {
        let pipes = self.start(request, &command);
        let pipes = pipes.map_err(|error| held.not_begun(error.to_string()))?;
        match self.hear().await? {
            Said::Running { .. } => {}
            Said::Failed(reason) => return Err(held.not_begun(reason)),
            Said::Hello { .. } | Said::Ended(_) | Said::Nothing => {
                return Err(held.not_begun("its first program is gone"));
            }
        }
        let mut guest = Guest {
            hand: &self.hand,
            status: None,
            left: Left::Something,
        };
        let exit = watch(&mut guest, pipes, command.bounds(), now, sink, cancel).await?;
        Ok((exit, guest.left))
    }

    fn start(&self, request: &Request, command: &Command) -> io::Result<Ours> {
        let (theirs, ours) = pipes_for(command)?;
        let stdin = match theirs.stdin {
            Some(stdin) => stdin,
            None => File::open("/dev/null")?.into(),
        };
        let files = [stdin.as_fd(), theirs.stdout.as_fd(), theirs.stderr.as_fd()];
        init::start(self.hand.as_fd(), request, files)?;
        Ok(ours)
    }
}

/// A command in a sandbox that stands.
struct Guest<'s> {
    hand: &'s UnixDatagram,
    status: Option<ExitStatus>,
    left: Left,
}

impl Processes for Guest<'_> {
    async fn wait(&mut self) -> Result<ExitStatus, ExecError> {
        while self.status.is_none() {
            match next(self.hand).await.map_err(ExecError::Wait)? {
                Said::Ended(status) => {
                    self.status = Some(ExitStatus::from_raw(status));
                    self.left = Left::Nothing;
                }
                // Whoever ended the first program ended all.
                Said::Nothing => self.status = Some(ExitStatus::from_raw(nix::libc::SIGKILL)),
                Said::Hello { .. } | Said::Running { .. } | Said::Failed(_) => {}
            }
        }
        Ok(self.status.expect("invariant: there is one by now"))
    }

    async fn end(&mut self, grace: Duration, _: Search) -> Result<(), ExecError> {
        if self.status.is_some() {
            return Ok(());
        }
        if !grace.is_zero() {
            // Whether that was heard is seen below.
            let _ = init::terminate(self.hand.as_fd());
            if let Ok(ended) = timeout(grace, self.wait()).await {
                return ended.map(drop);
            }
        }
        let _ = init::kill(self.hand.as_fd());
        match timeout(KILL_TIME, self.wait()).await {
            Ok(ended) => ended.map(drop),
            // The whole sandbox goes.
            Err(_) => Ok(()),
        }
    }
}

fn request(held: &Held, command: &Command, program: &Path) -> Result<Request, SandboxError> {
    let too_long = || {
        let source = io::Error::from(io::ErrorKind::ArgumentListTooLong);
        command.start_error(program.to_owned(), source)
    };
    let text = |bytes: &[u8]| match bytes.len() {
        ..LONGEST_ARGUMENT => {
            CString::new(bytes).map_err(|error| held.not_begun(error.to_string()))
        }
        _ => Err(too_long().into()),
    };
    let arguments = command.arguments();
    let line = [program.as_os_str().as_bytes()].into_iter();
    let line = line.chain(arguments.iter().map(|argument| argument.as_bytes()));
    let environment = held.environment(command);
    let environment = environment
        .iter()
        .filter(|(name, _)| *name != crate::exec::MARKER_VARIABLE);
    Ok(Request {
        cwd: text(command.cwd.as_os_str().as_bytes())?,
        line: line.map(text).collect::<Result<_, _>>()?,
        environment: environment
            .map(|(name, value)| text(format!("{name}={value}").as_bytes()))
            .collect::<Result<_, _>>()?,
    })
}
