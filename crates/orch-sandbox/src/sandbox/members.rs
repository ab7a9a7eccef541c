//! The processes of a run as they are found from outside: by its control group, else by its user.
//!
//! Who sheds session, parents and marker is found all the same. An unprivileged agent on a machine
//! where no control group can be made finds nobody.

use std::{fs, os::unix::fs::MetadataExt, time::Duration};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::time::sleep;

use super::{Layer, cell::Held};

/// How long a process may take to be gone.
const LOOKS: u32 = 400;
const PAUSE: Duration = Duration::from_millis(5);

/// All that there are.
pub(super) fn of(held: &Held) -> Vec<i32> {
    match (&held.cgroup, held.own_user()) {
        (Some(cgroup), _) => cgroup.members(),
        (None, Some(user)) => of_user(user),
        (None, None) => Vec::new(),
    }
}

fn of_user(user: u32) -> Vec<i32> {
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    all.filter(|entry| entry.metadata().is_ok_and(|found| found.uid() == user))
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect()
}

/// Ends all that a command has left; nobody else of the run is running.
pub(super) async fn end_all(held: &Held) {
    if !held.confinement.without.has(Layer::Orphans) {
        return;
    }
    for _ in 0..LOOKS {
        let left = of(held);
        if left.is_empty() {
            return;
        }
        for pid in left {
            // It may have ended meanwhile.
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
        sleep(PAUSE).await;
    }
    tracing::warn!("something that a step has left running does not end");
}
