//! Waiting for children, for any of them or for one, with every signal there is.
//!
//! The safe wrappers know no real-time signals, and fail for a process that one of those ended.

#![expect(unsafe_code, reason = "the safe wrappers refuse real-time signals")]

use std::{io, mem, os::unix::process::ExitStatusExt, process::ExitStatus};

use nix::libc::{self, c_int, id_t};

/// Which children are looked at.
#[derive(Debug, Clone, Copy)]
pub(super) enum Whom {
    /// All; waits until one has ended.
    Anyone,
    /// This one; does not wait.
    Only(i32),
}

/// A child that has ended and is not collected yet; `None` where it is still alive.
///
/// # Errors
/// ECHILD when there is none.
pub(super) fn ended(whom: Whom) -> io::Result<Option<i32>> {
    let (kind, id, flags) = match whom {
        Whom::Anyone => (libc::P_ALL, 0, 0),
        Whom::Only(pid) => (libc::P_PID, pid.cast_unsigned() as id_t, libc::WNOHANG),
    };
    // SAFETY: zeroes are a valid value, and the call writes to nothing else.
    let pid = unsafe {
        let mut info: libc::siginfo_t = mem::zeroed();
        let options = libc::WEXITED | libc::WNOWAIT | flags;
        answered(libc::waitid(kind, id, &raw mut info, options))?;
        info.si_pid()
    };
    Ok((pid != 0).then_some(pid))
}

/// Collects a child that has ended.
///
/// # Errors
/// ECHILD when it is no child, or somebody else has collected it.
pub(super) fn collect(pid: i32) -> io::Result<ExitStatus> {
    let mut status = 0;
    // SAFETY: the call writes to the status alone.
    answered(unsafe { libc::waitpid(pid, &raw mut status, 0) })?;
    Ok(ExitStatus::from_raw(status))
}

fn answered(answer: c_int) -> io::Result<()> {
    match answer {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}
