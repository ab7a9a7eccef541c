//! The first program that stays: it holds a sandbox for a run, and starts the run's commands in it
//! one after another.
//!
//! To set a sandbox up costs several times what a command costs, so it is done once. Each command
//! is a process of its own for which all that is ordered is put into force, and when it has ended
//! everything else in the sandbox is ended before that is told: this program is the first of its
//! process namespace, and nobody else is in there.

use std::{
    convert::Infallible,
    fs,
    io::{self, Read, Write},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    process,
};

use nix::{
    errno::Errno,
    fcntl::OFlag,
    libc,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::{
        prctl,
        signal::{SigSet, SigmaskHow, Signal, kill, sigprocmask},
        signalfd::{SfdFlags, SignalFd},
    },
    unistd::{
        ForkResult, Pid, chdir, dup2_stderr, dup2_stdin, dup2_stdout, execve, fork, pipe2, setsid,
    },
};

use crate::sandbox::Layer;

use super::{
    Orders,
    force::Force,
    kernel,
    request::{self, Request},
    start::{InitError, while_doing},
    talk::{Talk, Told},
};

/// All but ourselves, for `kill`.
const EVERYBODY: Pid = Pid::from_raw(-1);

/// The system ends a command first when memory runs out, and not the one who tells of it.
const SOONER_THAN_US: &str = "500";

/// Starts what it is told to until nobody is there to tell it.
pub(super) fn keep(
    orders: Orders,
    talk: &Talk,
    listener: Option<BorrowedFd<'_>>,
) -> Result<Infallible, InitError> {
    // It ends everybody whom it can reach when a command has ended.
    if process::id() != 1 {
        return Err(InitError::Orders(
            "only the first process of a namespace can hold a sandbox".to_owned(),
        ));
    }
    // A command may be the same user as we are, and shall not look into our memory.
    prctl::set_dumpable(false).map_err(while_doing("close its memory to others"))?;
    let force = Force::prepare(orders)?;
    let children = Children::watch().map_err(while_doing("watch its children"))?;
    talk.greet(listener).map_err(while_doing("say hello"))?;
    loop {
        await_one_of(&[talk.socket()]).map_err(while_doing("wait for a command"))?;
        let told = talk.next();
        match told.map_err(while_doing("be told a command"))? {
            Told::Start { request, files } => {
                let started = start(&force, &children, &request, files);
                drop(request);
                match started {
                    Ok(pid) => {
                        let followed = follow(pid, talk, &children, &force);
                        followed.map_err(while_doing("follow a command"))?;
                    }
                    Err(reason) => talk.failed(&reason),
                }
            }
            // The command has ended meanwhile.
            Told::Terminate | Told::Kill => {}
            Told::Nothing => process::exit(0),
        }
    }
}

/// The ends of children, heard of through a file.
struct Children {
    ends: SignalFd,
    signals: SigSet,
}

impl Children {
    fn watch() -> nix::Result<Self> {
        let mut signals = SigSet::empty();
        signals.add(Signal::SIGCHLD);
        signals.thread_block()?;
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        Ok(Self {
            ends: SignalFd::with_flags(&signals, flags)?,
            signals,
        })
    }

    /// Takes all ends that are known, and tells the status of this one, if it is among them.
    fn collect(&self, pid: Pid) -> io::Result<Option<i32>> {
        while self.ends.read_signal()?.is_some() {}
        let mut status = None;
        while let Some((ended, with)) = collect(libc::WNOHANG)? {
            if ended == pid.as_raw() {
                status = Some(with);
            }
        }
        Ok(status)
    }
}

/// A child that has ended, and its status; nothing where there is none (any more).
fn collect(flags: libc::c_int) -> io::Result<Option<(i32, i32)>> {
    let mut status = 0;
    #[expect(unsafe_code, reason = "the safe wrapper knows no real-time signals")]
    // SAFETY: the call writes to the status alone.
    let pid = unsafe { libc::waitpid(-1, &raw mut status, flags) };
    match (pid, Errno::last()) {
        (0, _) | (-1, Errno::ECHILD) => Ok(None),
        (-1, error) => Err(error.into()),
        (pid, _) => Ok(Some((pid, status))),
    }
}

fn await_one_of(files: &[BorrowedFd<'_>]) -> nix::Result<()> {
    let mut all: Vec<PollFd<'_>> = files
        .iter()
        .map(|file| PollFd::new(*file, PollFlags::POLLIN))
        .collect();
    loop {
        match poll(&mut all, PollTimeout::NONE) {
            Err(Errno::EINTR) => {}
            answer => return answer.map(drop),
        }
    }
}

/// Stays with a command until nothing of it is left.
fn follow(pid: Pid, talk: &Talk, children: &Children, force: &Force) -> io::Result<()> {
    talk.running(None)?;
    loop {
        if let Some(status) = children.collect(pid)? {
            if force.orders().without.has(Layer::Orphans) {
                end_all()?;
            }
            return talk.ended(status);
        }
        await_one_of(&[talk.socket(), children.ends.as_fd()])?;
        if !has_word(talk)? {
            continue;
        }
        match talk.next()? {
            Told::Terminate => {
                signal_all(Signal::SIGTERM)?;
                // A stopped process would not see it.
                signal_all(Signal::SIGCONT)?;
            }
            Told::Kill => signal_all(Signal::SIGKILL)?,
            Told::Start { .. } => talk.failed("another command is running"),
            Told::Nothing => process::exit(0),
        }
    }
}

fn has_word(talk: &Talk) -> nix::Result<bool> {
    let mut socket = [PollFd::new(talk.socket(), PollFlags::POLLIN)];
    Ok(poll(&mut socket, PollTimeout::ZERO)? > 0)
}

fn signal_all(signal: Signal) -> nix::Result<()> {
    match kill(EVERYBODY, signal) {
        Err(Errno::ESRCH) => Ok(()),
        sent => sent,
    }
}

/// Ends whatever the command left behind.
fn end_all() -> io::Result<()> {
    loop {
        signal_all(Signal::SIGKILL)?;
        if collect(0)?.is_none() {
            return Ok(());
        }
    }
}

/// Starts a command; comes back when it is executed, or with the reason why it is not.
fn start(
    force: &Force,
    children: &Children,
    request: &fs::File,
    files: [OwnedFd; 3],
) -> Result<Pid, String> {
    let text = |error: io::Error| format!("failed to start the command: {error}");
    let mut request = Request::read(request).map_err(text)?;
    request.environment.extend(request::marker().map_err(text)?);
    let (failure, tell) = pipe2(OFlag::O_CLOEXEC).map_err(|error| text(error.into()))?;
    #[expect(unsafe_code, reason = "no safe library forks")]
    // SAFETY: this process has one thread, so the copy of it may do what it could itself.
    let forked = unsafe { fork() };
    match forked.map_err(|error| text(error.into()))? {
        ForkResult::Child => {
            let Err(error) = become_command(force, children, &request, files);
            // Whoever listens may be gone.
            let _ = fs::File::from(tell).write_all(error.to_string().as_bytes());
            #[expect(
                unsafe_code,
                reason = "no destructor of the original may run in its copy"
            )]
            // SAFETY: ends the process, and touches nothing.
            unsafe {
                libc::_exit(125)
            }
        }
        ForkResult::Parent { child } => {
            drop((tell, files));
            let mut reason = String::new();
            // It ends without a word when the command is executed.
            let heard = fs::File::from(failure).read_to_string(&mut reason);
            heard.map_err(text)?;
            if reason.is_empty() {
                return Ok(child);
            }
            end_all().map_err(text)?;
            Err(reason)
        }
    }
}

fn become_command(
    force: &Force,
    children: &Children,
    request: &Request,
    [stdin, stdout, stderr]: [OwnedFd; 3],
) -> Result<Infallible, InitError> {
    let give = "give the command its files";
    setsid().map_err(while_doing("begin a session"))?;
    dup2_stdin(stdin).map_err(while_doing(give))?;
    dup2_stdout(stdout).map_err(while_doing(give))?;
    dup2_stderr(stderr).map_err(while_doing(give))?;
    if force.orders().without.has(Layer::Descriptors) {
        kernel::keep_the_first_three().map_err(while_doing("close inherited files"))?;
    }
    let unblocked = sigprocmask(SigmaskHow::SIG_UNBLOCK, Some(&children.signals), None);
    unblocked.map_err(while_doing("listen to signals"))?;
    // Where that cannot be said, all are as likely to be ended.
    let _ = fs::write("/proc/self/oom_score_adj", SOONER_THAN_US);
    if force.put()?.is_some() {
        let reason = "only a first program that becomes its command has its connections told";
        return Err(InitError::Orders(reason.to_owned()));
    }
    chdir(request.cwd.as_c_str()).map_err(while_doing("enter the command's folder"))?;
    let program = request.program();
    execve(&program, &request.line, &request.environment)
        .map_err(while_doing("execute the command"))
}
