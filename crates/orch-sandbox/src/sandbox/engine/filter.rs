//! The seccomp filter of the container itself, for the engine: as strong as the one that the first
//! program puts into force for each command.

use nix::libc;
use serde_json::{Value, json};

/// Refused whatever their arguments are, by the names that the engine knows.
#[rustfmt::skip]
const REFUSED: &[&str] = &[
    "ptrace", "process_vm_readv", "process_vm_writev", "kcmp", "pidfd_getfd", "process_madvise",
    "process_mrelease", "migrate_pages", "move_pages",
    "io_uring_setup", "io_uring_enter", "io_uring_register", "bpf", "perf_event_open",
    "userfaultfd", "add_key", "request_key", "keyctl", "fanotify_init", "lookup_dcookie",
    "nfsservctl", "vhangup",
    "mount", "umount2", "pivot_root", "chroot", "setns", "move_mount", "open_tree", "fsopen",
    "fsconfig", "fsmount", "fspick", "mount_setattr", "name_to_handle_at", "open_by_handle_at",
    "init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot",
    "swapon", "swapoff", "acct", "quotactl", "quotactl_fd", "syslog", "settimeofday",
    "clock_settime", "clock_adjtime", "adjtimex", "sethostname", "setdomainname",
    "iopl", "ioperm", "modify_ldt", "uselib", "ustat", "sysfs", "_sysctl",
];

/// The highest family of sockets that is allowed; `AF_UNIX` and `AF_INET` are as well.
const INET6: u64 = libc::AF_INET6 as u64;

/// The profile, as the engine reads it.
pub(super) fn profile() -> String {
    let refuse = |names: &[&str], arguments: Value| json!({ "names": names, "action": "SCMP_ACT_ERRNO", "errnoRet": libc::EPERM, "args": arguments });
    let is = |index: u32, operator: &str, value: u64, other: u64| json!([{ "index": index, "op": operator, "value": value, "valueTwo": other }]);
    let mut rules = vec![
        refuse(REFUSED, json!([])),
        json!({ "names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": libc::ENOSYS, "args": [] }),
    ];
    let namespaces = [
        libc::CLONE_NEWUSER,
        libc::CLONE_NEWNS,
        libc::CLONE_NEWPID,
        libc::CLONE_NEWNET,
        libc::CLONE_NEWIPC,
        libc::CLONE_NEWUTS,
        libc::CLONE_NEWCGROUP,
    ];
    for bit in namespaces.map(|bit| bit as u64) {
        rules.push(refuse(
            &["clone", "unshare"],
            is(0, "SCMP_CMP_MASKED_EQ", bit, bit),
        ));
    }
    let families =
        (0..INET6).filter(|family| ![libc::AF_UNIX as u64, libc::AF_INET as u64].contains(family));
    for family in families {
        rules.push(refuse(&["socket"], is(0, "SCMP_CMP_EQ", family, 0)));
    }
    rules.push(refuse(&["socket"], is(0, "SCMP_CMP_GT", INET6, 0)));
    json!({
        "defaultAction": "SCMP_ACT_ALLOW",
        "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64"],
        "syscalls": rules,
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::init::refused_calls;

    #[test]
    fn the_engine_refuses_as_many_calls_as_the_first_program() {
        // `statmount` and `listmount` have no name in the engines' libraries yet.
        let unnamed = 2;
        assert_eq!(REFUSED.len(), refused_calls() - unnamed);
    }
}
