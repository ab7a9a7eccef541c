//! What each backend gives on this machine, for people to read.

use super::{
    Backend, Settings,
    choice::{usable_bubblewrap, usable_landlock},
    engine::{self, Purpose},
    landlock,
    machine::Machine,
};

/// A backend and what it gives here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The backend.
    pub backend: Backend,
    /// What it lacks; it cannot be used then.
    pub lacks: Option<String>,
    /// What it gives, and does not.
    pub features: Vec<Feature>,
}

/// One thing that a sandbox may or may not give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feature {
    /// What it is.
    pub name: &'static str,
    /// Whether it is given.
    pub given: bool,
    /// By what, or why not.
    pub how: String,
}

const ALL: [Backend; 5] = [
    Backend::Bubblewrap,
    Backend::Landlock,
    Backend::Docker,
    Backend::Podman,
    Backend::Process,
];

/// All backends, the best first. Blocks for some milliseconds.
#[must_use]
pub fn report(settings: &Settings) -> Vec<Report> {
    let machine = Machine::look(settings.init.clone(), settings.folder.clone());
    let one = |backend| {
        let mut features = features(backend, &machine);
        let lacks = match backend {
            Backend::Bubblewrap => usable_bubblewrap().err(),
            Backend::Landlock => usable_landlock(&machine).err(),
            Backend::Docker | Backend::Podman => {
                let (engine, folder) = (&settings.engine, &settings.folder);
                match engine::usable(backend, engine, folder, Purpose::Look) {
                    Ok(usable) => {
                        features.push(Feature {
                            name: "engine",
                            given: true,
                            how: usable.what,
                        });
                        None
                    }
                    Err(lacks) => Some(lacks),
                }
            }
            Backend::Process => None,
        };
        Report {
            backend,
            lacks,
            features,
        }
    };
    ALL.map(one).into()
}

fn features(backend: Backend, machine: &Machine) -> Vec<Feature> {
    let feature = |name, given, how: &str| Feature {
        name,
        given,
        how: how.to_owned(),
    };
    if backend == Backend::Process {
        return vec![feature(
            "isolation",
            false,
            "steps have the agent's rights, files and network",
        )];
    }
    let spaces = backend != Backend::Landlock;
    let is_root = nix::unistd::geteuid().is_root();
    let together = machine.cgroups.as_ref();
    let landlock = format!("Landlock {}", machine.landlock);
    vec![
        match spaces {
            true => feature(
                "files",
                true,
                "a view of its own, and the workspace written",
            ),
            false => feature("files", true, &landlock),
        },
        match machine.has_landlock() {
            true => feature("landlock", true, &landlock),
            false => feature("landlock", false, "this kernel has none, or an old one"),
        },
        feature(
            "seccomp",
            true,
            "calls that reach other processes and the kernel's settings",
        ),
        match is_root {
            true => feature("user", true, "an unprivileged one for each run"),
            false => feature(
                "user",
                false,
                "the agent's own; start it as root for one for each run",
            ),
        },
        match spaces {
            true => feature(
                "processes",
                true,
                "a namespace of its own; they end with the agent",
            ),
            false => feature(
                "processes",
                machine.landlock >= 6,
                "seen by others, not signalled",
            ),
        },
        match spaces {
            true => feature("network", true, "a namespace of its own without a way out"),
            false => feature("network", true, "no sockets"),
        },
        match (spaces, landlock::hosts_can_be_given(machine.landlock)) {
            (true, _) => feature("listed hosts", true, "by the run's proxy alone"),
            (false, Ok(())) => feature(
                "listed hosts",
                true,
                "by the run's proxy alone: the agent makes all connections",
            ),
            (false, Err(lacks)) => feature("listed hosts", false, lacks),
        },
        match together {
            Some(kind) => feature("memory and processes", true, kind.name()),
            None => feature(
                "memory and processes",
                false,
                "limits of each process only: no control group can be made",
            ),
        },
        match spaces {
            true => feature("protected files", true, "read-only"),
            false => feature(
                "protected files",
                false,
                "changes are found after each step",
            ),
        },
        feature(
            "disk",
            true,
            "looked at every second, the run is ended above its limit",
        ),
    ]
}
