//! How much a run has written, looked at now and then while a command runs.

use std::{
    collections::BTreeSet,
    fs::{self, Metadata},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use nix::sys::statvfs::statvfs;
use tokio::time::sleep;
use walkdir::WalkDir;

use super::{Confinement, Layer, SandboxError, cell::Held, members};

/// How often at most it is looked how much a run has written.
const LOOK: Duration = Duration::from_secs(1);

/// Looking may take up to this part of the time.
const SHARE: u32 = 20;

/// No disk is filled faster: how soon it could be full says when to look again.
const FASTEST_BYTES_PER_S: u64 = 4 << 30;
const SOONEST: Duration = Duration::from_millis(5);

/// Comes back when the run has written more than it may, or its disk is as good as full.
pub(super) async fn watch(held: &Held) -> SandboxError {
    if !held.confinement.without.has(Layer::Disk) {
        return std::future::pending().await;
    }
    tokio::select! {
        full = scarce(held) => full,
        used = used_up(held) => used,
    }
}

/// Bytes that are free for an unprivileged user on the disk of a folder; all where that cannot be told.
#[must_use]
pub fn free_bytes(folder: &Path) -> u64 {
    statvfs(folder).map_or(u64::MAX, |found| {
        found
            .blocks_available()
            .saturating_mul(found.fragment_size())
    })
}

/// Comes back when less is free than must stay. A look is one call to the system.
async fn scarce(held: &Held) -> SandboxError {
    let reserve_bytes = held.confinement.limits.disk_free_bytes;
    loop {
        let free_bytes = free_bytes(&held.confinement.work);
        if free_bytes < reserve_bytes {
            return SandboxError::DiskFull {
                free_bytes,
                reserve_bytes,
            };
        }
        let left_ms = (free_bytes - reserve_bytes) / (FASTEST_BYTES_PER_S / 1000);
        sleep(Duration::from_millis(left_ms).clamp(SOONEST, LOOK)).await;
    }
}

async fn used_up(held: &Held) -> SandboxError {
    let Confinement {
        work,
        home,
        tmp,
        limits,
        ..
    } = &held.confinement;
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
