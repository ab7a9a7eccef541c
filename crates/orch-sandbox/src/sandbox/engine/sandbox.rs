//! Opening cells in containers, and whether the engine can be used.

use std::{
    fs, io,
    os::{
        fd::{AsRawFd, OwnedFd},
        unix::fs::PermissionsExt,
    },
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    thread,
};

use nix::{
    fcntl::{FcntlArg, OFlag, fcntl},
    sys::resource::{Resource, getrlimit},
    sys::socket::{
        AddressFamily, Backlog, SockFlag, SockType, UnixAddr, bind, listen, setsockopt, socket,
        sockopt,
    },
    unistd::{getegid, geteuid},
};
use tokio::time::timeout;

use super::{
    Contained, EngineSettings, Image, Pull,
    client::Client,
    contained::HandFolder,
    filter,
    libraries::Libraries,
    spec::{self, Parts},
};
use crate::{
    egress::PROXY_PORT,
    init::{Orders, Sockets},
    sandbox::{
        Backend, Cell, Confinement, Sandbox, SandboxError, bubblewrap,
        cell::{Held, Way},
        cgroup::next_number,
        handshake::PATIENCE,
        machine::{Begun, Machine},
    },
};

/// Sandboxes by containers.
#[derive(Debug)]
pub(in crate::sandbox) struct Containers {
    backend: Backend,
    machine: Arc<Machine>,
    client: Client,
    image: Image,
    /// Whose the containers are: the folder of the agent's sandboxes.
    owner: PathBuf,
    libraries: Libraries,
    keeps_user: bool,
    /// The profile of system calls, as the engine takes it.
    filter: String,
}

/// What an engine that can be used has.
pub(in crate::sandbox) struct Usable {
    socket: String,
    image: Image,
    keeps_user: bool,
    /// In words, for people.
    pub(in crate::sandbox) what: String,
}

/// What an engine is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sandbox) enum Purpose {
    /// To tell people; nothing is changed.
    Look,
    /// To make containers: what agents that are gone have left goes, and an image may come.
    Use,
}

/// Whether the engine answers and has the image; blocks, and asks on a thread of its own.
pub(in crate::sandbox) fn usable(
    backend: Backend,
    settings: &EngineSettings,
    owner: &Path,
    purpose: Purpose,
) -> Result<Usable, String> {
    let image = settings.image.clone().ok_or(
        "AGENT_SANDBOX_IMAGE is not set: give it the digest of an image with what steps need",
    )?;
    let socket = match &settings.socket {
        Some(socket) => socket.clone(),
        None => usual_socket(backend),
    };
    if !socket.exists() {
        return Err(format!(
            "nothing listens at {}: start the engine, or name its socket in AGENT_SANDBOX_SOCKET",
            socket.display()
        ));
    }
    let socket = socket.display().to_string();
    let ask = async {
        let client = Client::at(&socket)?;
        let info = client.info().await;
        let info = info.map_err(|why| format!("the engine at {socket} does not answer: {why}"))?;
        if purpose == Purpose::Use {
            client.provide(&image, settings.pull).await?;
            client.reap(&owner.display().to_string()).await?;
        } else {
            client.provide(&image, Pull::Never).await?;
        }
        let options = info.security_options.unwrap_or_default();
        let is_rootless = options.iter().any(|option| option.contains("rootless"));
        let bounds = match (info.memory_limit, info.pids_limit) {
            (Some(false), _) | (_, Some(false)) => "no control groups",
            _ => "limits by control groups",
        };
        let what = format!(
            "{backend} {}, {}, {bounds}",
            info.server_version.unwrap_or_default(),
            if is_rootless {
                "rootless"
            } else {
                "run by root"
            },
        );
        Ok::<_, String>((is_rootless, what))
    };
    let asked = thread::scope(|scope| {
        let asked = scope.spawn(|| {
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            let runtime = runtime.enable_all().build();
            runtime.map_err(|error| error.to_string())?.block_on(ask)
        });
        asked.join()
    });
    let (is_rootless, what) = asked.map_err(|_| "asking the engine failed".to_owned())??;
    Ok(Usable {
        socket,
        image,
        keeps_user: is_rootless && backend == Backend::Podman,
        what,
    })
}

fn usual_socket(backend: Backend) -> PathBuf {
    if backend != Backend::Podman {
        return "/var/run/docker.sock".into();
    }
    match geteuid().is_root() {
        true => "/run/podman/podman.sock".into(),
        false => format!("/run/user/{}/podman/podman.sock", geteuid()).into(),
    }
}

impl Containers {
    pub(in crate::sandbox) fn new(
        backend: Backend,
        machine: Arc<Machine>,
        usable: Usable,
        owner: &Path,
    ) -> Result<Self, String> {
        Ok(Self {
            backend,
            machine,
            client: Client::at(&usable.socket)?,
            image: usable.image,
            owner: owner.to_owned(),
            libraries: Libraries::of_this_process(),
            keeps_user: usable.keeps_user,
            filter: filter_for(backend, owner)
                .map_err(|error| format!("failed to write its profile of system calls: {error}"))?,
        })
    }

    /// Starts a container and waits for its first program.
    pub(in crate::sandbox) async fn set_up(
        &self,
        held: &Held,
        protected: &[PathBuf],
    ) -> Result<(OwnedFd, Contained), SandboxError> {
        let failed = |error: &dyn std::fmt::Display| held.not_begun(error.to_string());
        let folder = self.owner.join(format!("hand-{}", next_number()));
        let (folder, listener) = listen_in(folder).map_err(|error| failed(&error))?;
        let taken = held.identity.as_ref().map(|taken| taken.identity);
        let owner = self.owner.display().to_string();
        let parts = Parts {
            image: self.image.as_str(),
            owner: &owner,
            user: taken.map_or((geteuid().as_raw(), getegid().as_raw()), |own| {
                (own.uid, own.gid)
            }),
            keeps_user: self.keeps_user,
            init: &self.machine.init,
            libraries: &self.libraries,
            hand: &folder.0,
            orders: self.orders(&held.confinement).to_argument(),
            filter: &self.filter,
            user_processes: user_processes(self.backend),
            protected,
        };
        let container = spec::container(&held.confinement, &parts);
        let started = self.client.start(container).await;
        let id = started.map_err(|why| failed(&format!("the engine refused: {why}")))?;
        let contained = Contained {
            client: self.client.clone(),
            id,
            _hand: folder,
        };
        match timeout(PATIENCE, accept(listener)).await {
            Ok(Ok(hand)) => Ok((hand, contained)),
            Ok(Err(error)) => Err(failed(&error)),
            Err(_) => {
                let said = contained.said().await;
                let seconds = PATIENCE.as_secs();
                Err(failed(&format!(
                    "its first program did not come up in {seconds} s: {said}"
                )))
            }
        }
    }

    fn orders(&self, confinement: &Confinement) -> Orders {
        let landlock = || {
            let mut bounds = bubblewrap::landlock(confinement);
            bounds.write.push("/workspace".into());
            bounds
        };
        Orders {
            identity: None,
            landlock: self.machine.has_landlock().then(landlock),
            limits: confinement.limits.clone(),
            sockets: Sockets::Local,
            proxy_port: confinement.network.as_ref().map(|_| PROXY_PORT),
            without: confinement.without.clone(),
        }
    }
}

/// Podman gives a container more processes than we may have, and fails where it must not.
fn user_processes(backend: Backend) -> Option<i64> {
    if backend != Backend::Podman {
        return None;
    }
    // Its service has this many itself where it may not have more.
    const USUAL: u64 = 32_768;
    let (_, most) = getrlimit(Resource::RLIMIT_NPROC).ok()?;
    i64::try_from(most.min(USUAL)).ok()
}

/// Docker takes the profile itself; Podman takes a file that has it.
fn filter_for(backend: Backend, owner: &Path) -> io::Result<String> {
    let profile = filter::profile();
    if backend != Backend::Podman {
        return Ok(profile);
    }
    fs::create_dir_all(owner)?;
    let owner = std::path::absolute(owner)?;
    let (file, new) = (owner.join("seccomp.json"), owner.join("seccomp.json.new"));
    fs::write(&new, profile)?;
    // Nobody reads half of it.
    fs::rename(&new, &file)?;
    Ok(file.display().to_string())
}

impl Sandbox for Arc<Containers> {
    fn backend(&self) -> Backend {
        self.backend
    }

    fn open(&self, mut confinement: Confinement) -> Result<Box<dyn Cell>, SandboxError> {
        let Begun { identity, cgroup } = self.machine.begin(&mut confinement)?;
        Ok(Box::new(Held {
            backend: self.backend,
            confinement,
            way: Way::Container(Arc::clone(self)),
            standing: Mutex::default(),
            way_out: None,
            cgroup,
            identity,
        }))
    }
}

/// A socket of packets in a folder that only the container is shown.
fn listen_in(folder: PathBuf) -> io::Result<(HandFolder, OwnedFd)> {
    // One of an agent that is gone may lie there.
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder)?;
    let folder = HandFolder(folder);
    fs::set_permissions(&folder.0, fs::Permissions::from_mode(0o755))?;
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let listener = socket(AddressFamily::Unix, SockType::SeqPacket, flags, None)?;
    let path = folder.0.join("socket");
    bind(listener.as_raw_fd(), &UnixAddr::new(&path)?)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666))?;
    // Whoever is accepted inherits it: set only then, it would come too late for a quick hello.
    setsockopt(&listener, sockopt::PassCred, &true)?;
    listen(&listener, Backlog::new(1)?)?;
    Ok((folder, listener))
}

/// The first who comes; nobody can come after.
async fn accept(listener: OwnedFd) -> io::Result<OwnedFd> {
    let listener = std::os::unix::net::UnixListener::from(listener);
    // The runtime's listener asks for no kind of socket.
    let (client, _) = tokio::net::UnixListener::from_std(listener)?
        .accept()
        .await?;
    let hand = OwnedFd::from(client.into_std()?);
    fcntl(&hand, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    Ok(hand)
}
