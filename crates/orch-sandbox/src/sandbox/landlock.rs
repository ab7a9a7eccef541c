//! Landlock, seccomp, limits and an unprivileged user, without namespaces: for containers, where
//! those are refused.

use std::{
    fs,
    net::{Ipv4Addr, TcpListener},
    os::{
        fd::OwnedFd,
        unix::fs::{MetadataExt, PermissionsExt},
    },
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use super::{
    Backend, Cell, Confinement, Layer, Sandbox, SandboxError,
    cell::{Held, Way, Wrap},
    error::io_error,
    etc,
    machine::{Begun, Machine},
    protect::Protected,
    view,
};
use crate::{
    exec::Wrapper,
    init::{ARGUMENT, Landlock as Bounds, Orders, Sockets, can_be_told},
};

const WRITTEN: [&str; 6] = [
    "/dev/null",
    "/dev/zero",
    "/dev/full",
    "/dev/random",
    "/dev/urandom",
    "/dev/tty",
];

/// Of `/proc` only what tells nothing of other processes.
const PROC: [&str; 9] = [
    "/proc/self",
    "/proc/cpuinfo",
    "/proc/filesystems",
    "/proc/loadavg",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/sys",
    "/proc/uptime",
    "/proc/version",
];

/// Why a run cannot be given hosts.
const UNBOUND: &str = "its Landlock cannot bound the network (Linux 6.7 or later can)";
const NOT_TOLD: &str =
    "its seccomp cannot have connections made by the agent (Linux 5.9 or later can)";

/// The version of Landlock from which on it bounds TCP ports.
const BOUNDS_PORTS: i32 = 4;

/// Sandboxes by Landlock.
#[derive(Debug)]
pub(super) struct Landlock {
    machine: Arc<Machine>,
}

impl Landlock {
    pub(super) fn new(machine: Arc<Machine>) -> Self {
        Self { machine }
    }
}

impl Sandbox for Landlock {
    fn backend(&self) -> Backend {
        Backend::Landlock
    }

    fn open(&self, mut confinement: Confinement) -> Result<Box<dyn Cell>, SandboxError> {
        let Begun { identity, cgroup } = self.machine.begin(&mut confinement)?;
        if identity.is_some() {
            for folder in confinement.own_folders() {
                let_pass(folder)?;
            }
        }
        let way_out = match &confinement.network {
            Some(_) => Some(self.listen()?),
            None => None,
        };
        let port = way_out.as_ref().map(|(_, port)| *port);
        let orders = Orders {
            identity: identity.as_ref().map(|taken| taken.identity),
            landlock: landlock(&confinement, port),
            limits: confinement.limits.clone(),
            sockets: match port {
                _ if !confinement.without.has(Layer::Network) => Sockets::Local,
                Some(_) => Sockets::Tcp,
                None => Sockets::Pairs,
            },
            proxy_port: None,
            without: confinement.without.clone(),
        };
        let wrap = Alone {
            init: self.machine.init.clone(),
            orders: orders.to_argument(),
        };
        Ok(Box::new(Held {
            backend: Backend::Landlock,
            confinement,
            way: Way::Alone(Box::new(wrap)),
            standing: Mutex::default(),
            way_out,
            cgroup,
            identity,
        }))
    }
}

impl Landlock {
    /// A way out on this machine's own loopback. Landlock bounds ports, and needs to know how.
    fn listen(&self) -> Result<(TcpListener, u16), SandboxError> {
        hosts_can_be_given(self.machine.landlock).map_err(|lacks| SandboxError::Unusable {
            backend: Backend::Landlock,
            lacks: format!("{lacks}, and the recipe asks for hosts"),
        })?;
        let listen = || {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
            listener.set_nonblocking(true)?;
            let port = listener.local_addr()?.port();
            Ok((listener, port))
        };
        listen().map_err(io_error("listen on", "127.0.0.1"))
    }
}

/// Whether a run's way out can be its proxy alone; else what is missing.
pub(super) fn hosts_can_be_given(landlock: i32) -> Result<(), &'static str> {
    match (landlock >= BOUNDS_PORTS, can_be_told()) {
        (false, _) => Err(UNBOUND),
        (true, false) => Err(NOT_TOLD),
        (true, true) => Ok(()),
    }
}

fn landlock(confinement: &Confinement, port: Option<u16>) -> Option<Bounds> {
    let mut bounds = bounds(confinement, port);
    if !confinement.without.has(Layer::Network) {
        bounds.ports = None;
    }
    Some(bounds).filter(|_| confinement.without.has(Layer::Landlock))
}

fn bounds(confinement: &Confinement, port: Option<u16>) -> Bounds {
    let system = view::SYSTEM.iter().chain(&PROC).map(PathBuf::from);
    let etc = view::ETC.iter().chain(&etc::OWN);
    let etc = etc.map(|name| Path::new("/etc").join(name));
    let Confinement {
        work, home, tmp, ..
    } = confinement;
    let own = [work, home, tmp].into_iter().cloned();
    Bounds {
        read: system
            .chain(etc)
            .chain(view::tools(&confinement.path))
            .chain([confinement.secrets.clone()])
            .chain(confinement.readable.iter().cloned())
            .collect(),
        write: own.chain(WRITTEN.iter().map(PathBuf::from)).collect(),
        ports: Some(port.into_iter().collect()),
    }
}

/// Lets an unprivileged user pass the run's own folders, as far as they are ours to open.
fn let_pass(folder: &Path) -> Result<(), SandboxError> {
    const PASS: u32 = 0o001;
    let above: Vec<&Path> = folder.ancestors().skip(1).collect();
    for (distance, folder) in above.into_iter().enumerate() {
        let Ok(found) = fs::metadata(folder) else {
            continue;
        };
        let mode = found.permissions().mode();
        if mode & PASS != 0 {
            continue;
        }
        // The folder of the attempt, of the run and of all runs: the agent made them.
        let is_ours = distance < 3 && found.uid() == nix::unistd::geteuid().as_raw();
        if !is_ours {
            return Err(SandboxError::Unreachable {
                folder: folder.to_owned(),
            });
        }
        let permissions = fs::Permissions::from_mode(mode | PASS);
        fs::set_permissions(folder, permissions).map_err(io_error("open", folder))?;
    }
    Ok(())
}

struct Alone {
    init: PathBuf,
    orders: String,
}

impl Wrap for Alone {
    fn wrap(&self, _: &Confinement, _: &[Protected], hand: OwnedFd) -> Wrapper {
        Wrapper {
            program: self.init.clone(),
            arguments: vec![ARGUMENT.to_owned(), self.orders.clone()],
            stays: false,
            hand,
        }
    }
}
