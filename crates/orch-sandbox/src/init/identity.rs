//! Becoming nobody in particular: an unprivileged user without groups, capabilities or a way back.

#![expect(unsafe_code, reason = "no safe library drops capabilities")]

use std::{fs, io};

use nix::{
    libc,
    sched::{CloneFlags, unshare},
    sys::{prctl, signal::Signal},
    unistd::{Gid, Uid, setgroups, setresgid, setresuid},
};

use super::{
    orders::Identity,
    start::{InitError, while_doing},
};

/// Capabilities are numbered from 0; the kernel knows fewer than these.
const CAPABILITIES: libc::c_ulong = 64;

/// Becomes this user, in a user namespace where there is no other.
pub(super) fn become_(identity: Identity) -> Result<(), InitError> {
    let (uid, gid) = (Uid::from_raw(identity.uid), Gid::from_raw(identity.gid));
    let other = "become an unprivileged user";
    setgroups(&[]).map_err(while_doing(other))?;
    setresgid(gid, gid, gid).map_err(while_doing(other))?;
    setresuid(uid, uid, uid).map_err(while_doing(other))?;
    // It became unreadable to itself with the user; its maps are files of its own.
    prctl::set_dumpable(true).map_err(while_doing(other))?;
    // Where there are no user namespaces, an unprivileged user is just that.
    if unshare(CloneFlags::CLONE_NEWUSER).is_ok() {
        let map = |file: &str, id: u32| fs::write(file, format!("{id} {id} 1"));
        let own = fs::write("/proc/self/setgroups", "deny")
            .and_then(|()| map("/proc/self/uid_map", identity.uid))
            .and_then(|()| map("/proc/self/gid_map", identity.gid));
        own.map_err(while_doing("enter a user namespace"))?;
    }
    Ok(())
}

/// Is killed when whoever started it is. A change of user would have undone this.
pub(super) fn end_with_parent() -> Result<(), InitError> {
    let set = prctl::set_pdeathsig(Signal::SIGKILL);
    set.map_err(while_doing("ask to be ended with the agent"))
}

/// Gives up all capabilities, also those that a program could bring with it.
pub(super) fn keep_nothing() -> Result<(), InitError> {
    prctl::set_no_new_privs().map_err(while_doing("give up new privileges"))?;
    for capability in 0..CAPABILITIES {
        // SAFETY: takes numbers alone. It fails for those that there are not, and where we could
        // not use any: without new privileges and with none now, the bound is never reached.
        unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) };
    }
    // SAFETY: takes numbers alone; fails where the kernel has no ambient capabilities.
    unsafe {
        libc::prctl(
            libc::PR_CAP_AMBIENT,
            libc::PR_CAP_AMBIENT_CLEAR_ALL,
            0,
            0,
            0,
        )
    };
    drop_capabilities().map_err(while_doing("give up capabilities"))
}

#[repr(C)]
struct Header {
    version: u32,
    pid: i32,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct Sets {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

fn drop_capabilities() -> io::Result<()> {
    const VERSION_3: u32 = 0x2008_0522;
    let header = Header {
        version: VERSION_3,
        pid: 0,
    };
    let none = [Sets {
        effective: 0,
        permitted: 0,
        inheritable: 0,
    }; 2];
    // SAFETY: both are of the shape that this version asks for, and only read.
    let answer = unsafe { libc::syscall(libc::SYS_capset, &raw const header, none.as_ptr()) };
    match answer {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
