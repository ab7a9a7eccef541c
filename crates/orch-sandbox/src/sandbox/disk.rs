//! How much a run has written, looked at now and then while a command runs.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use tokio::time::sleep;
use walkdir::WalkDir;

use super::{Confinement, SandboxError};

/// How often at most it is looked how much a run has written.
const LOOK: Duration = Duration::from_secs(1);

/// Looking may take up to this part of the time.
const SHARE: u32 = 20;

/// Comes back when the run has written more than it may.
pub(super) async fn watch(confinement: &Confinement) -> SandboxError {
    let Confinement {
        work,
        home,
        tmp,
        limits,
        ..
    } = confinement;
    sleep(LOOK / 4).await;
    loop {
        let begun = Instant::now();
        let folders = [work.clone(), home.clone(), tmp.clone()];
        let used = tokio::task::spawn_blocking(move || measure(&folders)).await;
        let used = used.unwrap_or_default();
        if used.bytes > limits.disk_bytes || used.entries > limits.disk_entries {
            return SandboxError::Disk {
                used_bytes: used.bytes,
                entries: used.entries,
                limit_bytes: limits.disk_bytes,
                limit_entries: limits.disk_entries,
            };
        }
        sleep(LOOK.max(begun.elapsed() * SHARE)).await;
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Used {
    bytes: u64,
    entries: u64,
}

/// What lies on disk in these folders; whatever vanishes meanwhile is passed over.
fn measure(folders: &[PathBuf]) -> Used {
    use std::os::unix::fs::MetadataExt;
    let mut used = Used::default();
    for folder in folders {
        for entry in WalkDir::new(folder)
            .follow_links(false)
            .into_iter()
            .flatten()
        {
            used.entries += 1;
            // Blocks, not length: a file with holes takes no room.
            used.bytes += entry
                .metadata()
                .map_or(0, |metadata| metadata.blocks() * 512);
        }
    }
    used
}
