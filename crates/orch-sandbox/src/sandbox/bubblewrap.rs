//! Namespaces by bubblewrap: a view of files of the run's own, and no network, processes or users
//! but its own. Landlock, seccomp and limits are put into force inside, by the first program.

use std::{
    fs,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use nix::unistd::{getegid, geteuid};

use super::{
    Backend, Cell, Confinement, Layer, Sandbox, SandboxError,
    cell::{Held, Way, Wrap},
    machine::{Begun, Machine},
    protect::{Now, Protected},
    view,
};
use crate::{
    egress::PROXY_PORT,
    exec::Wrapper,
    init::{ARGUMENT, Landlock, Orders, Sockets},
};

/// Where the first program lies in a sandbox.
const INIT: &str = "/run/orch-sandbox-init";

/// Namespaces for what has names of its own.
const NAMES: &str = "--unshare-ipc --unshare-uts --unshare-cgroup-try --hostname sandbox";

/// Devices that may be written, and the folders for memory that processes share.
const WRITTEN: [&str; 10] = [
    "/dev/null",
    "/dev/zero",
    "/dev/full",
    "/dev/random",
    "/dev/urandom",
    "/dev/tty",
    "/dev/ptmx",
    "/dev/pts",
    "/dev/shm",
    "/tmp",
];

/// Sandboxes by bubblewrap.
#[derive(Debug)]
pub(super) struct Bubblewrap {
    program: PathBuf,
    machine: Arc<Machine>,
}

impl Bubblewrap {
    pub(super) fn new(program: PathBuf, machine: Arc<Machine>) -> Self {
        Self { program, machine }
    }
}

impl Sandbox for Bubblewrap {
    fn backend(&self) -> Backend {
        Backend::Bubblewrap
    }

    fn open(&self, mut confinement: Confinement) -> Result<Box<dyn Cell>, SandboxError> {
        let Begun { identity, cgroup } = self.machine.begin(&mut confinement)?;
        let etc = self.machine.etc.get()?.to_owned();
        let orders = Orders {
            identity: identity.as_ref().map(|taken| taken.identity),
            landlock: self.landlock(&confinement),
            limits: confinement.limits.clone(),
            sockets: Sockets::Local,
            proxy_port: confinement.network.as_ref().map(|_| PROXY_PORT),
            without: confinement.without.clone(),
        };
        // Only the first of a process namespace can hold a sandbox.
        let stands = confinement.without.has(Layer::Processes);
        let wrap = Namespaces {
            program: self.program.clone(),
            init: self.machine.init.clone(),
            etc,
            orders: orders.to_argument(),
            privileged: geteuid().is_root(),
            tools: view::tools(&confinement.path),
        };
        Ok(Box::new(Held {
            backend: Backend::Bubblewrap,
            confinement,
            way: match stands {
                true => Way::Standing(Box::new(wrap)),
                false => Way::Alone(Box::new(wrap)),
            },
            standing: Mutex::default(),
            way_out: None,
            cgroup,
            identity,
        }))
    }
}

impl Bubblewrap {
    fn landlock(&self, confinement: &Confinement) -> Option<Landlock> {
        let has = self.machine.has_landlock() && confinement.without.has(Layer::Landlock);
        has.then(|| landlock(confinement))
    }
}

/// The view of files bounds reading; Landlock bounds writing again.
pub(super) fn landlock(confinement: &Confinement) -> Landlock {
    let own = [&confinement.work, &confinement.home, &confinement.tmp];
    let devices = WRITTEN.iter().map(PathBuf::from);
    Landlock {
        read: vec!["/".into()],
        write: own.into_iter().cloned().chain(devices).collect(),
        ports: None,
    }
}

struct Namespaces {
    program: PathBuf,
    init: PathBuf,
    etc: PathBuf,
    orders: String,
    /// Whether bubblewrap runs as root and the first program becomes somebody else.
    privileged: bool,
    tools: Vec<PathBuf>,
}

impl Wrap for Namespaces {
    fn wrap(&self, confinement: &Confinement, protected: &[Protected], hand: OwnedFd) -> Wrapper {
        let mut line = Line::default();
        line.words("--die-with-parent --new-session");
        let without = &confinement.without;
        for (layer, words) in [
            (Layer::Processes, "--unshare-pid --as-pid-1"),
            (Layer::Network, "--unshare-net"),
            (Layer::Names, NAMES),
        ] {
            if without.has(layer) {
                line.words(words);
            }
        }
        if without.has(Layer::Privileges) {
            line.words("--cap-drop ALL");
            if self.privileged {
                line.words("--cap-add CAP_SETUID --cap-add CAP_SETGID --cap-add CAP_KILL");
            }
        }
        if !self.privileged {
            line.words("--unshare-user --disable-userns");
            line.arg("--uid").arg(geteuid().as_raw());
            line.arg("--gid").arg(getegid().as_raw());
        }
        let init = match without.has(Layer::View) {
            true => Path::new(INIT),
            false => &self.init,
        };
        if without.has(Layer::View) {
            self.show_machine(&mut line, without.has(Layer::Processes));
            self.show_run(&mut line, confinement);
            line.words("--remount-ro /dev --remount-ro /");
        } else {
            line.words("--dev-bind / /");
            if without.has(Layer::Processes) {
                line.words("--proc /proc");
            }
        }
        for one in protected.iter().filter(|one| one.now == Now::Present) {
            line.show(&one.path);
        }
        line.arg("--").path(init).arg(ARGUMENT).arg(&self.orders);
        Wrapper {
            program: self.program.clone(),
            arguments: line.0,
            stays: true,
            hand,
        }
    }
}

impl Namespaces {
    fn show_machine(&self, line: &mut Line, own_processes: bool) {
        for folder in view::SYSTEM {
            match fs::symlink_metadata(folder) {
                Ok(found) if found.is_symlink() => {
                    let target = fs::read_link(folder).unwrap_or_default();
                    line.arg("--symlink").path(&target).arg(folder);
                }
                Ok(_) => {
                    line.show(Path::new(folder));
                }
                Err(_) => {}
            }
        }
        line.arg("--ro-bind").path(&self.etc).arg("/etc");
        match own_processes {
            true => line.words("--proc /proc"),
            false => line.words("--dev-bind /proc /proc"),
        };
        line.words("--dev /dev");
        line.arg("--ro-bind").path(&self.init).arg(INIT);
    }

    fn show_run(&self, line: &mut Line, confinement: &Confinement) {
        let Confinement {
            work,
            home,
            tmp,
            secrets,
            readable,
            ..
        } = confinement;
        let size = confinement.limits.tmpfs_bytes.to_string();
        for folder in ["/dev/shm", "/tmp"] {
            line.words("--perms 1777");
            if confinement.without.has(Layer::Sizes) {
                line.arg("--size").arg(&size);
            }
            line.arg("--tmpfs").arg(folder);
        }
        let shown = [work, home, tmp]
            .into_iter()
            .chain(&self.tools)
            .chain(readable);
        if !shown.into_iter().any(|shown| shown.starts_with("/var/tmp")) {
            line.way_to(Path::new("/var/tmp"));
            line.words("--symlink ../tmp /var/tmp");
        }
        // Behind the run's own `/tmp`, which would cover those below it, and before what is written.
        for tool in &self.tools {
            line.way_to(tool).show(tool);
        }
        for folder in [tmp, home, work] {
            line.way_to(folder);
            line.arg("--bind").path(folder).path(folder);
        }
        // By this name recipes call it.
        line.arg("--symlink").path(work).arg("/workspace");
        let read = [secrets].into_iter().chain(readable);
        for path in read.filter(|path| path.exists()) {
            line.way_to(path).show(path);
        }
    }
}

/// Whether a folder is there without being made.
fn is_shown(folder: &Path) -> bool {
    let made = ["/", "/dev", "/proc", "/tmp", "/etc"];
    made.iter().any(|made| folder == Path::new(made)) || view::is_of_the_system(folder)
}

/// The arguments, growing.
#[derive(Debug, Default)]
struct Line(Vec<String>);

impl Line {
    fn arg(&mut self, argument: impl ToString) -> &mut Self {
        self.0.push(argument.to_string());
        self
    }

    fn words(&mut self, words: &str) -> &mut Self {
        self.0.extend(words.split(' ').map(str::to_owned));
        self
    }

    fn path(&mut self, path: &Path) -> &mut Self {
        self.arg(path.to_string_lossy())
    }

    /// Makes the folders above: by itself the way would be as closed as what it leads to.
    fn way_to(&mut self, path: &Path) -> &mut Self {
        let above = path.ancestors().skip(1).filter(|above| !is_shown(above));
        for folder in above.collect::<Vec<_>>().into_iter().rev() {
            if !self.0.iter().any(|shown| Path::new(shown) == folder) {
                self.words("--perms 0755 --dir").path(folder);
            }
        }
        self
    }

    fn show(&mut self, path: &Path) -> &mut Self {
        self.arg("--ro-bind").path(path).path(path)
    }
}
