//! A run's cell: its commands one after another, what they may not touch and may use up watched.
//!
//! How a command begins differs: in a sandbox that stands for the whole run, or by a first program
//! of its own.

use std::{
    fmt, io,
    net::TcpListener,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{
    Backend, Cell, Clock, Confinement, Layer, SandboxError, alone,
    backend::Running,
    cgroup::Cgroup,
    connector::Connector,
    disk,
    engine::Containers,
    error::io_error,
    identity::Taken,
    protect::{self, Protected, Seen, Tampering, Watched},
    standing::{self, Holder, Standing},
};
use crate::{
    egress::{self, PROXY_PORT},
    exec::{Command, Exit, Line, Stream, Wrapper},
};

/// How commands begin in one backend.
pub(super) enum Way {
    /// In a sandbox that stands for the whole run.
    Standing(Box<dyn Wrap>),
    /// In a container that stands for the whole run.
    Container(Arc<Containers>),
    /// Each by a first program of its own.
    Alone(Box<dyn Wrap>),
}

/// What the first program is started by. Where it is to become a command, folder and command come
/// after its arguments.
pub(super) trait Wrap: Send + Sync {
    fn wrap(&self, confinement: &Confinement, protected: &[Protected], hand: OwnedFd) -> Wrapper;
}

/// A run's cell. The order is that in which its parts go.
pub(super) struct Held {
    pub(super) backend: Backend,
    pub(super) confinement: Confinement,
    pub(super) way: Way,
    /// The sandbox that stands, while no command is running in it.
    pub(super) standing: Mutex<Option<Standing>>,
    /// Where the commands find the way out, where they have no network of their own.
    pub(super) way_out: Option<(TcpListener, u16)>,
    pub(super) cgroup: Option<Cgroup>,
    /// Somebody else's again once the cell is gone.
    pub(super) identity: Option<Taken>,
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

    fn give(&self, path: &Path) -> Result<(), SandboxError> {
        match &self.identity {
            Some(identity) => identity.own(&[path]),
            None => Ok(()),
        }
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
        let work = &self.confinement.work;
        let protected = match self.confinement.without.has(Layer::Protection) {
            true => look(work, &self.confinement.unprotected).await,
            false => Ok(Vec::new()),
        };
        let protected = protected.map_err(io_error("look at", work))?;
        let watched = match self.way {
            // What can be shown read-only is.
            Way::Standing(_) | Way::Container(_) => Watched::Odd,
            Way::Alone(_) => Watched::All,
        };
        let before = see(work, &protected, watched).await;
        let before = before.map_err(io_error("look at", work))?;
        let (kills, refused) = (self.memory_kills(), self.process_refusals());
        let ended = self
            .run_in_bounds(command, &protected, &now, &sink, cancel)
            .await;
        let tampering = clean_up(work, protected, before).await;
        let tampering = tampering.map_err(io_error("clean up in", work))?;
        let exit = ended?;
        let kills = self.memory_kills().saturating_sub(kills);
        if self.process_refusals() > refused {
            let most = self.confinement.limits.processes;
            let message = format!(
                "a process more was refused: the run may have {most} at once (AGENT_LIMIT_PROCESSES)"
            );
            tell(&sink, &now, message).await;
        }
        self.judge(exit, kills, tampering, &now, &sink).await
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
            full = disk::watch(self) => full,
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
        let clock = {
            let now = Clock::clone(now);
            move || now()
        };
        match &self.way {
            Way::Alone(wrap) => {
                let wrap = |hand| wrap.wrap(&self.confinement, protected, hand);
                alone::run(self, wrap, command, clock, sink, cancel).await
            }
            Way::Standing(wrap) => {
                let wrap = |hand| wrap.wrap(&self.confinement, protected, hand);
                let records = command.records.clone();
                let set_up = async |_: &[PathBuf]| Holder::stand(wrap, records.as_deref());
                standing::run(self, set_up, protected, command, clock, sink, cancel).await
            }
            Way::Container(containers) => {
                let set_up = async |shown: &[PathBuf]| {
                    let (hand, container) = containers.set_up(self, shown).await?;
                    Ok((hand, Holder::Container(container)))
                };
                standing::run(self, set_up, protected, command, clock, sink, cancel).await
            }
        }
    }

    /// Takes a first program in: it and all that come from it are in the control group.
    pub(super) fn admit(&self, pid: i32) -> io::Result<()> {
        match &self.cgroup {
            Some(cgroup) => cgroup.admit(pid),
            None => Ok(()),
        }
    }

    /// The command's variables, with those that name the way out.
    pub(super) fn environment(&self, command: &Command) -> Vec<(String, String)> {
        let mut variables = command.env.clone();
        if let Some(proxy) = &self.confinement.network {
            let port = self.way_out.as_ref().map_or(PROXY_PORT, |(_, port)| *port);
            variables.extend(egress::environment(proxy, port));
        }
        variables.into_iter().collect()
    }

    /// Where the command's way out begins: the socket that its own network has, or this machine's.
    pub(super) fn listener(
        &self,
        handed: Option<OwnedFd>,
    ) -> io::Result<Option<tokio::net::TcpListener>> {
        let listener = match (&self.way_out, handed) {
            (Some((listener, _)), _) => listener.try_clone()?,
            (None, Some(handed)) => TcpListener::from(handed),
            (None, None) => return Ok(None),
        };
        listener.set_nonblocking(true)?;
        Ok(Some(tokio::net::TcpListener::from_std(listener)?))
    }

    /// Who makes the connections of a command that has no network of its own.
    pub(super) fn connector(&self, told: OwnedFd) -> Option<Connector> {
        let (_, port) = self.way_out.as_ref()?;
        Some(Connector {
            told,
            port: *port,
            proxy: self.confinement.network.clone()?,
            user: self.identity.as_ref().map(|taken| taken.identity),
        })
    }

    pub(super) fn not_begun(&self, reason: impl Into<String>) -> SandboxError {
        SandboxError::NotBegun {
            backend: self.backend,
            reason: reason.into(),
        }
    }

    /// The user that nobody but the run has.
    pub(super) fn own_user(&self) -> Option<u32> {
        let taken = self.identity.as_ref()?;
        taken.is_alone().then_some(taken.identity.uid)
    }

    fn process_refusals(&self) -> u64 {
        self.cgroup.as_ref().map_or(0, Cgroup::process_refusals)
    }

    fn memory_kills(&self) -> u64 {
        self.cgroup.as_ref().map_or(0, Cgroup::memory_kills)
    }

    async fn judge(
        &self,
        exit: Exit,
        kills: u64,
        tampering: Tampering,
        now: &Clock,
        sink: &mpsc::Sender<Line>,
    ) -> Result<Exit, SandboxError> {
        let names = |paths: &[PathBuf]| {
            let work = &self.confinement.work;
            let names = paths
                .iter()
                .map(|path| path.strip_prefix(work).unwrap_or(path));
            // Some of them a repository or a command has chosen.
            let names = names.map(|name| name.to_string_lossy().escape_debug().to_string());
            names.collect::<Vec<_>>().join(", ")
        };
        if !tampering.made.is_empty() {
            let message = format!(
                "removed what no run may make in its workspace: {}",
                names(&tampering.made)
            );
            tell(sink, now, message).await;
        }
        if !tampering.changed.is_empty() {
            return Err(SandboxError::Tampered {
                names: names(&tampering.changed),
            });
        }
        match exit {
            Exit::Code(1..) | Exit::Signal(_) if kills > 0 => Err(SandboxError::Memory {
                limit_bytes: self.confinement.limits.memory_bytes,
            }),
            exit => Ok(exit),
        }
    }
}

/// Says something beside what the command says.
async fn tell(sink: &mpsc::Sender<Line>, now: &Clock, message: String) {
    let line = Line::whole(Stream::Stderr, now(), message);
    // Nobody may listen any more.
    let _ = sink.send(line).await;
}

/// [`protect::look`], off the runtime's threads.
async fn look(work: &Path, granted: &[String]) -> io::Result<Vec<Protected>> {
    let (work, granted) = (work.to_owned(), granted.to_vec());
    let looked = tokio::task::spawn_blocking(move || protect::look(&work, &granted)).await;
    looked.map_err(io::Error::other)?
}

/// [`protect::see`], off the runtime's threads where there is much to look at.
async fn see(work: &Path, protected: &[Protected], watched: Watched) -> io::Result<Seen> {
    let watched: Vec<Protected> = watched.of(protected).cloned().collect();
    if watched.is_empty() {
        return Ok(Seen::default());
    }
    let work = work.to_owned();
    let seen = tokio::task::spawn_blocking(move || protect::see(&work, &watched)).await;
    seen.map_err(io::Error::other)?
}

/// [`protect::clean_up`], off the runtime's threads where there is something to do.
async fn clean_up(work: &Path, protected: Vec<Protected>, before: Seen) -> io::Result<Tampering> {
    if before.is_empty() && protect::none_made(&protected) {
        return Ok(Tampering::default());
    }
    let work = work.to_owned();
    let cleaned =
        tokio::task::spawn_blocking(move || protect::clean_up(&work, &protected, &before)).await;
    cleaned.map_err(io::Error::other)?
}
