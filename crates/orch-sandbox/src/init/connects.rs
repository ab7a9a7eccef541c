//! Connections by notification, by seccomp: `connect` is carried out by whoever holds the listener
//! that comes of it, or not at all.

use std::{
    io,
    os::fd::{FromRawFd, OwnedFd, RawFd},
};

use nix::{libc, sys::prctl};
use seccompiler::sock_filter;

use super::start::{InitError, while_doing};

/// Has `connect` of this process, and of all that come from it, told to the listener. Where nobody
/// holds that any more, the call does not exist (ENOSYS).
pub(super) fn tell() -> Result<OwnedFd, InitError> {
    let doing = "have connections told to the agent";
    // Nobody without privileges may filter otherwise.
    prctl::set_no_new_privs().map_err(while_doing(doing))?;
    listener().map_err(while_doing(doing))
}

/// Whether this kernel has such filters. A filter of somebody else's that tells as well (of a
/// container's runtime) is found only when one is put into force: there can be one for a process.
pub(crate) fn can_be_told() -> bool {
    let action = libc::SECCOMP_RET_USER_NOTIF;
    #[expect(unsafe_code, reason = "no safe library asks for it")]
    // SAFETY: the call reads the number alone.
    let answer = unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            libc::SECCOMP_GET_ACTION_AVAIL,
            0,
            &raw const action,
        )
    };
    answer == 0
}

fn listener() -> io::Result<OwnedFd> {
    let mut program = program();
    let filter = libc::sock_fprog {
        len: u16::try_from(program.len()).expect("invariant: a handful of instructions"),
        filter: program.as_mut_ptr().cast(),
    };
    #[expect(unsafe_code, reason = "no safe library makes such a listener")]
    // SAFETY: the filter and its length are those of a live program, which the call reads alone.
    let answer = unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            libc::SECCOMP_SET_MODE_FILTER,
            libc::SECCOMP_FILTER_FLAG_NEW_LISTENER,
            &raw const filter,
        )
    };
    match RawFd::try_from(answer) {
        Ok(descriptor) if descriptor >= 0 => {
            #[expect(unsafe_code, reason = "a descriptor just made has no owner yet")]
            // SAFETY: the system made it for us in this call.
            Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
        }
        _ => Err(io::Error::last_os_error()),
    }
}

/// Every other call is as cheap as before but for three instructions. Foreign ABIs, whose numbers
/// differ, are refused by the filters beside this one.
fn program() -> [sock_filter; 4] {
    const LOAD_NUMBER: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
    const JUMP_IF_EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
    const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;
    const CONNECT: u32 = libc::SYS_connect as u32;
    let instruction = |code, jt, jf, k| sock_filter { code, jt, jf, k };
    [
        instruction(LOAD_NUMBER, 0, 0, 0),
        instruction(JUMP_IF_EQUAL, 0, 1, CONNECT),
        instruction(RETURN, 0, 0, libc::SECCOMP_RET_USER_NOTIF),
        instruction(RETURN, 0, 0, libc::SECCOMP_RET_ALLOW),
    ]
}
