//! What the first program and whoever started it say to each other, over a socket of packets.
//!
//! The first program says hello, hands a listening socket over if it was told to, and waits for the
//! word to go on; then it says that it begins, or why it cannot. Both ends wait for a bounded time.

use std::{
    fs::File,
    io::{self, IoSlice, IoSliceMut},
    os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd},
    time::Duration,
};

use nix::{
    cmsg_space,
    sys::{
        socket::{
            ControlMessage, ControlMessageOwned, MsgFlags, UnixCredentials, recvmsg, send, sendmsg,
            setsockopt, sockopt,
        },
        time::TimeVal,
    },
};

use super::request::{Request, in_memory};

/// The descriptor at which the first program finds the socket.
pub(crate) const HAND: RawFd = 3;

/// How long it waits for the word to go on.
const PATIENCE: Duration = Duration::from_secs(30);

/// More descriptors do not come with one packet.
const MOST_DESCRIPTORS: usize = 4;

const HELLO: u8 = b'H';
const GO: u8 = b'G';
const RUNNING: u8 = b'R';
const FAILED: u8 = b'E';
const START: u8 = b'S';
const TERMINATE: u8 = b'T';
const KILL: u8 = b'K';
const ENDED: u8 = b'X';

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
        self.greet(listener)?;
        let mut answer = receive(self.0.as_fd(), MsgFlags::empty())?;
        match (answer.bytes.as_slice(), answer.descriptors.pop()) {
            ([GO], Some(file)) => Ok(File::from(file)),
            _ => Err(io::Error::other("whoever started it is gone")),
        }
    }

    /// Says hello, and does not wait.
    pub(super) fn greet(&self, listener: Option<BorrowedFd<'_>>) -> io::Result<()> {
        say(self.0.as_fd(), &[HELLO], listener.as_slice())
    }

    /// What it is told next. Comes back at once, or after [`PATIENCE`] with an error: to be asked
    /// where something has come.
    pub(super) fn next(&self) -> io::Result<Told> {
        let Packet {
            bytes, descriptors, ..
        } = receive(self.0.as_fd(), MsgFlags::empty())?;
        Ok(
            match (bytes.as_slice(), <[OwnedFd; 4]>::try_from(descriptors)) {
                ([START], Ok([request, stdin, stdout, stderr])) => Told::Start {
                    request: File::from(request),
                    files: [stdin, stdout, stderr],
                },
                ([TERMINATE], _) => Told::Terminate,
                ([KILL], _) => Told::Kill,
                _ => Told::Nothing,
            },
        )
    }

    /// Says with which status, as `wait` tells it, the command has ended, and that nothing of it is
    /// left.
    pub(super) fn ended(&self, status: i32) -> io::Result<()> {
        let mut text = vec![ENDED];
        text.extend(status.to_ne_bytes());
        self.say(&text)
    }

    pub(super) fn socket(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }

    /// Says that the command begins, with what its connections are told to if they are.
    pub(super) fn running(&self, connections: Option<BorrowedFd<'_>>) -> io::Result<()> {
        say(self.0.as_fd(), &[RUNNING], connections.as_slice())
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

/// What a first program that stays is told.
#[derive(Debug)]
pub(super) enum Told {
    /// To start a command, with these standard files.
    Start { request: File, files: [OwnedFd; 3] },
    /// To ask all of the command's processes to end.
    Terminate,
    /// To end them.
    Kill,
    /// Whoever started it is gone.
    Nothing,
}

/// What the first program has said.
#[derive(Debug)]
pub(crate) enum Said {
    /// It is there, under this number of ours.
    Hello { pid: i32, listener: Option<OwnedFd> },
    /// Everything ordered is in force, and the command begins; its connections are told here.
    Running { connections: Option<OwnedFd> },
    /// It could not be put into force.
    Failed(String),
    /// The command has ended, and all that came from it; the status is as `wait` tells it.
    Ended(i32),
    /// It is gone.
    Nothing,
}

/// Reads what the first program has said. The socket must pass credentials.
///
/// # Errors
/// `WouldBlock` where it has said nothing yet.
pub(crate) fn said(socket: BorrowedFd<'_>) -> io::Result<Said> {
    let Packet {
        bytes,
        pid,
        mut descriptors,
    } = receive(socket, MsgFlags::MSG_DONTWAIT)?;
    Ok(match bytes.as_slice() {
        [HELLO] => Said::Hello {
            pid,
            listener: descriptors.pop(),
        },
        [ENDED, a, b, c, d] => Said::Ended(i32::from_ne_bytes([*a, *b, *c, *d])),
        [RUNNING] => Said::Running {
            connections: descriptors.pop(),
        },
        [FAILED, reason @ ..] => Said::Failed(String::from_utf8_lossy(reason).into_owned()),
        _ => Said::Nothing,
    })
}

/// Lets the first program go on with a command's environment, `NAME=value` with a NUL after each.
pub(crate) fn go_on(socket: BorrowedFd<'_>, environment: &[u8]) -> io::Result<()> {
    let file = in_memory(environment)?;
    say(socket, &[GO], &[file.as_fd()])
}

/// Has a first program that stays start a command, with these standard files.
pub(crate) fn start(
    socket: BorrowedFd<'_>,
    request: &Request,
    files: [BorrowedFd<'_>; 3],
) -> io::Result<()> {
    let request = request.write()?;
    let [stdin, stdout, stderr] = files;
    say(socket, &[START], &[request.as_fd(), stdin, stdout, stderr])
}

/// Has a first program that stays ask the command's processes to end.
pub(crate) fn terminate(socket: BorrowedFd<'_>) -> io::Result<()> {
    say(socket, &[TERMINATE], &[])
}

/// Has a first program that stays end the command's processes.
pub(crate) fn kill(socket: BorrowedFd<'_>) -> io::Result<()> {
    say(socket, &[KILL], &[])
}

fn say(socket: BorrowedFd<'_>, text: &[u8], descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
    let text = [IoSlice::new(text)];
    let descriptors: Vec<RawFd> = descriptors.iter().map(AsRawFd::as_raw_fd).collect();
    let handed = [ControlMessage::ScmRights(&descriptors)];
    let handed = match descriptors.is_empty() {
        true => &[][..],
        false => &handed,
    };
    sendmsg::<()>(
        socket.as_raw_fd(),
        &text,
        handed,
        MsgFlags::MSG_NOSIGNAL,
        None,
    )?;
    Ok(())
}

/// A packet, who sent it (0 where that is not told), and the descriptors that came with it.
struct Packet {
    bytes: Vec<u8>,
    pid: i32,
    descriptors: Vec<OwnedFd>,
}

fn receive(socket: BorrowedFd<'_>, flags: MsgFlags) -> io::Result<Packet> {
    let mut bytes = vec![0; MOST_BYTES];
    let mut room = cmsg_space!(UnixCredentials, [RawFd; MOST_DESCRIPTORS]);
    let (mut pid, mut owned) = (0, Vec::new());
    let mut text = [IoSliceMut::new(&mut bytes)];
    let flags = flags | MsgFlags::MSG_CMSG_CLOEXEC;
    let message = recvmsg::<()>(socket.as_raw_fd(), &mut text, Some(&mut room), flags)?;
    for control in message.cmsgs()? {
        match control {
            ControlMessageOwned::ScmCredentials(sender) => pid = sender.pid(),
            ControlMessageOwned::ScmRights(descriptors) => {
                #[expect(unsafe_code, reason = "a descriptor just received has no owner yet")]
                // SAFETY: the system made them for us in this call.
                let all = descriptors
                    .into_iter()
                    .map(|descriptor| unsafe { OwnedFd::from_raw_fd(descriptor) });
                owned.extend(all);
            }
            _ => {}
        }
    }
    let count = message.bytes;
    bytes.truncate(count);
    Ok(Packet {
        bytes,
        pid,
        descriptors: owned,
    })
}
