//! Starting a process that leads a session of its own, by `posix_spawn`.
//!
//! The standard library cannot ask for a session without copying the agent's page tables (`fork`),
//! and a `setsid` program in between costs as much as the command itself. Nothing is inherited: not
//! the environment, the signals' settings, nor an open file.

#![expect(
    unsafe_code,
    reason = "no safe library sets a session and a folder in posix_spawn"
)]

use std::{
    ffi::{CStr, CString, OsStr},
    io,
    mem::MaybeUninit,
    os::{
        fd::{AsRawFd, OwnedFd, RawFd},
        unix::ffi::OsStrExt,
    },
    path::Path,
    ptr,
};

use nix::{
    errno::Errno,
    fcntl::OFlag,
    libc::{self, c_char, c_int, c_short},
    unistd::pipe2,
};
use tokio::net::unix::pipe;

use super::Command;
use crate::init::HAND;

/// Where the standard input comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Input {
    /// `/dev/null`.
    Empty,
    /// A pipe.
    Piped,
}

impl Input {
    /// Where that of this command comes from.
    pub(super) fn of(command: &Command) -> Self {
        match command.stdin {
            Some(_) => Self::Piped,
            None => Self::Empty,
        }
    }
}

/// Our ends of a process's pipes.
#[derive(Debug)]
pub(crate) struct Ours {
    pub(super) stdin: Option<pipe::Sender>,
    pub(super) stdout: pipe::Receiver,
    pub(crate) stderr: pipe::Receiver,
}

/// A process's ends of its pipes; without an input it is given `/dev/null`.
#[derive(Debug)]
pub(crate) struct Theirs {
    pub(crate) stdin: Option<OwnedFd>,
    pub(crate) stdout: OwnedFd,
    pub(crate) stderr: OwnedFd,
}

/// The pipes of a process.
///
/// # Errors
/// When the system has none left.
pub(super) fn pipes(stdin: Input) -> io::Result<(Theirs, Ours)> {
    let (stdout, their_stdout) = output()?;
    let (stderr, their_stderr) = output()?;
    let (their_stdin, stdin) = match stdin {
        Input::Empty => (None, None),
        Input::Piped => {
            let (theirs, ours) = input()?;
            (Some(theirs), Some(ours))
        }
    };
    let theirs = Theirs {
        stdin: their_stdin,
        stdout: their_stdout,
        stderr: their_stderr,
    };
    let ours = Ours {
        stdin,
        stdout,
        stderr,
    };
    Ok((theirs, ours))
}

/// The pipes of a command that somebody else starts.
///
/// # Errors
/// When the system has none left.
pub(crate) fn pipes_for(command: &Command) -> io::Result<(Theirs, Ours)> {
    pipes(Input::of(command))
}

/// A process about to be started, complete.
#[derive(Debug)]
pub(super) struct Prepared {
    program: CString,
    arguments: Vec<CString>,
    environment: Vec<CString>,
    cwd: CString,
    pipes: Theirs,
    /// Inherited as the fourth descriptor.
    hand: Option<OwnedFd>,
}

/// Makes all that a process needs, so that nothing may fail once it runs.
///
/// # Errors
/// When the system has no pipe left, or a text has a NUL byte.
pub(super) fn prepare<'a>(
    program: &Path,
    arguments: &[&str],
    environment: impl Iterator<Item = (&'a str, &'a str)>,
    cwd: &Path,
    stdin: Input,
    hand: Option<OwnedFd>,
) -> io::Result<(Prepared, Ours)> {
    let (theirs, ours) = pipes(stdin)?;
    let program = c_string(program.as_os_str())?;
    let arguments = arguments.iter().map(|argument| c_string(argument.as_ref()));
    let arguments = std::iter::once(Ok(program.clone())).chain(arguments);
    let environment = environment.map(|(name, value)| CString::new(format!("{name}={value}")));
    let prepared = Prepared {
        arguments: arguments.collect::<io::Result<Vec<_>>>()?,
        environment: environment.collect::<Result<Vec<_>, _>>()?,
        cwd: c_string(cwd.as_os_str())?,
        program,
        pipes: theirs,
        hand,
    };
    Ok((prepared, ours))
}

impl Prepared {
    /// Starts the process as the leader of a new session, without a terminal: a prompt for a
    /// password fails at once instead of stopping it. Tells its number; nobody waits for it yet.
    ///
    /// # Errors
    /// What the system answered, also to the execution of the program.
    pub(super) fn start(self) -> io::Result<i32> {
        let mut actions = Actions::new()?;
        match &self.pipes.stdin {
            None => actions.open_null(0)?,
            Some(theirs) => actions.give(theirs.as_raw_fd(), 0)?,
        }
        actions.give(self.pipes.stdout.as_raw_fd(), 1)?;
        actions.give(self.pipes.stderr.as_raw_fd(), 2)?;
        // Last: this number may be that of one above, which has its copy by now.
        if let Some(hand) = &self.hand {
            actions.give(hand.as_raw_fd(), HAND)?;
        }
        actions.enter(&self.cwd)?;
        let attributes = Attributes::new()?;
        let (arguments, environment) = (pointers(&self.arguments), pointers(&self.environment));
        let mut pid = 0;
        // SAFETY: all pointers are to objects initialised above, which live until the call
        // returns; both lists end with a null pointer, and the call does not write to their
        // strings.
        let failed = unsafe {
            libc::posix_spawn(
                &raw mut pid,
                self.program.as_ptr(),
                actions.0.as_ptr(),
                attributes.0.as_ptr(),
                arguments.as_ptr(),
                environment.as_ptr(),
            )
        };
        answered(failed)?;
        Ok(pid)
    }
}

/// A pipe that we read from.
fn output() -> io::Result<(pipe::Receiver, OwnedFd)> {
    let (ours, theirs) = pipe2(OFlag::O_CLOEXEC)?;
    Ok((pipe::Receiver::from_owned_fd(ours)?, theirs))
}

/// A pipe that we write to.
fn input() -> io::Result<(OwnedFd, pipe::Sender)> {
    let (theirs, ours) = pipe2(OFlag::O_CLOEXEC)?;
    Ok((theirs, pipe::Sender::from_owned_fd(ours)?))
}

fn c_string(text: &OsStr) -> io::Result<CString> {
    Ok(CString::new(text.as_bytes())?)
}

fn pointers(texts: &[CString]) -> Vec<*mut c_char> {
    let texts = texts.iter().map(|text| text.as_ptr().cast_mut());
    texts.chain([ptr::null_mut()]).collect()
}

fn answered(error: c_int) -> io::Result<()> {
    match error {
        0 => Ok(()),
        error => Err(io::Error::from_raw_os_error(error)),
    }
}

/// What the new process does before it executes.
struct Actions(MaybeUninit<libc::posix_spawn_file_actions_t>);

impl Actions {
    fn new() -> io::Result<Self> {
        let mut actions = MaybeUninit::uninit();
        // SAFETY: the call initialises what it is given room for.
        answered(unsafe { libc::posix_spawn_file_actions_init(actions.as_mut_ptr()) })?;
        Ok(Self(actions))
    }

    fn give(&mut self, ours: RawFd, theirs: RawFd) -> io::Result<()> {
        // SAFETY: initialised by `new`.
        answered(unsafe {
            libc::posix_spawn_file_actions_adddup2(self.0.as_mut_ptr(), ours, theirs)
        })
    }

    fn open_null(&mut self, theirs: RawFd) -> io::Result<()> {
        let (path, flags) = (c"/dev/null".as_ptr(), libc::O_RDONLY);
        // SAFETY: initialised by `new`; the path is copied.
        answered(unsafe {
            libc::posix_spawn_file_actions_addopen(self.0.as_mut_ptr(), theirs, path, flags, 0)
        })
    }

    fn enter(&mut self, folder: &CStr) -> io::Result<()> {
        // SAFETY: initialised by `new`; the path is copied.
        answered(unsafe {
            libc::posix_spawn_file_actions_addchdir_np(self.0.as_mut_ptr(), folder.as_ptr())
        })
    }
}

impl Drop for Actions {
    fn drop(&mut self) {
        // SAFETY: initialised by `new`, and not used after.
        unsafe { libc::posix_spawn_file_actions_destroy(self.0.as_mut_ptr()) };
    }
}

/// A session of its own, no signal blocked, and SIGPIPE, which Rust programs ignore, as usual.
struct Attributes(MaybeUninit<libc::posix_spawnattr_t>);

impl Attributes {
    fn new() -> io::Result<Self> {
        let mut attributes = MaybeUninit::uninit();
        // SAFETY: the call initialises what it is given room for.
        answered(unsafe { libc::posix_spawnattr_init(attributes.as_mut_ptr()) })?;
        let mut this = Self(attributes);
        let attributes = this.0.as_mut_ptr();
        let signal_flags = libc::POSIX_SPAWN_SETSIGMASK | libc::POSIX_SPAWN_SETSIGDEF;
        let flags = libc::POSIX_SPAWN_SETSID
            | c_short::try_from(signal_flags).map_err(|_| Errno::EINVAL)?;
        let mut signals = MaybeUninit::uninit();
        // SAFETY: the attributes were initialised above; the set of signals is by its first call,
        // and copied by those that take it.
        unsafe {
            libc::sigemptyset(signals.as_mut_ptr());
            answered(libc::posix_spawnattr_setsigmask(
                attributes,
                signals.as_ptr(),
            ))?;
            libc::sigaddset(signals.as_mut_ptr(), libc::SIGPIPE);
            answered(libc::posix_spawnattr_setsigdefault(
                attributes,
                signals.as_ptr(),
            ))?;
            answered(libc::posix_spawnattr_setflags(attributes, flags))?;
        }
        Ok(this)
    }
}

impl Drop for Attributes {
    fn drop(&mut self) {
        // SAFETY: initialised by `new`, and not used after.
        unsafe { libc::posix_spawnattr_destroy(self.0.as_mut_ptr()) };
    }
}
