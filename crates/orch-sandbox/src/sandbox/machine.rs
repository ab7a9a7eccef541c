//! What this machine has to build sandboxes from, looked at once.

use std::{
    fs::{self, DirBuilder},
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::PathBuf,
    sync::Arc,
};

use nix::libc;

use super::{
    Confinement, Layer, SandboxError,
    cgroup::{self, Cgroup},
    error::io_error,
    etc::Etc,
    identity::{Identities, Taken},
};

/// Writing into files that are open only by name is bounded from this version on.
const ENOUGH: i32 = 3;

/// What this machine has.
#[derive(Debug)]
pub(super) struct Machine {
    /// The program that becomes a sandbox's first one.
    pub(super) init: PathBuf,
    pub(super) etc: Etc,
    pub(super) identities: Identities,
    pub(super) cgroups: Option<cgroup::Kind>,
    /// The version of Landlock, 0 for none.
    pub(super) landlock: i32,
}

/// What a new cell has of the machine's.
pub(super) struct Begun {
    /// Nobody where the agent is unprivileged itself.
    pub(super) identity: Option<Taken>,
    /// None where none can be made.
    pub(super) cgroup: Option<Cgroup>,
}

impl Machine {
    /// Looks around; `folder` is for the sandboxes' own files.
    pub(super) fn look(init: PathBuf, folder: PathBuf) -> Arc<Self> {
        // Sandboxes are set up from the top of the machine.
        let absolute = |path: PathBuf| std::path::absolute(&path).unwrap_or(path);
        let (init, folder) = (absolute(init), absolute(folder));
        Arc::new(Self {
            init,
            etc: Etc::new(&folder),
            identities: Identities::default(),
            cgroups: cgroup::Kind::find(),
            landlock: landlock_version(),
        })
    }

    /// Takes a user and makes a control group for a new cell, and gives the run's folders to that
    /// user. That of secrets is made: a sandbox may stand before the first of them is there.
    pub(super) fn begin(&self, confinement: &mut Confinement) -> Result<Begun, SandboxError> {
        let secrets = &confinement.secrets;
        let made = DirBuilder::new()
            .mode(0o700)
            .recursive(true)
            .create(secrets);
        made.map_err(io_error("make", secrets))?;
        let without = &confinement.without;
        let identity = match without.has(Layer::User) {
            true => self.identities.take(),
            false => None,
        };
        if let Some(identity) = &identity {
            identity.own(&confinement.own_folders())?;
        }
        let wanted = without.has(Layer::Group);
        let cgroup = match self.cgroups.as_ref().filter(|_| wanted) {
            Some(kind) => {
                let made = Cgroup::create(kind, &confinement.limits);
                Some(made.map_err(io_error("make a control group in", cgroup::MOUNTS))?)
            }
            None if !wanted => None,
            None => {
                confinement.limits.data_bytes = Some(confinement.limits.memory_bytes);
                None
            }
        };
        Ok(Begun { identity, cgroup })
    }

    /// The first folder above the agent's that an unprivileged user cannot pass.
    pub(super) fn closed_folder(&self) -> Option<PathBuf> {
        let above = self.etc.folder().ancestors().skip(1);
        let closed = above.filter(|folder| {
            let found = fs::metadata(folder);
            found.is_ok_and(|found| found.permissions().mode() & 0o001 == 0)
        });
        closed.last().map(PathBuf::from)
    }

    /// Whether the kernel's Landlock is good for anything.
    pub(super) fn has_landlock(&self) -> bool {
        self.landlock >= ENOUGH
    }
}

fn landlock_version() -> i32 {
    const VERSION: libc::c_uint = 1;
    let none: *const libc::c_void = std::ptr::null();
    #[expect(unsafe_code, reason = "no safe library tells the version")]
    // SAFETY: with this flag the call reads nothing.
    let version = unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, none, 0, VERSION) };
    i32::try_from(version).unwrap_or_default().max(0)
}
