//! Connections of commands that have no network of their own, made by the agent.
//!
//! A command's `connect` never happens: it is told to us, we make a socket, connect it to the run's
//! proxy and put it in the place of the command's. Nothing that the command says decides where to, so
//! that it has nothing to gain from changing its memory meanwhile; its address is read only to refuse
//! others as they are refused elsewhere. Where nobody is here to make connections there are none.

use std::{
    fs,
    io::{self, ErrorKind},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    os::{
        fd::{AsFd, AsRawFd, OwnedFd},
        unix::fs::FileExt,
    },
    thread,
    time::Duration,
};

use nix::{
    errno::Errno,
    libc,
    poll::{PollFd, PollFlags, PollTimeout, poll},
};

use super::sockaddr::{self, Asked};
use crate::{
    egress::{Proxy, Refusal},
    init::Identity,
};

/// How long the proxy may take to accept.
const PATIENCE: Duration = Duration::from_secs(10);

/// Who makes the connections of one command.
pub(super) struct Connector {
    /// Where they are asked for.
    pub(super) told: OwnedFd,
    /// Where the proxy listens on this machine's loopback.
    pub(super) port: u16,
    pub(super) proxy: Proxy,
    /// The command's user, where it is not ours.
    pub(super) user: Option<Identity>,
}

impl Connector {
    /// Makes connections until the last of the command's processes has ended, on a thread of its own:
    /// where none can be had, the command has no connections.
    pub(super) fn start(self) {
        let name = "connections".to_owned();
        if let Err(error) = thread::Builder::new()
            .name(name)
            .spawn(move || self.serve())
        {
            tracing::warn!(%error, "nobody makes a command's connections: it has none");
        }
    }

    fn serve(mut self) {
        loop {
            let mut told = [PollFd::new(self.told.as_fd(), PollFlags::POLLIN)];
            match poll(&mut told, PollTimeout::NONE) {
                Ok(_) => {}
                Err(Errno::EINTR) => continue,
                Err(_) => return,
            }
            let events = told[0].revents().unwrap_or(PollFlags::POLLERR);
            if !events.contains(PollFlags::POLLIN) {
                // Nobody is left who could ask.
                return;
            }
            // One that was interrupted meanwhile is asked for again.
            if let Ok(call) = notice::receive(&self.told) {
                let answer = self.connect(&call);
                let _ = notice::answer(&self.told, &call, answer);
            }
        }
    }

    /// Connects a command's socket to the proxy, or says why not.
    fn connect(&mut self, call: &Call) -> Result<(), Errno> {
        let seen = match self.look(call) {
            Err(Errno::EACCES | Errno::EPERM) if self.become_user() => self.look(call),
            seen => seen,
        };
        // What we read may be of a process that came after the one that asked.
        let still_asked = notice::is_valid(&self.told, call);
        let seen = seen?;
        if !still_asked {
            return Err(Errno::EINTR);
        }
        let at = match seen.asked {
            Asked::Address(at) => at,
            Asked::Other => return Err(Errno::EACCES),
            Asked::Malformed => return Err(Errno::EINVAL),
        };
        if at != SocketAddr::from((Ipv4Addr::LOCALHOST, self.port)) {
            self.proxy.tell(Refusal {
                host: at.ip().to_string(),
                port: at.port(),
                reason:
                    "it was connected to directly, and the run's proxy (http_proxy) is the only way"
                        .to_owned(),
            });
            return Err(Errno::EACCES);
        }
        let proxy = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let connected =
            TcpStream::connect_timeout(&proxy, PATIENCE).map_err(|error| errno(&error))?;
        if seen.flags & libc::O_NONBLOCK != 0 {
            let set = connected.set_nonblocking(true);
            set.map_err(|error| errno(&error))?;
        }
        let cloexec = seen.flags & libc::O_CLOEXEC;
        notice::replace(&self.told, call, &connected, cloexec).map_err(|error| errno(&error))
    }

    /// What is asked for, and of which kind the socket is.
    fn look(&self, call: &Call) -> Result<Seen, Errno> {
        let told = |error: io::Error| match errno(&error) {
            Errno::ENOENT => Errno::EBADF,
            other => other,
        };
        let Call { pid, socket, .. } = call;
        let kind = fs::read_link(format!("/proc/{pid}/fd/{socket}")).map_err(told)?;
        if !kind.to_string_lossy().starts_with("socket:") {
            return Err(Errno::ENOTSOCK);
        }
        let facts = fs::read_to_string(format!("/proc/{pid}/fdinfo/{socket}")).map_err(told)?;
        let memory = fs::File::open(format!("/proc/{pid}/mem")).map_err(|error| errno(&error))?;
        let length = usize::try_from(call.length).unwrap_or(usize::MAX);
        let mut address = vec![0; length.min(sockaddr::MOST_BYTES)];
        let read = memory.read_exact_at(&mut address, call.address);
        read.map_err(|_| Errno::EFAULT)?;
        Ok(Seen {
            asked: sockaddr::read(&address),
            flags: flags(&facts),
        })
    }

    /// Has this thread take the command's user, so that it may look at its processes where being root
    /// is not enough: in a container without privileges.
    fn become_user(&mut self) -> bool {
        let Some(Identity { uid, gid }) = self.user.take() else {
            return false;
        };
        const KEEP: libc::c_long = -1;
        #[expect(unsafe_code, reason = "the safe calls change the user of all threads")]
        // SAFETY: take numbers alone. The thread does nothing but this, and ends with the command.
        let became = unsafe {
            libc::syscall(libc::SYS_setresgid, KEEP, libc::c_long::from(gid), KEEP) == 0
                && libc::syscall(libc::SYS_setresuid, KEEP, libc::c_long::from(uid), KEEP) == 0
        };
        became
    }
}

/// What is known of a connection that is asked for.
struct Seen {
    asked: Asked,
    /// As `open` takes them.
    flags: libc::c_int,
}

/// A call of `connect` that waits for its answer.
struct Call {
    id: u64,
    pid: u32,
    socket: u32,
    /// Where the address lies in the caller's memory, and how long it says that it is.
    address: u64,
    length: u64,
}

/// The flags of an open file, in octal digits.
fn flags(facts: &str) -> libc::c_int {
    let line = facts.lines().find_map(|line| line.strip_prefix("flags:"));
    let digits = line.unwrap_or_default().trim();
    libc::c_int::from_str_radix(digits, 8).unwrap_or_default()
}

fn errno(error: &io::Error) -> Errno {
    match (error.raw_os_error(), error.kind()) {
        (Some(number), _) => Errno::from_raw(number),
        (None, ErrorKind::TimedOut) => Errno::ETIMEDOUT,
        (None, _) => Errno::ECONNREFUSED,
    }
}

/// The kernel's side.
mod notice {
    #![expect(unsafe_code, reason = "no safe library answers for a system call")]

    use super::{AsRawFd, Call, Errno, OwnedFd, TcpStream, io, libc};

    pub(super) fn receive(told: &OwnedFd) -> io::Result<Call> {
        // SAFETY: all of it are numbers, for which zero is one.
        let mut notice: libc::seccomp_notif = unsafe { std::mem::zeroed() };
        // SAFETY: the call fills what it is given, which has the shape that its number names.
        let answer = unsafe {
            libc::ioctl(
                told.as_raw_fd(),
                libc::SECCOMP_IOCTL_NOTIF_RECV,
                &raw mut notice,
            )
        };
        done(answer)?;
        let [socket, address, length, ..] = notice.data.args;
        Ok(Call {
            id: notice.id,
            pid: notice.pid,
            // The kernel takes its lower half as well.
            socket: (socket & u64::from(u32::MAX)) as u32,
            address,
            length: length & u64::from(u32::MAX),
        })
    }

    pub(super) fn is_valid(told: &OwnedFd, call: &Call) -> bool {
        // SAFETY: the call reads the number alone.
        let answer = unsafe {
            libc::ioctl(
                told.as_raw_fd(),
                libc::SECCOMP_IOCTL_NOTIF_ID_VALID,
                &raw const call.id,
            )
        };
        answer == 0
    }

    /// Puts a socket of ours in the place of the caller's.
    pub(super) fn replace(
        told: &OwnedFd,
        call: &Call,
        by: &TcpStream,
        flags: libc::c_int,
    ) -> io::Result<()> {
        let descriptor = |raw: i32| u32::try_from(raw).expect("invariant: open files have numbers");
        let added = libc::seccomp_notif_addfd {
            id: call.id,
            flags: libc::SECCOMP_ADDFD_FLAG_SETFD as u32,
            srcfd: descriptor(by.as_raw_fd()),
            newfd: call.socket,
            newfd_flags: flags.cast_unsigned(),
        };
        // SAFETY: the call reads what it is given, which has the shape that its number names.
        let answer = unsafe {
            libc::ioctl(
                told.as_raw_fd(),
                libc::SECCOMP_IOCTL_NOTIF_ADDFD,
                &raw const added,
            )
        };
        done(answer)
    }

    /// Ends the call with this answer, and never lets it go on.
    pub(super) fn answer(told: &OwnedFd, call: &Call, answer: Result<(), Errno>) -> io::Result<()> {
        let mut response = libc::seccomp_notif_resp {
            id: call.id,
            val: 0,
            error: answer.err().map_or(0, |error| -(error as i32)),
            flags: 0,
        };
        // SAFETY: the call reads what it is given, which has the shape that its number names.
        let answer = unsafe {
            libc::ioctl(
                told.as_raw_fd(),
                libc::SECCOMP_IOCTL_NOTIF_SEND,
                &raw mut response,
            )
        };
        done(answer)
    }

    fn done(answer: libc::c_int) -> io::Result<()> {
        match answer {
            0.. => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_those_of_the_file() {
        let facts = "pos:\t0\nflags:\t02004002\nmnt_id:\t9\n";
        assert_eq!(
            flags(facts) & (libc::O_NONBLOCK | libc::O_CLOEXEC),
            libc::O_NONBLOCK | libc::O_CLOEXEC
        );
        assert_eq!(flags("pos:\t0\nflags:\t02\n"), libc::O_RDWR);
        assert_eq!(flags("nonsense"), 0);
    }
}
