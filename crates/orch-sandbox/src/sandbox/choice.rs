//! Which backend is used: the one that was asked for, or the best that works here.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use super::{
    Backend, EngineSettings, Sandbox, SandboxError,
    bubblewrap::Bubblewrap,
    engine::{self, Containers, Purpose},
    landlock::Landlock,
    machine::Machine,
    process::Process,
};
use crate::exec::which;

/// Where bubblewrap is looked for: not along a `PATH` that others may have set.
const PROGRAMS: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// How long the trial may take.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(2);

/// Which backend is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Bubblewrap where it works, else Landlock; never none at all.
    Auto,
    /// This one and no other.
    Only(Backend),
}

/// What all sandboxes of an agent have in common.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The program that becomes a sandbox's first one when it is given [`crate::init::ARGUMENT`].
    pub init: PathBuf,
    /// A folder for the sandboxes' own files.
    pub folder: PathBuf,
    /// What containers are made from.
    pub engine: EngineSettings,
}

/// The backend to use. Blocks for some milliseconds: it tries it out.
///
/// # Errors
/// [`SandboxError::Unusable`] when the one that is wanted does not work here,
/// [`SandboxError::NoneUsable`] when none does.
pub fn choose(wanted: Wanted, settings: &Settings) -> Result<Arc<dyn Sandbox>, SandboxError> {
    if wanted == Wanted::Only(Backend::Process) {
        return Ok(Arc::new(Process));
    }
    let machine = Machine::look(settings.init.clone(), settings.folder.clone());
    if let Some(kind) = &machine.cgroups {
        kind.reap();
    }
    let by = |backend: Backend| -> Result<Arc<dyn Sandbox>, String> {
        match backend {
            Backend::Bubblewrap => {
                let program = usable_bubblewrap()?;
                Ok(Arc::new(Bubblewrap::new(program, Arc::clone(&machine))))
            }
            Backend::Landlock => {
                usable_landlock(&machine)?;
                Ok(Arc::new(Landlock::new(Arc::clone(&machine))))
            }
            Backend::Docker | Backend::Podman => {
                let usable =
                    engine::usable(backend, &settings.engine, &settings.folder, Purpose::Use)?;
                let machine = Arc::clone(&machine);
                let made = Containers::new(backend, machine, usable, &settings.folder)?;
                Ok(Arc::new(Arc::new(made)))
            }
            Backend::Process => Ok(Arc::new(Process)),
        }
    };
    if let Wanted::Only(backend) = wanted {
        return by(backend).map_err(|lacks| SandboxError::Unusable { backend, lacks });
    }
    let mut reasons = Vec::new();
    for backend in [Backend::Bubblewrap, Backend::Landlock] {
        match by(backend) {
            Ok(sandbox) => return Ok(sandbox),
            Err(lacks) => reasons.push(format!("{backend}: {lacks}")),
        }
    }
    let reasons = reasons.join("; ");
    Err(SandboxError::NoneUsable { reasons })
}

/// The program, where it can set namespaces up here.
pub(super) fn usable_bubblewrap() -> Result<PathBuf, String> {
    let program = which("bwrap", PROGRAMS).ok_or_else(|| {
        "bubblewrap is not installed: install the package `bubblewrap`".to_owned()
    })?;
    match try_out(&program) {
        Ok(()) => Ok(program),
        Err(said) => Err(format!(
            "{} cannot set namespaces up ({said}): {}",
            program.display(),
            what_to_do()
        )),
    }
}

fn try_out(program: &Path) -> Result<(), String> {
    let mut command = Command::new(program);
    command
        .env_clear()
        .args([
            "--unshare-pid",
            "--unshare-net",
            "--unshare-ipc",
            "--unshare-uts",
        ])
        .args([
            // As runs are started: nobody is left over who would have to be collected.
            "--as-pid-1",
            "--new-session",
            "--die-with-parent",
            "--ro-bind",
            "/",
            "/",
            "--proc",
            "/proc",
        ]);
    if !nix::unistd::geteuid().is_root() {
        command.args(["--unshare-user", "--disable-userns"]);
    }
    command.args(["--", "/bin/sh", "-c", "exit 0"]);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| error.to_string())?;
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(_)) => {
                let mut said = String::new();
                if let Some(errors) = child.stderr.as_mut() {
                    use std::io::Read;
                    // What it said is told as far as it can be read.
                    let _ = errors.take(400).read_to_string(&mut said);
                }
                return Err(said.trim().to_owned());
            }
            Ok(None) => thread::sleep(PAUSE),
            Err(error) => return Err(error.to_string()),
        }
    }
    let _ = child.kill();
    let _ = child.wait();
    Err(format!("it took longer than {} s", PATIENCE.as_secs()))
}

/// Why namespaces are usually refused, and what to switch on.
fn what_to_do() -> String {
    let read = |file: &str| std::fs::read_to_string(file).unwrap_or_default();
    if read("/proc/sys/kernel/unprivileged_userns_clone").trim() == "0" {
        return "switch user namespaces on (sysctl kernel.unprivileged_userns_clone=1)".to_owned();
    }
    if read("/proc/sys/user/max_user_namespaces").trim() == "0" {
        return "switch user namespaces on (sysctl user.max_user_namespaces=15000)".to_owned();
    }
    if read("/proc/sys/kernel/apparmor_restrict_unprivileged_userns").trim() == "1" {
        return "allow bwrap user namespaces in AppArmor (an `unconfined` profile with `userns,` \
                for it, or sysctl kernel.apparmor_restrict_unprivileged_userns=0)"
            .to_owned();
    }
    "in a container, allow user namespaces and mounts, or set AGENT_SANDBOX=landlock".to_owned()
}

/// Whether this kernel's Landlock and seccomp suffice without namespaces.
pub(super) fn usable_landlock(machine: &Machine) -> Result<(), String> {
    if machine.has_landlock() {
        let closed = nix::unistd::geteuid()
            .is_root()
            .then(|| machine.closed_folder());
        return match closed.flatten() {
            None => Ok(()),
            Some(folder) => Err(SandboxError::Unreachable { folder }.to_string()),
        };
    }
    Err(match machine.landlock {
        0 => {
            "this kernel has no Landlock: use Linux 6.2 or later with `landlock` in lsm=".to_owned()
        }
        version => {
            format!("this kernel's Landlock (version {version}) is too old: use Linux 6.2 or later")
        }
    })
}
