//! How much a run has written, looked at now and then while a command runs.

use std::{
    collections::BTreeSet,
    fs::{self, Metadata, Permissions},
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use nix::errno::Errno;
use nix::sys::statvfs::statvfs;
use tokio::time::sleep;
use walkdir::WalkDir;

use super::{Confinement, Layer, SandboxError, cell::Held, members};

/// How often at most it is looked how much a run has written.
const LOOK: Duration = Duration::from_secs(1);

/// Folders within folders that are looked into: no build needs more, and a path has its bounds.
const DEEPEST: usize = 512;

const TOO_LONG: i32 = Errno::ENAMETOOLONG as i32;
const CLOSED: i32 = Errno::EACCES as i32;

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
        let measure = move || {
            let named = measure(&folders)?;
            Ok(named.and(unnamed(&processes, &folders[0])))
        };
        let used = match tokio::task::spawn_blocking(measure).await {
            Ok(Err(path)) => return SandboxError::Uncounted { path },
            Ok(Ok(used)) => used,
            // The runtime goes down.
            Err(_) => Used::default(),
        };
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
///
/// # Errors
/// Where it lies that cannot be counted: too deep, or closed to us once more after it was opened.
fn measure(folders: &[PathBuf]) -> Result<Used, PathBuf> {
    let mut used = Used::default();
    let mut opened = BTreeSet::new();
    let mut left = folders.to_vec();
    while let Some(folder) = left.pop() {
        let above = folder.components().count();
        for entry in WalkDir::new(&folder).follow_links(false) {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    let path = error.path().unwrap_or(&folder).to_owned();
                    match error.io_error().and_then(std::io::Error::raw_os_error) {
                        Some(TOO_LONG) => return Err(path),
                        Some(CLOSED) if opened.insert(path.clone()) => {
                            let rights = Permissions::from_mode(0o700);
                            let _ = fs::set_permissions(&path, rights);
                            left.push(path);
                        }
                        Some(CLOSED) => return Err(path),
                        _ => {}
                    }
                    continue;
                }
            };
            if entry.depth() + above > DEEPEST {
                return Err(entry.into_path());
            }
            used.entries += 1;
            // Blocks, not length: a file with holes takes no room.
            used.bytes += entry
                .metadata()
                .map_or(0, |metadata| metadata.blocks() * 512);
        }
    }
    Ok(used)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_counted_is_named_and_closed_folders_are_counted() {
        let top = tempfile::tempdir().unwrap();
        let closed = top.path().join("closed");
        fs::create_dir(&closed).unwrap();
        fs::write(closed.join("file"), vec![1; 100_000]).unwrap();
        fs::set_permissions(&closed, Permissions::from_mode(0o000)).unwrap();
        let used = measure(&[top.path().to_owned()]).unwrap();
        assert!(used.bytes >= 100_000 && used.entries == 3, "{used:?}");
        let deep = top.path().join("d/".repeat(DEEPEST));
        fs::create_dir_all(deep).unwrap();
        assert!(measure(&[top.path().to_owned()]).is_err());
    }
}
