//! What a run may use up.

use orch_sandbox::sandbox::Layer::{Disk, Group, Landlock, Limits, Privileges, Sizes, User, View};

use super::attempt::{Attempt, attempt};

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
    ).stopped(&[Group, User], &[Group, User]),
    attempt(
        "eats memory",
        "/usr/bin/python3 -c 'b=bytearray(400<<20);b[::4096]=b\"x\"*len(b[::4096]);print(\"ESCAPED\")'",
    ).stopped(&[Group], &[Group]),
    attempt(
        "opens many files",
        "/usr/bin/python3 -c 'f=[open(\"/dev/null\") for i in range(900)];print(\"ESCAPED\")'",
    ).stopped(&[Limits], &[Limits]),
    attempt(
        "queues open files in sockets",
        "/usr/bin/python3 -c 'import os,socket
k=[];n=0
try:
  for i in range(20):
    a,b=socket.socketpair();k+=[a,b]
    for j in range(60):
      f=os.open(\"/dev/null\",0);socket.send_fds(a,[b\"x\"],[f]);os.close(f);n+=1
except OSError: pass
print(\"ESCAPED\" if n>=900 else n)'",
    ).stopped(&[Limits], &[Limits]),
    attempt("raises its own limits", "ulimit -n 9999 && echo ESCAPED").stopped(&[Limits], &[Limits]),
    attempt(
        "writes a large file",
        "dd if=/dev/zero of=big bs=1M count=80 2>/dev/null && echo ESCAPED",
    ).stopped(&[Limits], &[Limits]),
    attempt(
        "fills memory by files",
        "dd if=/dev/zero of=/dev/shm/orch-escape bs=1M count=40 2>/dev/null && echo ESCAPED; rm -f /dev/shm/orch-escape",
    ).stopped(&[User, View], &[Landlock]),
    attempt(
        "locks memory",
        "/usr/bin/python3 -c 'import ctypes,mmap
m=mmap.mmap(-1,8<<20)
c=ctypes.CDLL(None)
a=ctypes.c_char.from_buffer(m)
print(\"ESCAPED\" if c.mlock(ctypes.byref(a),ctypes.c_size_t(8<<20))==0 else \"\")'",
    ).stopped(&[Privileges, User], &[Privileges, User]),
    attempt(
        "bombs with threads",
        "/usr/bin/python3 -c 'import threading,time
n=0
try:
  for i in range(400):
    threading.Thread(target=time.sleep,args=(3,),daemon=True).start(); n+=1
except RuntimeError: pass
print(\"ESCAPED\" if n>=400 else n,flush=True)
import os;os._exit(0)'",
    ).stopped(&[Group, User], &[Group, User]),
    attempt(
        "fills the disk with files that have no name",
        "/usr/bin/python3 -c 'import os,time
k=[]
for i in range(4):
  f=open(\"n\",\"wb\");os.unlink(\"n\");f.write(b\"x\"*(40<<20));f.flush();k.append(f)
time.sleep(3)
print(\"ESCAPED\")'",
    ).stopped(&[Group, User], &[Group, User]),
    attempt(
        "fills its temporary files",
        "mkdir -p /tmp/orch-escape; dd if=/dev/zero of=/tmp/orch-escape/f bs=1M count=40 2>/dev/null && echo ESCAPED; \
         rm -rf /tmp/orch-escape",
    ).stopped(&[Sizes], &[Landlock]),
];

/// Under the same.
pub const DISK: &[Attempt] = &[
    attempt(
        "fills the disk",
        "for i in 1 2 3 4; do dd if=/dev/zero of=f$i bs=1M count=40 2>/dev/null; done; sleep 2; echo ESCAPED",
    ).stopped(&[Disk], &[Disk]),
    attempt(
        "makes many files",
        "i=0; while [ $i -lt 3000 ]; do : > e$i; i=$((i+1)); done; sleep 2; echo ESCAPED",
    ).stopped(&[Disk], &[Disk]),
    attempt(
        "fills the disk by a file that is larger than it looks",
        "/usr/bin/python3 -c 'import ctypes,os,time
c=ctypes.CDLL(None,use_errno=True)
for i in range(4):
  f=os.open(\"p%d\"%i,os.O_RDWR|os.O_CREAT)
  if c.fallocate(f,1,ctypes.c_long(0),ctypes.c_long(40<<20)): raise SystemExit(ctypes.get_errno())
time.sleep(2)
print(\"ESCAPED\")'",
    ).stopped(&[Disk], &[Disk]),
    attempt(
        "makes many folders",
        "i=0; while [ $i -lt 3000 ]; do mkdir d$i; i=$((i+1)); done; sleep 2; echo ESCAPED",
    ).stopped(&[Disk], &[Disk]),
];
