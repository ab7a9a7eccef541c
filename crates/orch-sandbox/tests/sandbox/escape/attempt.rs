//! What an attempt is, and how scripts that try are written.

use orch_sandbox::sandbox::{Backend, Layer};

/// One attempt.
#[derive(Debug, Clone, Copy)]
pub struct Attempt {
    pub name: &'static str,
    pub script: &'static str,
    /// The next step, which meets what the first has left.
    pub then: Option<&'static str>,
    pub proof: Proof,
    pub bubblewrap: Stop,
    pub landlock: Stop,
}

/// By what it is seen to have succeeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// It says `ESCAPED`.
    Says,
    /// Later programs find other settings.
    Changes,
    /// The machine's own git does what it was told.
    IsObeyed,
}

/// What stops it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Each of these alone; without all of them it succeeds.
    By(&'static [Layer]),
    /// Something that cannot be left out here: what that is.
    Foundation(&'static str),
}

impl Attempt {
    /// What stops it on this backend.
    pub fn stop(&self, backend: Backend) -> Stop {
        match backend {
            Backend::Bubblewrap => self.bubblewrap,
            Backend::Landlock => self.landlock,
            Backend::Docker | Backend::Podman => Stop::Foundation("the engine sets all of it up"),
            Backend::Process => Stop::By(&[]),
        }
    }

    /// What stops it with bubblewrap and with Landlock.
    pub const fn stopped(self, bubblewrap: &'static [Layer], landlock: &'static [Layer]) -> Self {
        Self {
            bubblewrap: Stop::By(bubblewrap),
            landlock: Stop::By(landlock),
            ..self
        }
    }

    /// Bubblewrap stops it by itself.
    pub const fn by_bubblewrap_itself(self) -> Self {
        let how = "bubblewrap gives up new privileges whatever it is told";
        Self {
            bubblewrap: Stop::Foundation(how),
            ..self
        }
    }

    /// The proxy does not take it for a request.
    pub const fn unreadable(self) -> Self {
        let how = "the proxy reads no host in it";
        Self {
            bubblewrap: Stop::Foundation(how),
            landlock: Stop::Foundation(how),
            ..self
        }
    }

    /// With a next step.
    pub const fn then(self, script: &'static str) -> Self {
        Self {
            then: Some(script),
            ..self
        }
    }
}

/// One that says whether it got out.
pub const fn attempt(name: &'static str, script: &'static str) -> Attempt {
    Attempt {
        name,
        script,
        then: None,
        proof: Proof::Says,
        bubblewrap: Stop::By(&[]),
        landlock: Stop::By(&[]),
    }
}

/// One that changes what later programs obey.
pub const fn change(name: &'static str, script: &'static str) -> Attempt {
    Attempt {
        proof: Proof::Changes,
        ..attempt(name, script)
    }
}

/// One that has the machine's git do something.
pub const fn order(name: &'static str, script: &'static str) -> Attempt {
    Attempt {
        proof: Proof::IsObeyed,
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
pub(super) use call;

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
pub(super) use socket;

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
                ")\ns.settimeout(2)\n",
                "s.connect(",
                $address,
                ")\n",
                "try: s.send(b\"x\")\nexcept OSError: pass\n",
                "print(\"ESCAPED\" if b\"{treasure}\" in s.recv(99) else \"\")'"
            ),
        )
    };
}
pub(super) use talk;

/// What the proxy, where there is one, is asked to connect to; else it is connected to directly.
macro_rules! ask {
    ($name:literal, $asked:literal, $host:literal, $port:literal) => {
        attempt(
            $name,
            concat!(
                "/usr/bin/python3 -c 'import os,socket
p=os.environ.get(\"http_proxy\")
s=socket.create_connection((\"127.0.0.1\",int(p.rsplit(\":\",1)[1])) if p else (\"",
                $host,
                "\",",
                $port,
                "),5)
s.settimeout(2)
t=b\"\"
try:
  if p: s.send(b\"",
                $asked,
                "\\r\\n\\r\\n\")
  while b\"{treasure}\" not in t:
    r=s.recv(999)
    if not r: break
    t+=r
except OSError: pass
print(\"ESCAPED\" if b\"{treasure}\" in t else t)'"
            ),
        )
    };
}
pub(super) use ask;
