//! Other processes, and what outlives a step.

use orch_sandbox::sandbox::Layer::{
    Calls, Descriptors, Landlock, Names, Orphans, Privileges, Processes, User, View,
};

use super::attempt::{Attempt, attempt, call};

pub const PROCESSES: &[Attempt] = &[
    attempt(
        "reads the variables of others",
        "cat /proc/[0-9]*/environ 2>/dev/null | grep -qa {treasure} && echo ESCAPED",
    ).stopped(&[Processes, Privileges, User], &[Privileges, User, Landlock]),
    attempt(
        "reads the command lines of others",
        "cat /proc/{pid}/cmdline | grep -qa {treasure} && echo ESCAPED",
    ).stopped(&[Processes], &[Landlock]),
    attempt("signals another process", "kill -0 {pid} && echo ESCAPED").stopped(&[Processes, User, Landlock], &[User, Landlock]),
    attempt("signals the agent", "kill -0 {agent} && echo ESCAPED").stopped(&[Processes, User, Landlock], &[User, Landlock]),
    attempt(
        "stops its parent",
        "kill -0 $PPID && kill -0 1 && kill -0 {agent} && echo ESCAPED",
    ).stopped(&[Processes, User, Landlock], &[User, Landlock]),
    attempt(
        "opens another's memory",
        "/usr/bin/python3 -c 'open(\"/proc/{pid}/mem\",\"rb\");print(\"ESCAPED\")'",
    ).stopped(&[Processes, Privileges, User, Landlock], &[Privileges, User, Landlock]),
    attempt(
        "reads another's maps",
        "test -n \"$(cat /proc/{pid}/maps)\" && echo ESCAPED",
    ).stopped(&[Processes, Privileges, User], &[Privileges, User, Landlock]),
    attempt(
        "borrows an inherited descriptor",
        "/usr/bin/python3 -c 'import os;print(\"ESCAPED\" if b\"{treasure}\" in os.pread({descriptor},99,0) else 0)'",
    ).stopped(&[Descriptors], &[Descriptors]),
    attempt(
        "lowers another's priority",
        "renice -n 5 -p {pid} && echo ESCAPED",
    ).stopped(&[Processes, Privileges, User], &[Privileges, User]),
    attempt(
        "offers another to the memory killer",
        "echo 500 > /proc/{pid}/oom_score_adj && echo ESCAPED",
    ).stopped(&[Processes, User, Landlock], &[User, Landlock]),
    attempt(
        "changes a setting of the kernel",
        "cat /proc/sys/vm/swappiness > v && cat v > /proc/sys/vm/swappiness && echo ESCAPED",
    ).stopped(&[User, Landlock], &[User, Landlock]),
    attempt(
        "names a program for core dumps",
        "cat /proc/sys/kernel/core_pattern > v && cat v > /proc/sys/kernel/core_pattern && echo ESCAPED",
    ).stopped(&[User, Landlock], &[User, Landlock]),
    attempt(
        "reads the kernel's messages",
        "dmesg | head -n 1 | grep -q . && echo ESCAPED",
    ).stopped(&[Privileges, User, Calls], &[Privileges, User, Calls]),
    call!("follows a process", "101", "16,{pid},0,0").stopped(&[Calls], &[Privileges, User, Landlock, Calls]),
    call!("reads another's memory", "310", "{pid},0,0,0,0,0").stopped(&[Calls], &[Calls]),
    call!("writes another's memory", "311", "{pid},0,0,0,0,0").stopped(&[Calls], &[Calls]),
    call!("compares processes", "312", "{pid},{pid},0,0,0").stopped(&[Calls], &[Privileges, User, Landlock, Calls]),
    call!("takes another's descriptor", "438", "999,0,0").stopped(&[Calls], &[Calls]),
    attempt(
        "leaves a daemon that does not want to end",
        "env -i /usr/bin/setsid /usr/bin/python3 -c 'import os,signal,time
if os.fork(): os._exit(0)
os.setsid()
for s in (1,2,15): signal.signal(s,signal.SIG_IGN)
for f in (0,1,2): os.close(f)
open(\"daemon\",\"w\").write(str(os.getpid()))
time.sleep(20)'; while ! test -s daemon; do sleep 0.05; done",
    )
    .then("kill -0 $(cat daemon) && echo ESCAPED; kill -9 $(cat daemon)").stopped(&[Orphans, Landlock], &[Orphans, Landlock]),
    attempt(
        "is let into the shared memory of others",
        "/usr/bin/python3 -c 'import ctypes
c=ctypes.CDLL(None);c.shmat.restype=ctypes.c_void_p
a=c.shmat(c.shmget({shared},0,0),None,0o10000)
print(\"ESCAPED\" if b\"{treasure}\" in ctypes.string_at(a,99) else 0)'",
    ).stopped(&[Names], &[Calls]),
    attempt(
        "names a program for ended groups",
        "for f in /sys/fs/cgroup/release_agent /sys/fs/cgroup/*/release_agent; do \
         test -e $f && cat $f > v && cat v > $f && echo ESCAPED; done",
    ).stopped(&[Privileges, User, Landlock, View], &[Privileges, User, Landlock]),
    attempt(
        "leaves its control group",
        "for f in /sys/fs/cgroup/cgroup.procs /sys/fs/cgroup/memory/cgroup.procs; do \
         test -e $f && echo $$ > $f && echo ESCAPED; done",
    ).stopped(&[User, Landlock, View], &[User, Landlock]),
    attempt(
        "makes a control group",
        "for d in /sys/fs/cgroup /sys/fs/cgroup/memory; do \
         mkdir $d/orch-escape && rmdir $d/orch-escape && echo ESCAPED; done",
    ).stopped(&[User, Landlock, View], &[User, Landlock]),
];
