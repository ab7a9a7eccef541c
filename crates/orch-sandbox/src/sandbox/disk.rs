//! How much a run has written, looked at now and then while a command runs.

use std::{
    collections::BTreeSet,
    fs::{self, Metadata},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use tokio::time::sleep;
use walkdir::WalkDir;

use super::{Confinement, Layer, SandboxError, cell::Held, members};

/// How often at most it is looked how much a run has written.
const LOOK: Duration = Duration::from_secs(1);

/// Looking may take up to this part of the time.
const SHARE: u32 = 20;

/// Comes back when the run has written more than it may.
pub(super) async fn watch(held: &Held) -> SandboxError {
    let Confinement {
        work,
        home,
        tmp,
        limits,
        ..
    } = &held.confinement;
    if !held.confinement.without.has(Layer::Disk) {
        return std::future::pending().await;
    }
    sleep(LOOK / 4).await;
    loop {
        let begun = Instant::now();
        let folders = [work.clone(), home.clone(), tmp.clone()];
        let processes = members::of(held);
        let measure = move || measure(&folders).and(unnamed(&processes, &folders[0]));
        let used = tokio::task::spawn_blocking(measure).await;
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

impl Used {
    fn and(self, other: Self) -> Self {
        Self {
            bytes: self.bytes + other.bytes,
            entries: self.entries + other.entries,
        }
    }
}

/// What processes hold open or mapped on the run's disk, and has no name any more.
fn unnamed(processes: &[i32], on: &Path) -> Used {
    let Ok(disk) = fs::metadata(on).map(|found| found.dev()) else {
        return Used::default();
    };
    let is_unnamed =
        |found: &Metadata| found.is_file() && found.nlink() == 0 && found.dev() == disk;
    let mut seen = BTreeSet::new();
    let mut used = Used::default();
    for process in processes {
        for of in ["fd", "map_files"] {
            let held = fs::read_dir(format!("/proc/{process}/{of}"));
            let held = held.into_iter().flatten().flatten();
            for found in held.filter_map(|entry| fs::metadata(entry.path()).ok()) {
                if is_unnamed(&found) && seen.insert(found.ino()) {
                    used.entries += 1;
                    used.bytes += found.blocks() * 512;
                }
            }
        }
    }
    used
}

/// What lies on disk in these folders; whatever vanishes meanwhile is passed over.
fn measure(folders: &[PathBuf]) -> Used {
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
