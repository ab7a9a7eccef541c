//! The agent's side of the talk with a sandbox's first program.

use std::{
    io,
    os::fd::{AsFd, OwnedFd},
    time::Duration,
};

use nix::{
    fcntl::{FcntlArg, OFlag, fcntl},
    sys::socket::{AddressFamily, SockFlag, SockType, setsockopt, socketpair, sockopt},
};
use tokio::{io::Interest, net::UnixDatagram, time::timeout};

use crate::{
    exec::MARKER_VARIABLE,
    init::{Said, go_on, said},
};

/// How long a sandbox may take to come up on a busy machine.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// How a command began.
#[derive(Debug)]
pub(super) enum Begun {
    /// Everything ordered is in force; the command's connections are told here.
    Running { connections: Option<OwnedFd> },
    /// The first program could not put it into force.
    Failed(String),
    /// The first program never spoke, or fell silent.
    Gone,
}

/// Our end of the socket, and the one that the first program inherits.
pub(super) fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let (ours, theirs) = socketpair(
        AddressFamily::Unix,
        SockType::SeqPacket,
        None,
        SockFlag::SOCK_CLOEXEC,
    )?;
    fcntl(&ours, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    setsockopt(&ours, sockopt::PassCred, &true)?;
    Ok((ours, theirs))
}

/// The variables as the first program is given them.
pub(super) fn encode(environment: Vec<(String, String)>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, value) in environment {
        if name != MARKER_VARIABLE {
            bytes.extend(name.bytes().chain(*b"=").chain(value.bytes()).chain([0]));
        }
    }
    bytes
}

/// Waits for the first program, lets `admit` do what is to be done with its process and with the
/// listening socket that it hands over, and waits for the command to begin.
pub(super) async fn welcome(
    hand: OwnedFd,
    environment: Vec<u8>,
    admit: impl FnOnce(i32, Option<OwnedFd>) -> io::Result<()>,
) -> Begun {
    let talk = async {
        // Of the kinds of socket that the runtime knows this is the one that keeps packets apart.
        let hand = UnixDatagram::from_std(hand.into())?;
        let (pid, listener) = match next(&hand).await? {
            Said::Hello { pid, listener } => (pid, listener),
            Said::Failed(reason) => return Ok(Begun::Failed(reason)),
            Said::Running { .. } | Said::Ended(_) | Said::Nothing => return Ok(Begun::Gone),
        };
        admit(pid, listener)?;
        go_on(hand.as_fd(), &environment)?;
        drop(environment);
        Ok::<_, io::Error>(match next(&hand).await? {
            Said::Running { connections } => Begun::Running { connections },
            Said::Failed(reason) => Begun::Failed(reason),
            Said::Hello { .. } | Said::Ended(_) | Said::Nothing => Begun::Gone,
        })
    };
    match timeout(PATIENCE, talk).await {
        Ok(Ok(begun)) => begun,
        Ok(Err(error)) => Begun::Failed(error.to_string()),
        Err(_) => Begun::Failed(too_slow()),
    }
}

pub(super) fn too_slow() -> String {
    format!("it took longer than {} s", PATIENCE.as_secs())
}

/// What the first program says next.
pub(super) async fn next(hand: &UnixDatagram) -> io::Result<Said> {
    hand.async_io(Interest::READABLE, || said(hand.as_fd()))
        .await
        .or_else(|error| match error.raw_os_error() {
            // The process ended with something of ours unread.
            Some(nix::libc::ECONNRESET) => Ok(Said::Nothing),
            _ => Err(error),
        })
}
