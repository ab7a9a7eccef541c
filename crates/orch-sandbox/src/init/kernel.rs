//! Which system calls may be made, by seccomp.
//!
//! What a build, a test or a deployment needs stays allowed; what reaches other processes, other
//! namespaces, the kernel's own settings or its rarely used corners is refused with EPERM, and
//! calls that this list is too old to know do not exist (ENOSYS).

use std::{collections::BTreeMap, io};

use nix::libc::{self, c_long};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen as Length, SeccompCmpOp as Is, SeccompCondition,
    SeccompFilter, SeccompRule, TargetArch, apply_filter, sock_filter,
};

use super::{orders::Sockets, start::InitError};

type Rules = BTreeMap<c_long, Vec<SeccompRule>>;
type Refusal = seccompiler::BackendError;

/// The newest call known here (`removexattrat`); those after it do not exist for a command.
const NEWEST_CALL: u32 = 466;

/// Refused whatever their arguments are.
#[rustfmt::skip]
const REFUSED: &[c_long] = &[
    // Other processes.
    libc::SYS_ptrace, libc::SYS_process_vm_readv, libc::SYS_process_vm_writev, libc::SYS_kcmp,
    libc::SYS_pidfd_getfd, libc::SYS_process_madvise, libc::SYS_process_mrelease,
    libc::SYS_migrate_pages, libc::SYS_move_pages,
    // Corners of the kernel with a long history of holes.
    libc::SYS_io_uring_setup, libc::SYS_io_uring_enter, libc::SYS_io_uring_register,
    libc::SYS_bpf, libc::SYS_perf_event_open, libc::SYS_userfaultfd,
    libc::SYS_add_key, libc::SYS_request_key, libc::SYS_keyctl,
    libc::SYS_fanotify_init, libc::SYS_lookup_dcookie, libc::SYS_nfsservctl, libc::SYS_vhangup,
    // Mounts and namespaces.
    libc::SYS_mount, libc::SYS_umount2, libc::SYS_pivot_root, libc::SYS_chroot, libc::SYS_setns,
    libc::SYS_move_mount, libc::SYS_open_tree, libc::SYS_fsopen, libc::SYS_fsconfig,
    libc::SYS_fsmount, libc::SYS_fspick, libc::SYS_mount_setattr, SYS_STATMOUNT, SYS_LISTMOUNT,
    libc::SYS_name_to_handle_at, libc::SYS_open_by_handle_at,
    // The machine's own settings.
    libc::SYS_init_module, libc::SYS_finit_module, libc::SYS_delete_module,
    libc::SYS_kexec_load, libc::SYS_reboot, libc::SYS_swapon, libc::SYS_swapoff, libc::SYS_acct,
    libc::SYS_quotactl, libc::SYS_quotactl_fd, libc::SYS_syslog,
    libc::SYS_settimeofday, libc::SYS_clock_settime, libc::SYS_clock_adjtime, libc::SYS_adjtimex,
    libc::SYS_sethostname, libc::SYS_setdomainname,
];

/// Calls that only some processors have.
#[cfg(target_arch = "x86_64")]
#[rustfmt::skip]
const REFUSED_HERE: &[c_long] = &[
    libc::SYS_iopl, libc::SYS_ioperm, libc::SYS_modify_ldt, libc::SYS_kexec_file_load,
    libc::SYS_uselib, libc::SYS_ustat, libc::SYS_sysfs, libc::SYS__sysctl,
];
#[cfg(not(target_arch = "x86_64"))]
const REFUSED_HERE: &[c_long] = &[libc::SYS_kexec_file_load];

/// How many calls are refused whatever their arguments are.
#[cfg(test)]
pub(crate) fn refused_calls() -> usize {
    REFUSED.len() + REFUSED_HERE.len()
}

/// Memory, semaphores and messages that all processes of the machine find by their numbers.
#[rustfmt::skip]
const SHARED: &[c_long] = &[
    libc::SYS_shmget, libc::SYS_shmat, libc::SYS_shmctl,
    libc::SYS_semget, libc::SYS_semop, libc::SYS_semtimedop, libc::SYS_semctl,
    libc::SYS_msgget, libc::SYS_msgsnd, libc::SYS_msgrcv, libc::SYS_msgctl,
];

/// Not in every C library's headers yet; the numbers are the same everywhere.
const SYS_STATMOUNT: c_long = 457;
const SYS_LISTMOUNT: c_long = 458;

/// Obsolete, and refused all the same.
const SOCK_PACKET: libc::c_int = 10;

const NAMESPACES: u64 = (libc::CLONE_NEWUSER
    | libc::CLONE_NEWNS
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWCGROUP) as u64;
/// `CLONE_NEWTIME`, only for `unshare`: for `clone` the bit belongs to the signal.
const NEW_TIME: u64 = 0x80;

/// Closes what was inherited beside the three standard files and the socket to who started us.
pub(super) fn close_all_but_the_first_four() -> io::Result<()> {
    // Nothing here owns a descriptor in that range yet.
    close_range(4, 0)
}

/// Lets the three standard files alone pass to a program that is executed.
pub(super) fn keep_the_first_three() -> io::Result<()> {
    close_range(3, libc::CLOSE_RANGE_CLOEXEC)
}

fn close_range(from: libc::c_uint, flags: libc::c_uint) -> io::Result<()> {
    #[expect(unsafe_code, reason = "no safe library closes a range")]
    // SAFETY: takes numbers alone; the callers know what they close.
    let answer = unsafe { libc::syscall(libc::SYS_close_range, from, libc::c_uint::MAX, flags) };
    match answer {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// The filters, ready to be put into force.
pub(super) struct Filters(Vec<BpfProgram>);

impl Filters {
    /// The filters under which these sockets alone can be made.
    pub(super) fn prepare(sockets: Sockets) -> Result<Self, InitError> {
        programs(sockets).map(Self).map_err(|error| refused(&error))
    }

    /// Puts them into force for this process and all that come from it.
    pub(super) fn apply(&self) -> Result<(), InitError> {
        for program in &self.0 {
            apply_filter(program).map_err(|error| refused(&error))?;
        }
        Ok(())
    }
}

fn refused(error: &dyn std::fmt::Display) -> InitError {
    InitError::Refused {
        what: "filter system calls",
        reason: error.to_string(),
    }
}

fn programs(sockets: Sockets) -> Result<Vec<BpfProgram>, Refusal> {
    let architecture = TargetArch::try_from(std::env::consts::ARCH)?;
    let filter = |rules: Rules, error: libc::c_int| -> Result<BpfProgram, Refusal> {
        let refuse = SeccompAction::Errno(error.cast_unsigned());
        SeccompFilter::new(rules, SeccompAction::Allow, refuse, architecture)?.try_into()
    };
    // Its arguments lie in memory, where a filter cannot look; the C library falls back to `clone`.
    let unknown = Rules::from([(libc::SYS_clone3, Vec::new())]);
    Ok(vec![
        filter(refusals(sockets)?, libc::EPERM)?,
        filter(unknown, libc::ENOSYS)?,
        newer_calls(),
    ])
}

fn refusals(sockets: Sockets) -> Result<Rules, Refusal> {
    let always = REFUSED.iter().chain(REFUSED_HERE);
    let mut rules: Rules = always.map(|call| (*call, Vec::new())).collect();
    let any_bit = |argument, bits: u64| -> Result<Vec<SeccompRule>, Refusal> {
        let bits = (0..64).map(|bit| 1 << bit).filter(|bit| bits & bit != 0);
        bits.map(|bit| rule(vec![is(argument, Is::MaskedEq(bit), bit)?]))
            .collect()
    };
    rules.insert(libc::SYS_clone, any_bit(0, NAMESPACES)?);
    rules.insert(libc::SYS_unshare, any_bit(0, NAMESPACES | NEW_TIME)?);
    // Typing into the terminal of who watches.
    let typing = [libc::TIOCSTI, libc::TIOCLINUX].map(|request| {
        let request = is(1, Is::MaskedEq(u64::from(u32::MAX)), request)?;
        rule(vec![request])
    });
    rules.insert(
        libc::SYS_ioctl,
        typing.into_iter().collect::<Result<_, _>>()?,
    );
    rules.insert(
        libc::SYS_personality,
        vec![rule(other_than(0, &[0, 0xffff_ffff])?)?],
    );
    rules.insert(libc::SYS_socket, socket_refusals(sockets)?);
    let unix = libc::AF_UNIX as u64;
    let mut pairs = vec![rule(other_than(0, &[unix])?)?];
    if sockets != Sockets::Local {
        // One of datagrams sends to any other of the machine by its path.
        for kind in [libc::SOCK_DGRAM, libc::SOCK_RAW] {
            pairs.push(rule(vec![is(1, Is::MaskedEq(0xf), kind as u64)?])?);
        }
        // Without a port chosen it gets one, and nobody asks Landlock.
        rules.insert(libc::SYS_listen, Vec::new());
        // Without a namespace of its own this is memory of the whole machine.
        rules.extend(SHARED.iter().map(|call| (*call, Vec::new())));
    }
    rules.insert(libc::SYS_socketpair, pairs);
    if sockets == Sockets::Tcp {
        // With data in the opening packet nobody looks at the port.
        let fast_open = libc::MSG_FASTOPEN as u64;
        rules.insert(libc::SYS_sendmsg, any_bit(2, fast_open)?);
        rules.insert(libc::SYS_sendto, any_bit(3, fast_open)?);
        rules.insert(libc::SYS_sendmmsg, any_bit(3, fast_open)?);
    }
    Ok(rules)
}

/// Netlink, raw, packet, vsock and the like are refused in any case.
fn socket_refusals(sockets: Sockets) -> Result<Vec<SeccompRule>, Refusal> {
    let [unix, inet, inet6] = [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6].map(|f| f as u64);
    let families: &[u64] = match sockets {
        // An empty list of conditions refuses all.
        Sockets::Pairs => return Ok(Vec::new()),
        Sockets::Tcp => &[inet, inet6],
        Sockets::Local => &[unix, inet, inet6],
    };
    let mut rules = vec![rule(other_than(0, families)?)?];
    let kinds: &[libc::c_int] = match sockets {
        Sockets::Pairs | Sockets::Tcp => &[
            libc::SOCK_RAW,
            SOCK_PACKET,
            libc::SOCK_DGRAM,
            libc::SOCK_RDM,
            libc::SOCK_SEQPACKET,
            libc::SOCK_DCCP,
        ],
        Sockets::Local => &[libc::SOCK_RAW, SOCK_PACKET],
    };
    for kind in kinds {
        rules.push(rule(vec![is(1, Is::MaskedEq(0xf), *kind as u64)?])?);
    }
    if sockets == Sockets::Tcp {
        // MPTCP and SCTP pass Landlock's ports by.
        rules.push(rule(other_than(2, &[0, libc::IPPROTO_TCP as u64])?)?);
    }
    Ok(rules)
}

fn other_than(argument: u8, allowed: &[u64]) -> Result<Vec<SeccompCondition>, Refusal> {
    let each = allowed.iter();
    each.map(|value| SeccompCondition::new(argument, Length::Dword, Is::Ne, *value))
        .collect()
}

fn is(argument: u8, operator: Is, value: u64) -> Result<SeccompCondition, Refusal> {
    SeccompCondition::new(argument, Length::Qword, operator, value)
}

fn rule(conditions: Vec<SeccompCondition>) -> Result<SeccompRule, Refusal> {
    SeccompRule::new(conditions)
}

/// Calls with numbers above what is known here, those of the x32 ABI among them.
fn newer_calls() -> BpfProgram {
    const LOAD_NUMBER: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
    const JUMP_IF_GREATER: u16 = (libc::BPF_JMP | libc::BPF_JGT | libc::BPF_K) as u16;
    const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;
    let instruction = |code, jt, jf, k| sock_filter { code, jt, jf, k };
    let unknown = libc::SECCOMP_RET_ERRNO | libc::ENOSYS.cast_unsigned();
    vec![
        instruction(LOAD_NUMBER, 0, 0, 0),
        instruction(JUMP_IF_GREATER, 0, 1, NEWEST_CALL),
        instruction(RETURN, 0, 0, unknown),
        instruction(RETURN, 0, 0, libc::SECCOMP_RET_ALLOW),
    ]
}
