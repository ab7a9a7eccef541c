//! What a command may use up, by the limits that the system keeps for each process and user.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use super::start::{InitError, while_doing};
use crate::Limits;

/// Puts the limits into force, for good: none can be raised again.
pub(super) fn apply(limits: &Limits) -> Result<(), InitError> {
    let all = [
        (Resource::RLIMIT_CORE, Some(0)),
        (Resource::RLIMIT_MSGQUEUE, Some(0)),
        (Resource::RLIMIT_RTPRIO, Some(0)),
        (Resource::RLIMIT_NICE, Some(0)),
        (Resource::RLIMIT_MEMLOCK, Some(64 << 10)),
        (Resource::RLIMIT_SIGPENDING, Some(4096)),
        (Resource::RLIMIT_NOFILE, Some(limits.open_files)),
        (Resource::RLIMIT_NPROC, Some(limits.processes)),
        (Resource::RLIMIT_FSIZE, Some(limits.file_bytes)),
        (Resource::RLIMIT_DATA, limits.data_bytes),
    ];
    for (resource, limit) in all {
        let Some(limit) = limit else { continue };
        let (_, most) = getrlimit(resource).map_err(while_doing("read a resource limit"))?;
        let limit = limit.min(most);
        setrlimit(resource, limit, limit).map_err(while_doing("set a resource limit"))?;
    }
    Ok(())
}
