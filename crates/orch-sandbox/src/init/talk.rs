//! What the first program and whoever started it say to each other, over a socket of packets.
//!
//! The first program says hello, hands a listening socket over if it was told to, and waits for the
//! word to go on; then it says that it begins, or why it cannot. Both ends wait for a bounded time.

use std::{
    fs::File,
    io::{self, IoSlice, IoSliceMut},
    os::{
        fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd},
        unix::fs::FileExt,
    },
    time::Duration,
};

use nix::{
    cmsg_space,
    sys::{
        memfd::{MFdFlags, memfd_create},
        socket::{
            ControlMessage, ControlMessageOwned, MsgFlags, UnixCredentials, recvmsg, send, sendmsg,
            setsockopt, sockopt,
        },
        time::TimeVal,
    },
};

/// The descriptor at which the first program finds the socket.
pub(crate) const HAND: RawFd = 3;

/// How long it waits for the word to go on.
const PATIENCE: Duration = Duration::from_secs(30);

const HELLO: u8 = b'H';
const GO: u8 = b'G';
const RUNNING: u8 = b'R';
const FAILED: u8 = b'E';

/// More is not read of an error.
const MOST_BYTES: usize = 4096;

/// The first program's end.
pub(super) struct Talk(OwnedFd);

impl Talk {
    /// Takes the socket that was handed over, so that the command does not inherit it.
    pub(super) fn take() -> io::Result<Self> {
        #[expect(
            unsafe_code,
            reason = "a descriptor that was inherited has no owner yet"
        )]
        // SAFETY: whoever starts us gives us this descriptor, and nothing else here uses it; where
        // they did not, the next call says so.
        let hand = unsafe { OwnedFd::from_raw_fd(HAND) };
        let flags = nix::fcntl::FdFlag::FD_CLOEXEC;
        nix::fcntl::fcntl(&hand, nix::fcntl::FcntlArg::F_SETFD(flags))?;
        let patience = TimeVal::new(PATIENCE.as_secs().cast_signed(), 0);
        setsockopt(&hand, sockopt::ReceiveTimeout, &patience)?;
        Ok(Self(hand))
    }

    /// Says hello, with a listening socket if there is one, and waits for the word to go on. It
    /// comes with the command's environment, in a file.
    pub(super) fn hello(&self, listener: Option<BorrowedFd<'_>>) -> io::Result<File> {
        say(self.0.as_fd(), HELLO, listener)?;
        let (answer, _, file) = receive(self.0.as_fd(), MsgFlags::empty())?;
        match (answer.as_slice(), file) {
            ([GO], Some(file)) => Ok(File::from(file)),
            _ => Err(io::Error::other("whoever started it is gone")),
        }
    }

    pub(super) fn running(&self) -> io::Result<()> {
        self.say(&[RUNNING])
    }

    pub(super) fn failed(&self, reason: &str) {
        let mut text = vec![FAILED];
        text.extend(reason.bytes().take(MOST_BYTES - 1));
        // Nobody may be left to hear it; the exit code tells as much.
        let _ = self.say(&text);
    }

    fn say(&self, bytes: &[u8]) -> io::Result<()> {
        send(self.0.as_raw_fd(), bytes, MsgFlags::MSG_NOSIGNAL)?;
        Ok(())
    }
}

/// What the first program has said.
#[derive(Debug)]
pub(crate) enum Said {
    /// It is there, under this number of ours.
    Hello { pid: i32, listener: Option<OwnedFd> },
    /// Everything ordered is in force, and the command begins.
    Running,
    /// It could not be put into force.
    Failed(String),
    /// It is gone.
    Nothing,
}

/// Reads what the first program has said. The socket must pass credentials.
///
/// # Errors
/// `WouldBlock` where it has said nothing yet.
pub(crate) fn said(socket: BorrowedFd<'_>) -> io::Result<Said> {
    let (bytes, pid, listener) = receive(socket, MsgFlags::MSG_DONTWAIT)?;
    Ok(match bytes.as_slice() {
        [HELLO] => Said::Hello { pid, listener },
        [RUNNING] => Said::Running,
        [FAILED, reason @ ..] => Said::Failed(String::from_utf8_lossy(reason).into_owned()),
        _ => Said::Nothing,
    })
}

/// Lets the first program go on with a command's environment, `NAME=value` with a NUL after each.
pub(crate) fn go_on(socket: BorrowedFd<'_>, environment: &[u8]) -> io::Result<()> {
    let file = memfd_create(c"environment", MFdFlags::MFD_CLOEXEC)?;
    File::from(file.try_clone()?).write_all_at(environment, 0)?;
    say(socket, GO, Some(file.as_fd()))
}

fn say(socket: BorrowedFd<'_>, word: u8, descriptor: Option<BorrowedFd<'_>>) -> io::Result<()> {
    let word = [word];
    let text = [IoSlice::new(&word)];
    let descriptors = descriptor.map(|descriptor| [descriptor.as_raw_fd()]);
    let handed: Vec<ControlMessage<'_>> = descriptors
        .iter()
        .map(|descriptors| ControlMessage::ScmRights(descriptors))
        .collect();
    sendmsg::<()>(
        socket.as_raw_fd(),
        &text,
        &handed,
        MsgFlags::MSG_NOSIGNAL,
        None,
    )?;
    Ok(())
}

/// A packet, who sent it (0 where that is not told), and a descriptor that came with it.
fn receive(socket: BorrowedFd<'_>, flags: MsgFlags) -> io::Result<(Vec<u8>, i32, Option<OwnedFd>)> {
    let mut bytes = vec![0; MOST_BYTES];
    let mut room = cmsg_space!(UnixCredentials, [RawFd; 1]);
    let (mut pid, mut owned) = (0, None);
    let mut text = [IoSliceMut::new(&mut bytes)];
    let flags = flags | MsgFlags::MSG_CMSG_CLOEXEC;
    let message = recvmsg::<()>(socket.as_raw_fd(), &mut text, Some(&mut room), flags)?;
    for control in message.cmsgs()? {
        match control {
            ControlMessageOwned::ScmCredentials(sender) => pid = sender.pid(),
            ControlMessageOwned::ScmRights(descriptors) => {
                #[expect(unsafe_code, reason = "a descriptor just received has no owner yet")]
                // SAFETY: the system made them for us in this call.
                let mut all = descriptors
                    .into_iter()
                    .map(|descriptor| unsafe { OwnedFd::from_raw_fd(descriptor) });
                owned = all.next();
            }
            _ => {}
        }
    }
    let count = message.bytes;
    bytes.truncate(count);
    Ok((bytes, pid, owned))
}
