//! The attempts, in groups.

/// One attempt.
#[derive(Debug, Clone, Copy)]
pub struct Attempt {
    pub name: &'static str,
    pub script: &'static str,
    /// It counts by what later programs would find, not by what it says.
    pub leaves_something: bool,
}

const fn attempt(name: &'static str, script: &'static str) -> Attempt {
    Attempt {
        name,
        script,
        leaves_something: false,
    }
}

const fn change(name: &'static str, script: &'static str) -> Attempt {
    Attempt {
        leaves_something: true,
        ..attempt(name, script)
    }
}

/// A call by number that gets past every guard answers something other than a refusal.
macro_rules! call {
    ($name:literal, $number:literal, $arguments:literal) => {
        attempt(
            $name,
            concat!(
                "/usr/bin/python3 -c 'import ctypes,errno\n",
                "c=ctypes.CDLL(None,use_errno=True)\n",
                "r=c.syscall(", $number, ",", $arguments, ")\n",
                "e=ctypes.get_errno()\n",
                "print(\"ESCAPED\" if r>=0 or e not in (errno.EPERM,errno.ENOSYS,errno.EACCES) else e)'"
            ),
        )
    };
}

/// A socket of a kind that reaches beyond.
macro_rules! socket {
    ($name:literal, $arguments:literal) => {
        attempt(
            $name,
            concat!(
                "/usr/bin/python3 -c 'import socket\n",
                "socket.socket(",
                $arguments,
                ")\nprint(\"ESCAPED\")'"
            ),
        )
    };
}

/// A conversation with a victim's socket.
macro_rules! talk {
    ($name:literal, $family:literal, $kind:literal, $address:literal) => {
        attempt(
            $name,
            concat!(
                "/usr/bin/python3 -c 'import socket\n",
                "s=socket.socket(socket.",
                $family,
                ",socket.",
                $kind,
                ")\ns.settimeout(5)\n",
                "s.connect(",
                $address,
                ")\n",
                "try: s.send(b\"x\")\nexcept OSError: pass\n",
                "print(\"ESCAPED\" if b\"{treasure}\" in s.recv(99) else \"\")'"
            ),
        )
    };
}

pub const FILES: &[Attempt] = &[
    attempt(
        "reads a file of the host",
        "grep -q {treasure} {outside}/secret && echo ESCAPED",
    ),
    attempt(
        "writes a file of the host",
        "echo {treasure} > {outside}/secret && echo ESCAPED",
    ),
    attempt(
        "makes a file on the host",
        "touch {outside}/new && echo ESCAPED",
    ),
    attempt(
        "follows a symlink out",
        "ln -s {outside}/secret l; grep -q {treasure} l && echo ESCAPED",
    ),
    attempt(
        "writes through a symlink",
        "ln -s {outside}/via l; echo x > l && test -e {outside}/via && echo ESCAPED",
    ),
    attempt(
        "links a file of the host in",
        "ln {outside}/secret h && grep -q {treasure} h && echo ESCAPED",
    ),
    attempt(
        "climbs up from its folder",
        "grep -rqs {treasure} ../../../.. && echo ESCAPED",
    ),
    attempt(
        "reads a sibling's workspace",
        "grep -q {treasure} {outside}/runs/run-2/epoch-1/work/code && echo ESCAPED",
    ),
    attempt(
        "writes into a sibling's workspace",
        "touch {outside}/runs/run-2/epoch-1/work/x && echo ESCAPED",
    ),
    attempt(
        "lists its siblings",
        "ls {outside}/runs | grep -q run-2 && echo ESCAPED",
    ),
    attempt(
        "reads the control plane's database",
        "grep -q {treasure} {outside}/orchestrator.db && echo ESCAPED",
    ),
    attempt(
        "reads an SSH key",
        "grep -q {treasure} {outside}/home/.ssh/id_ed25519 && echo ESCAPED",
    ),
    attempt(
        "reads a cloud's credentials",
        "grep -q {treasure} {outside}/home/.aws/credentials && echo ESCAPED",
    ),
    attempt(
        "reads the machine's passwords",
        "grep -q '^root:' /etc/shadow && echo ESCAPED",
    ),
    attempt(
        "plants a program",
        "touch /usr/local/bin/orch-escape && rm /usr/local/bin/orch-escape && echo ESCAPED",
    ),
    attempt(
        "plants a setting",
        "touch /etc/orch-escape && rm /etc/orch-escape && echo ESCAPED",
    ),
    attempt(
        "adds a user",
        "cp /etc/passwd p && cat p >> /etc/orch-passwd && rm /etc/orch-passwd && echo ESCAPED",
    ),
    attempt(
        "changes its own kept steps",
        "echo '[]' > ../plan.json && echo ESCAPED",
    ),
    attempt("makes a device", "mknod d c 1 3 && echo ESCAPED"),
    attempt(
        "goes in through its own root",
        "grep -q {treasure} /proc/self/root{outside}/secret && echo ESCAPED",
    ),
    attempt(
        "goes in through the agent's root",
        "grep -q {treasure} /proc/{agent}/root{outside}/secret && echo ESCAPED",
    ),
    attempt(
        "goes in through the agent's folder",
        "ls /proc/{agent}/cwd/ | grep -q . && echo ESCAPED",
    ),
    attempt(
        "swaps a folder for a link",
        "mkdir d; echo x > d/f; mv d e; ln -s {outside} d; cat d/secret | grep -q {treasure} && echo ESCAPED",
    ),
    attempt(
        "replaces the first program",
        "(cp /bin/true /run/orch-sandbox-init || cp /bin/true {init}.new) 2>/dev/null && rm -f {init}.new && echo ESCAPED",
    ),
];

pub const PROC: &[Attempt] = &[
    attempt(
        "reads the variables of others",
        "cat /proc/[0-9]*/environ 2>/dev/null | grep -qa {treasure} && echo ESCAPED",
    ),
    attempt(
        "reads the command lines of others",
        "cat /proc/{pid}/cmdline | grep -qa {treasure} && echo ESCAPED",
    ),
    attempt("signals another process", "kill -0 {pid} && echo ESCAPED"),
    attempt("signals the agent", "kill -0 {agent} && echo ESCAPED"),
    attempt(
        "stops its parent",
        "kill -0 $PPID && kill -0 1 && kill -0 {agent} && echo ESCAPED",
    ),
    attempt(
        "opens another's memory",
        "/usr/bin/python3 -c 'open(\"/proc/{pid}/mem\",\"rb\");print(\"ESCAPED\")'",
    ),
    attempt(
        "reads another's maps",
        "test -n \"$(cat /proc/{pid}/maps)\" && echo ESCAPED",
    ),
    attempt(
        "borrows an inherited descriptor",
        "/usr/bin/python3 -c 'import os;print(\"ESCAPED\" if b\"{treasure}\" in os.pread({descriptor},99,0) else 0)'",
    ),
    attempt(
        "lowers another's priority",
        "renice -n 5 -p {pid} && echo ESCAPED",
    ),
    attempt(
        "offers another to the memory killer",
        "echo 500 > /proc/{pid}/oom_score_adj && echo ESCAPED",
    ),
    attempt(
        "changes a setting of the kernel",
        "cat /proc/sys/vm/swappiness > v && cat v > /proc/sys/vm/swappiness && echo ESCAPED",
    ),
    attempt(
        "names a program for core dumps",
        "cat /proc/sys/kernel/core_pattern > v && cat v > /proc/sys/kernel/core_pattern && echo ESCAPED",
    ),
    attempt(
        "reads the kernel's messages",
        "dmesg | head -n 1 | grep -q . && echo ESCAPED",
    ),
    call!("follows a process", "101", "16,{pid},0,0"),
    call!("reads another's memory", "310", "{pid},0,0,0,0,0"),
    call!("writes another's memory", "311", "{pid},0,0,0,0,0"),
    call!("compares processes", "312", "{pid},{pid},0,0,0"),
    call!("takes another's descriptor", "438", "999,0,0"),
];

pub const KERNEL: &[Attempt] = &[
    attempt("makes a user namespace", "unshare -U true && echo ESCAPED"),
    attempt("makes a mount namespace", "unshare -m true && echo ESCAPED"),
    attempt(
        "makes a network namespace",
        "unshare -n true && echo ESCAPED",
    ),
    attempt(
        "enters another's namespace",
        "nsenter -t {pid} -u true && echo ESCAPED",
    ),
    attempt(
        "mounts",
        "mkdir m && mount -t tmpfs none m && umount m && echo ESCAPED",
    ),
    attempt(
        "changes its root",
        "/usr/sbin/chroot / /bin/true && echo ESCAPED",
    ),
    attempt(
        "becomes root",
        "/usr/bin/python3 -c 'import os;os.setuid(0);print(\"ESCAPED\")'",
    ),
    attempt(
        "has a capability",
        "grep -E '^Cap(Eff|Prm|Bnd|Amb):.*[1-9a-f]' /proc/self/status && echo ESCAPED",
    ),
    attempt(
        "may get privileges",
        "grep -q '^NoNewPrivs:.0' /proc/self/status && echo ESCAPED",
    ),
    attempt(
        "renames the machine",
        "hostname \"$(hostname)\" && echo ESCAPED",
    ),
    attempt("takes real-time priority", "chrt -f 1 true && echo ESCAPED"),
    attempt(
        "raises its priority",
        "b=$(nice); test $(nice -n -5 nice) -lt $b && echo ESCAPED",
    ),
    call!("makes a namespace by clone", "56", "0x10000011,0,0,0,0"),
    call!("makes a namespace by clone3", "435", "0,0"),
    call!("uses io_uring", "425", "1,0"),
    call!("loads a program into the kernel", "321", "99,0,0"),
    call!("opens performance counters", "298", "0,0,-1,-1,0"),
    call!("handles page faults", "323", "0"),
    call!("uses the kernel's keys", "250", "0,-3,1"),
    call!("adds a key", "248", "0,0,0,0,0"),
    call!("restarts the machine", "169", "1,2,3,0"),
    call!("opens a file by its handle", "304", "-1,0,0"),
    call!("turns randomisation off", "135", "0x40000"),
    call!("opens a mount", "428", "-100,0,0"),
    call!("makes a file system", "430", "0,0"),
    call!("counts processes", "163", "0"),
];

pub const NETWORK: &[Attempt] = &[
    talk!(
        "reaches the control plane",
        "AF_INET",
        "SOCK_STREAM",
        "(\"127.0.0.1\",{tcp})"
    ),
    talk!(
        "reaches it by another name",
        "AF_INET",
        "SOCK_STREAM",
        "(\"0.0.0.0\",{tcp})"
    ),
    talk!(
        "reaches a datagram service",
        "AF_INET",
        "SOCK_DGRAM",
        "(\"127.0.0.1\",{udp})"
    ),
    talk!(
        "reaches the container engine",
        "AF_UNIX",
        "SOCK_STREAM",
        "\"{outside}/docker.sock\""
    ),
    talk!(
        "reaches an abstract socket",
        "AF_UNIX",
        "SOCK_STREAM",
        "\"\\0{abstract}\""
    ),
    socket!("talks to the kernel", "socket.AF_NETLINK,socket.SOCK_RAW,0"),
    socket!("listens to the wire", "socket.AF_PACKET,socket.SOCK_RAW,0"),
    socket!(
        "talks to the hypervisor",
        "socket.AF_VSOCK,socket.SOCK_STREAM,0"
    ),
    socket!("sends raw packets", "socket.AF_INET,socket.SOCK_RAW,1"),
];

/// With a way out to one host that is listed.
pub const EGRESS: &[Attempt] = &[
    talk!(
        "passes the proxy by",
        "AF_INET",
        "SOCK_STREAM",
        "(\"127.0.0.1\",{tcp})"
    ),
    attempt("asks the proxy for the control plane", ASK_PROXY),
];

const ASK_PROXY: &str = "/usr/bin/python3 -c 'import os,socket
p=os.environ.get(\"http_proxy\")
s=socket.create_connection((\"127.0.0.1\",int(p.rsplit(\":\",1)[1]) if p else {tcp}),5)
s.settimeout(2)
t=b\"\"
try:
  if p: s.send(b\"CONNECT 127.0.0.1:{tcp} HTTP/1.1\\r\\n\\r\\n\")
  while b\"{treasure}\" not in t:
    r=s.recv(999)
    if not r: break
    t+=r
except OSError: pass
print(\"ESCAPED\" if b\"{treasure}\" in t else t)'";

/// Under limits that are small.
pub const RESOURCES: &[Attempt] = &[
    attempt(
        "bombs with processes",
        "/usr/bin/python3 -c 'import os,time
n=0
try:
  for i in range(400):
    if os.fork()==0: time.sleep(5); os._exit(0)
    n+=1
except OSError: pass
print(\"ESCAPED\" if n>=400 else n)'",
    ),
    attempt(
        "eats memory",
        "/usr/bin/python3 -c 'b=bytearray(400<<20);b[::4096]=b\"x\"*len(b[::4096]);print(\"ESCAPED\")'",
    ),
    attempt(
        "opens many files",
        "/usr/bin/python3 -c 'f=[open(\"/dev/null\") for i in range(900)];print(\"ESCAPED\")'",
    ),
    attempt("raises its own limits", "ulimit -n 9999 && echo ESCAPED"),
    attempt(
        "writes a large file",
        "dd if=/dev/zero of=big bs=1M count=80 2>/dev/null && echo ESCAPED",
    ),
    attempt(
        "fills the disk",
        "for i in 1 2 3 4; do dd if=/dev/zero of=f$i bs=1M count=40 2>/dev/null; done; sleep 3; echo ESCAPED",
    ),
    attempt(
        "makes many files",
        "i=0; while [ $i -lt 3000 ]; do : > e$i; i=$((i+1)); done; sleep 3; echo ESCAPED",
    ),
    attempt(
        "fills memory by files",
        "dd if=/dev/zero of=/dev/shm/orch-escape bs=1M count=40 2>/dev/null && echo ESCAPED; rm -f /dev/shm/orch-escape",
    ),
    attempt(
        "locks memory",
        "/usr/bin/python3 -c 'import ctypes,mmap
m=mmap.mmap(-1,8<<20)
c=ctypes.CDLL(None)
a=ctypes.c_char.from_buffer(m)
print(\"ESCAPED\" if c.mlock(ctypes.byref(a),ctypes.c_size_t(8<<20))==0 else \"\")'",
    ),
];

/// In a workspace with a repository, and settings of agents.
pub const TRUST: &[Attempt] = &[
    change(
        "adds a hook",
        "echo evil > .git/hooks/pre-commit && echo ESCAPED",
    ),
    change(
        "configures git",
        "echo '[core]' >> .git/config && echo ESCAPED",
    ),
    change(
        "replaces the repository",
        "mv .git old && mkdir .git && echo ESCAPED",
    ),
    change(
        "removes the repository",
        "rm -rf .git; test -e .git || echo ESCAPED",
    ),
    change(
        "instructs later agents",
        "echo obey >> AGENTS.md && echo ESCAPED",
    ),
    change(
        "replaces the instructions",
        "echo obey > x && mv x AGENTS.md && echo ESCAPED",
    ),
    change(
        "makes instructions for another agent",
        "echo obey > CLAUDE.md && echo ESCAPED",
    ),
    change(
        "configures Codex",
        "mkdir -p .codex && echo x > .codex/config.toml && echo ESCAPED",
    ),
    change(
        "adds a tool server",
        "echo '{}' > .mcp.json && echo ESCAPED",
    ),
];
