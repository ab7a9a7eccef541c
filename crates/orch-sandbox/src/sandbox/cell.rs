//! A cell whose commands begin through the sandbox's first program; what the backends share.

use std::{
    fmt, io,
    net::TcpListener,
    os::fd::OwnedFd,
    path::PathBuf,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use tokio::{
    sync::{mpsc, oneshot},
    time::sleep,
};
use tokio_util::sync::CancellationToken;
use walkdir::WalkDir;

use super::{
    Backend, Cell, Clock, Confinement, SandboxError,
    backend::Running,
    cgroup::Cgroup,
    error::io_error,
    handshake::{self, Begun},
    identity::Taken,
    protect::{self, Protected, Tampering},
};
use crate::{
    egress::{self, PROXY_PORT},
    exec::{Command, ExecError, Exit, Line, Stream, Wrapper, run_within},
};

/// How often at most it is looked how much a run has written.
const DISK_LOOK: Duration = Duration::from_secs(1);

/// Looking may take up to this part of the time.
const DISK_SHARE: u32 = 20;

/// What stands before a command in one backend.
pub(super) trait Wrap: Send + Sync {
    fn wrap(
        &self,
        held: &Held,
        command: &Command,
        protected: &[Protected],
        hand: OwnedFd,
    ) -> Wrapper;
}

/// A run's cell.
pub(super) struct Held {
    pub(super) backend: Backend,
    pub(super) confinement: Confinement,
    /// Somebody else's again once the cell is gone.
    pub(super) _identity: Option<Taken>,
    pub(super) cgroup: Option<Cgroup>,
    /// Where the commands find the way out, where they have no network of their own.
    pub(super) way_out: Option<(TcpListener, u16)>,
    pub(super) wrap: Box<dyn Wrap>,
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held")
            .field("backend", &self.backend)
            .field("confinement", &self.confinement)
            .finish_non_exhaustive()
    }
}

impl Cell for Held {
    fn run<'a>(
        &'a self,
        command: Command,
        now: Clock,
        sink: mpsc::Sender<Line>,
        cancel: CancellationToken,
    ) -> Running<'a> {
        Box::pin(self.run_watched(command, now, sink, cancel))
    }
}

impl Held {
    async fn run_watched(
        &self,
        command: Command,
        now: Clock,
        sink: mpsc::Sender<Line>,
        cancel: CancellationToken,
    ) -> Result<Exit, SandboxError> {
        let protected = protect::look(&self.confinement.work, &self.confinement.unprotected);
        let before = protect::see(&protected);
        let ended = self
            .run_in_bounds(command, &protected, &now, &sink, cancel)
            .await;
        let tampering = protect::clean_up(&protected, &before);
        let tampering = tampering.map_err(io_error("clean up in", &self.confinement.work))?;
        let exit = ended?;
        self.judge(exit, tampering, &now, &sink).await
    }

    /// Runs it until it ends, or has written too much.
    async fn run_in_bounds(
        &self,
        command: Command,
        protected: &[Protected],
        now: &Clock,
        sink: &mpsc::Sender<Line>,
        cancel: CancellationToken,
    ) -> Result<Exit, SandboxError> {
        let stop = cancel.child_token();
        let run = self.begin(command, protected, now, sink.clone(), stop.clone());
        tokio::pin!(run);
        let full = tokio::select! {
            biased;
            ended = &mut run => return ended,
            full = self.watch_disk() => full,
        };
        stop.cancel();
        run.await?;
        Err(full)
    }

    async fn begin(
        &self,
        command: Command,
        protected: &[Protected],
        now: &Clock,
        sink: mpsc::Sender<Line>,
        cancel: CancellationToken,
    ) -> Result<Exit, SandboxError> {
        let (ours, theirs) = handshake::pair().map_err(ExecError::Wait)?;
        let wrapper = self.wrap.wrap(self, &command, protected, theirs);
        let environment = self.environment(&command);
        let over = CancellationToken::new();
        let (handed, listening) = oneshot::channel();
        let admit = |pid, listener| {
            // Whoever waits for it is below.
            let _ = handed.send(self.listener(listener)?);
            match &self.cgroup {
                Some(cgroup) => cgroup.admit(pid),
                None => Ok(()),
            }
        };
        let clock = {
            let now = Clock::clone(now);
            move || now()
        };
        let run = async {
            let exit = run_within(Some(wrapper), command, clock, sink, cancel).await;
            over.cancel();
            exit
        };
        let serve = async {
            if let (Ok(Some(listener)), Some(proxy)) = (listening.await, &self.confinement.network)
            {
                proxy.serve(listener, over.clone()).await;
            }
        };
        let welcome = handshake::welcome(ours, environment, admit);
        let (exit, begun, ()) = tokio::join!(run, welcome, serve);
        let not_begun = |reason: String| SandboxError::NotBegun {
            backend: self.backend,
            reason,
        };
        match (exit?, begun) {
            (exit, Begun::Running) => Ok(exit),
            (exit @ (Exit::Cancelled | Exit::TimedOut { .. }), _) => Ok(exit),
            (_, Begun::Failed(reason)) => Err(not_begun(reason)),
            (_, Begun::Gone) => {
                let reason = "its last line of output says why; the command did not run";
                Err(not_begun(reason.to_owned()))
            }
        }
    }

    /// The command's variables, with those that name the way out.
    fn environment(&self, command: &Command) -> Vec<u8> {
        let mut variables = command.env.clone();
        if let Some(proxy) = &self.confinement.network {
            let port = self.way_out.as_ref().map_or(PROXY_PORT, |(_, port)| *port);
            variables.extend(egress::environment(proxy, port));
        }
        handshake::encode(&variables)
    }

    /// Where the command's way out begins: the socket that its own network has, or this machine's.
    fn listener(&self, handed: Option<OwnedFd>) -> io::Result<Option<tokio::net::TcpListener>> {
        let listener = match (&self.way_out, handed) {
            (Some((listener, _)), _) => listener.try_clone()?,
            (None, Some(handed)) => TcpListener::from(handed),
            (None, None) => return Ok(None),
        };
        listener.set_nonblocking(true)?;
        Ok(Some(tokio::net::TcpListener::from_std(listener)?))
    }

    async fn judge(
        &self,
        exit: Exit,
        tampering: Tampering,
        now: &Clock,
        sink: &mpsc::Sender<Line>,
    ) -> Result<Exit, SandboxError> {
        let names = |paths: &[PathBuf]| {
            let names = paths.iter().filter_map(|path| path.file_name());
            let names: Vec<String> = names.map(|name| name.to_string_lossy().into()).collect();
            names.join(", ")
        };
        if !tampering.made.is_empty() {
            let message = format!(
                "removed what no run may make in its workspace: {}",
                names(&tampering.made)
            );
            let line = Line::whole(Stream::Stderr, now(), message);
            // Nobody may listen any more.
            let _ = sink.send(line).await;
        }
        if !tampering.changed.is_empty() {
            return Err(SandboxError::Tampered {
                names: names(&tampering.changed),
            });
        }
        let kills = self.cgroup.as_ref().map_or(0, Cgroup::memory_kills);
        match exit {
            Exit::Code(1..) | Exit::Signal(_) if kills > 0 => Err(SandboxError::Memory {
                limit_bytes: self.confinement.limits.memory_bytes,
            }),
            exit => Ok(exit),
        }
    }

    /// Comes back when the run has written more than it may.
    async fn watch_disk(&self) -> SandboxError {
        let Confinement {
            work,
            home,
            tmp,
            limits,
            ..
        } = &self.confinement;
        sleep(DISK_LOOK / 4).await;
        loop {
            let begun = std::time::Instant::now();
            let folders = [work.clone(), home.clone(), tmp.clone()];
            let used = tokio::task::spawn_blocking(move || measure(&folders)).await;
            let used = used.unwrap_or_default();
            if used.bytes > limits.disk_bytes || used.entries > limits.disk_entries {
                return SandboxError::Disk {
                    used_bytes: used.bytes,
                    entries: used.entries,
                    limit_bytes: limits.disk_bytes,
                    limit_entries: limits.disk_entries,
                };
            }
            sleep(DISK_LOOK.max(begun.elapsed() * DISK_SHARE)).await;
        }
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Used {
    bytes: u64,
    entries: u64,
}

/// What lies on disk in these folders; whatever vanishes meanwhile is passed over.
fn measure(folders: &[PathBuf]) -> Used {
    use std::os::unix::fs::MetadataExt;
    let mut used = Used::default();
    for folder in folders {
        for entry in WalkDir::new(folder)
            .follow_links(false)
            .into_iter()
            .flatten()
        {
            used.entries += 1;
            // Blocks, not length: a file with holes takes no room.
            used.bytes += entry
                .metadata()
                .map_or(0, |metadata| metadata.blocks() * 512);
        }
    }
    used
}

/// Numbers for control groups and the like, each used once.
pub(super) fn next_number() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
