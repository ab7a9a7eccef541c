//! Whoever could be reached over a socket.

use orch_sandbox::sandbox::Layer::{
    Calls, Connections, Hosts, Landlock, Network, Privileges, User, View,
};

use super::attempt::{Attempt, ask, attempt, socket, talk};

pub const NETWORK: &[Attempt] = &[
    talk!(
        "reaches the control plane",
        "AF_INET",
        "SOCK_STREAM",
        "(\"127.0.0.1\",{tcp})"
    )
    .stopped(&[Network], &[Landlock, Calls]),
    talk!(
        "reaches it by another name",
        "AF_INET",
        "SOCK_STREAM",
        "(\"0.0.0.0\",{tcp})"
    )
    .stopped(&[Network], &[Landlock, Calls]),
    talk!(
        "reaches a datagram service",
        "AF_INET",
        "SOCK_DGRAM",
        "(\"127.0.0.1\",{udp})"
    )
    .stopped(&[Network], &[Calls]),
    talk!(
        "reaches the container engine",
        "AF_UNIX",
        "SOCK_STREAM",
        "\"{outside}/docker.sock\""
    )
    .stopped(&[User, View], &[Calls]),
    talk!(
        "reaches an abstract socket",
        "AF_UNIX",
        "SOCK_STREAM",
        "\"\\0{abstract}\""
    )
    .stopped(&[Network, Landlock], &[Landlock, Calls]),
    socket!("talks to the kernel", "socket.AF_NETLINK,socket.SOCK_RAW,0")
        .stopped(&[Calls], &[Calls]),
    socket!("listens to the wire", "socket.AF_PACKET,socket.SOCK_RAW,0")
        .stopped(&[Privileges, User, Calls], &[Privileges, User, Calls]),
    socket!(
        "talks to the hypervisor",
        "socket.AF_VSOCK,socket.SOCK_STREAM,0"
    )
    .stopped(&[Calls], &[Calls]),
    socket!("sends raw packets", "socket.AF_INET,socket.SOCK_RAW,1")
        .stopped(&[Privileges, User, Calls], &[Privileges, User, Calls]),
    talk!(
        "reaches where clouds keep credentials",
        "AF_INET",
        "SOCK_STREAM",
        "(\"169.254.169.254\",80)"
    )
    .stopped(&[Network], &[Landlock, Calls]),
    talk!(
        "reaches a host of the internet",
        "AF_INET",
        "SOCK_STREAM",
        "(\"203.0.113.7\",443)"
    )
    .stopped(&[Network], &[Landlock, Calls]),
    talk!(
        "reaches a host of the company",
        "AF_INET",
        "SOCK_STREAM",
        "(\"10.1.2.3\",443)"
    )
    .stopped(&[Network], &[Landlock, Calls]),
    talk!(
        "asks a name server of its own",
        "AF_INET",
        "SOCK_DGRAM",
        "(\"203.0.113.53\",53)"
    )
    .stopped(&[Network], &[Calls]),
    attempt(
        "is handed a file of another run",
        "/usr/bin/python3 -c 'import os,socket
s=socket.socket(socket.AF_UNIX);s.settimeout(2);s.connect(\"{outside}/hand.sock\")
f=socket.recv_fds(s,9,1)[1][0]
print(\"ESCAPED\" if b\"{treasure}\" in os.pread(f,99,0) else 0)'",
    )
    .stopped(&[User, View], &[Calls]),
    attempt(
        "leaves a name in the machine's abstract sockets",
        "/usr/bin/python3 -c 'import socket
s=socket.socket(socket.AF_UNIX);s.bind(\"\\0orch-left\")
print(\"ESCAPED\" if \"{abstract}\" in open(\"/proc/self/net/unix\").read() else 0)'",
    )
    .stopped(&[Network], &[Landlock, Calls]),
    attempt(
        "sends to a socket of the machine from one of a pair",
        "/usr/bin/python3 -c 'import socket
a,b=socket.socketpair(socket.AF_UNIX,socket.SOCK_DGRAM)
a.connect(\"{outside}/log.sock\");a.send(b\"x\")
print(\"ESCAPED\")'",
    )
    .stopped(&[User, View], &[Calls]),
    attempt(
        "listens at a port of the machine",
        "/usr/bin/python3 -c 'import socket
s=socket.socket();s.bind((\"203.0.113.7\",8080));s.listen()
print(\"ESCAPED\")'",
    )
    .stopped(&[Network], &[Landlock, Calls]),
];

/// With a way out to one host that is listed.
pub const EGRESS: &[Attempt] = &[
    talk!(
        "passes the proxy by",
        "AF_INET",
        "SOCK_STREAM",
        "(\"127.0.0.1\",{tcp})"
    )
    .stopped(&[Network], &[Landlock, Connections]),
    ask!(
        "asks the proxy for the control plane",
        "CONNECT 127.0.0.1:{tcp} HTTP/1.1",
        "127.0.0.1",
        "{tcp}"
    )
    .stopped(&[Hosts], &[Hosts]),
    talk!(
        "passes the proxy by to where clouds keep credentials",
        "AF_INET",
        "SOCK_STREAM",
        "(\"169.254.169.254\",80)"
    )
    .stopped(&[Network], &[Landlock, Connections]),
    talk!(
        "passes the proxy by for names",
        "AF_INET",
        "SOCK_DGRAM",
        "(\"203.0.113.53\",53)"
    )
    .stopped(&[Network], &[Calls, Connections]),
    attempt(
        "reaches another machine at the proxy's port",
        "/usr/bin/python3 -c 'import errno,os,socket
p=os.environ.get(\"http_proxy\",\"http://x:{tcp}\")
s=socket.socket();s.settimeout(2)
e=s.connect_ex((\"203.0.113.7\",int(p.rsplit(\":\",1)[1])))
print(\"ESCAPED\" if e in (0,errno.ECONNREFUSED) else e)'",
    )
    .stopped(&[Network], &[Connections]),
    attempt(
        "changes the address while it is looked at",
        "/usr/bin/python3 -c 'import ctypes,os,socket,struct,threading,time
p=os.environ.get(\"http_proxy\",\"http://x:{tcp}\")
good=struct.pack(\"=H\",2)+struct.pack(\">H4s8x\",int(p.rsplit(\":\",1)[1]),socket.inet_aton(\"127.0.0.1\"))
evil=struct.pack(\"=H\",2)+struct.pack(\">H4s8x\",443,socket.inet_aton(\"203.0.113.7\"))
at=ctypes.create_string_buffer(good,16)
c=ctypes.CDLL(None)
going=True
def change():
  while going:
    ctypes.memmove(at,evil,16)
    ctypes.memmove(at,good,16)
threading.Thread(target=change,daemon=True).start()
out=False
end=time.monotonic()+3
while not out and time.monotonic()<end:
  s=socket.socket()
  if c.connect(s.fileno(),at,16)==0:
    try: out=out or s.getpeername()[0]==\"203.0.113.7\"
    except OSError: pass
  s.close()
going=False
print(\"ESCAPED\" if out else 0)'",
    )
    .stopped(&[Network], &[Landlock, Connections]),
    attempt(
        "sends along with the opening packet",
        "/usr/bin/python3 -c 'import socket
s=socket.socket()
s.sendto(b\"x\",socket.MSG_FASTOPEN,(\"203.0.113.7\",443));s.settimeout(2)
print(\"ESCAPED\" if b\"{treasure}\" in s.recv(99) else 0)'",
    )
    .stopped(&[Network], &[Calls]),
    attempt(
        "listens at a port that it does not choose",
        "/usr/bin/python3 -c 'import socket
s=socket.socket();s.listen();s.settimeout(5)
print(\"ESCAPED\" if b\"{treasure}\" in s.accept()[0].recv(99) else 0)'",
    )
    .stopped(&[Network], &[Calls]),
    attempt(
        "sends a datagram to another machine",
        "/usr/bin/python3 -c 'import socket
s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM);s.sendto(b\"x\",(\"203.0.113.53\",53))
s.settimeout(2)
print(\"ESCAPED\" if b\"{treasure}\" in s.recv(99) else 0)'",
    )
    .stopped(&[Network], &[Calls]),
    ask!(
        "asks the proxy for where clouds keep credentials",
        "CONNECT 169.254.169.254:80 HTTP/1.1",
        "169.254.169.254",
        "80"
    )
    .stopped(&[Hosts], &[Hosts]),
    ask!(
        "writes the refused address as a number",
        "CONNECT 2852039166:80 HTTP/1.1",
        "169.254.169.254",
        "80"
    )
    .unreadable(),
    ask!(
        "writes the refused address as one of IPv6",
        "CONNECT [::ffff:169.254.169.254]:80 HTTP/1.1",
        "169.254.169.254",
        "80"
    )
    .stopped(&[Hosts], &[Hosts]),
    ask!(
        "asks the proxy for a host of the company",
        "GET http://10.1.2.3:443/ HTTP/1.1",
        "10.1.2.3",
        "443"
    )
    .stopped(&[Hosts], &[Hosts]),
    ask!(
        "names an allowed host and means another",
        "GET http://203.0.113.7:443/ HTTP/1.1\\r\\nHost: example.com",
        "203.0.113.7",
        "443"
    )
    .stopped(&[Hosts], &[Hosts]),
    ask!(
        "hides the refused host behind a user",
        "GET http://example.com@203.0.113.7:443/ HTTP/1.1",
        "203.0.113.7",
        "443"
    )
    .unreadable(),
];
