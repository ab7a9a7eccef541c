//! What the kernel is asked for.

use orch_sandbox::sandbox::Layer::{Calls, Landlock, Privileges, Processes, User};

use super::attempt::{Attempt, attempt, call};

pub const KERNEL: &[Attempt] = &[
    attempt("makes a user namespace", "unshare -U true && echo ESCAPED")
        .stopped(&[Calls], &[Calls]),
    attempt("makes a mount namespace", "unshare -m true && echo ESCAPED").stopped(
        &[Privileges, User, Landlock, Calls],
        &[Privileges, User, Landlock, Calls],
    ),
    attempt(
        "makes a network namespace",
        "unshare -n true && echo ESCAPED",
    )
    .stopped(&[Privileges, User, Calls], &[Privileges, User, Calls]),
    attempt(
        "enters another's namespace",
        "nsenter -t {pid} -u true && echo ESCAPED",
    )
    .stopped(
        &[Processes, Privileges, User, Landlock, Calls],
        &[Privileges, User, Landlock, Calls],
    ),
    attempt(
        "mounts",
        "mkdir m && mount -t tmpfs none m && umount m && echo ESCAPED",
    )
    .stopped(
        &[Privileges, User, Landlock, Calls],
        &[Privileges, User, Landlock, Calls],
    ),
    attempt(
        "changes its root",
        "/usr/sbin/chroot / /bin/true && echo ESCAPED",
    )
    .stopped(&[Privileges, User, Calls], &[Privileges, User, Calls]),
    attempt(
        "becomes root",
        "/usr/bin/python3 -c 'import os;os.setuid(0);print(\"ESCAPED\")'",
    )
    .stopped(&[User], &[User]),
    attempt(
        "has a capability",
        "grep -E '^Cap(Eff|Prm|Bnd|Amb):.*[1-9a-f]' /proc/self/status && echo ESCAPED",
    )
    .stopped(&[User], &[Privileges, Landlock]),
    attempt(
        "may get privileges",
        "grep -q '^NoNewPrivs:.0' /proc/self/status && echo ESCAPED",
    )
    .stopped(&[], &[Privileges, Landlock, Calls])
    .by_bubblewrap_itself(),
    attempt(
        "renames the machine",
        "hostname \"$(hostname)\" && echo ESCAPED",
    )
    .stopped(&[Privileges, User, Calls], &[Privileges, User, Calls]),
    attempt("takes real-time priority", "chrt -f 1 true && echo ESCAPED")
        .stopped(&[Privileges, User], &[Privileges, User]),
    attempt(
        "raises its priority",
        "b=$(nice); test $(nice -n -5 nice) -lt $b && echo ESCAPED",
    )
    .stopped(&[Privileges, User], &[Privileges, User]),
    call!("makes a namespace by clone", "56", "0x10000011,0,0,0,0").stopped(&[Calls], &[Calls]),
    call!("makes a namespace by clone3", "435", "0,0").stopped(&[Calls], &[Calls]),
    call!("uses io_uring", "425", "1,0").stopped(&[Calls], &[Calls]),
    call!("loads a program into the kernel", "321", "99,0,0").stopped(&[Calls], &[Calls]),
    call!("opens performance counters", "298", "0,0,-1,-1,0").stopped(&[Calls], &[Calls]),
    call!("handles page faults", "323", "0")
        .stopped(&[Privileges, User, Calls], &[Privileges, User, Calls]),
    call!("uses the kernel's keys", "250", "0,-3,1").stopped(&[Calls], &[Calls]),
    call!("adds a key", "248", "0,0,0,0,0").stopped(&[Calls], &[Calls]),
    call!("restarts the machine", "169", "1,2,3,0")
        .stopped(&[Privileges, User, Calls], &[Privileges, User, Calls]),
    call!("opens a file by its handle", "304", "-1,0,0").stopped(&[Calls], &[Calls]),
    call!("turns randomisation off", "135", "0x40000").stopped(&[Calls], &[Calls]),
    call!("opens a mount", "428", "-100,0,0").stopped(&[Calls], &[Calls]),
    call!("makes a file system", "430", "0,0")
        .stopped(&[Privileges, User, Calls], &[Privileges, User, Calls]),
    call!("counts processes", "163", "0")
        .stopped(&[Privileges, User, Calls], &[Privileges, User, Calls]),
    attempt(
        "calls by another architecture's numbers",
        "/usr/bin/python3 -c 'import ctypes,mmap,os
m=mmap.mmap(-1,4096,prot=7)
m.write(b\"\\xb8\\x14\\0\\0\\0\\xcd\\x80\\xc3\")
f=ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(m)))
print(\"ESCAPED\" if f()==os.getpid() else 0)'",
    )
    .stopped(&[Calls], &[Calls]),
    attempt(
        "types into a terminal",
        "/usr/bin/python3 -c 'import fcntl,os,pty,termios
a,b=pty.openpty()
os.setsid() if os.getpid()!=os.getsid(0) else 0
fcntl.ioctl(b,termios.TIOCSCTTY,0)
fcntl.ioctl(b,termios.TIOCSTI,b\"x\")
print(\"ESCAPED\")'",
    )
    .stopped(&[Calls], &[Landlock, Calls]),
    call!("waits on the kernel's keys", "249", "0,0,0,0").stopped(&[Calls], &[Calls]),
    call!("watches all files", "300", "0,0")
        .stopped(&[Privileges, User, Calls], &[Privileges, User, Calls]),
    call!("sets the clock", "227", "0,0").stopped(&[Calls], &[Calls]),
    call!("swaps to a file", "167", "0,0")
        .stopped(&[Privileges, User, Calls], &[Privileges, User, Calls]),
    call!("advises another process", "440", "-1,0,0,0,0").stopped(&[Calls], &[Calls]),
    call!("describes its own segments", "154", "99,0,0").stopped(&[Calls], &[Calls]),
];
