//! The disk under the data: whether enough is free for new work. What runs may use what is kept
//! back from new work.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use nix::sys::statvfs::statvfs;
use orch_store::Database;

/// A look is good for so long.
const FRESH: Duration = Duration::from_millis(250);

/// The folders that are written to, and what must stay free under each.
pub struct Disk {
    folders: Vec<PathBuf>,
    min_free_bytes: u64,
    last: Mutex<Option<(Instant, Space)>>,
    is_scarce: AtomicBool,
}

/// How much room there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Space {
    Enough,
    Scarce {
        folder: PathBuf,
        free_bytes: u64,
        min_free_bytes: u64,
    },
}

impl Disk {
    /// 0 keeps nothing back.
    pub fn new(data_dir: &Path, database: &Database, min_free_bytes: u64) -> Self {
        let mut folders = vec![data_dir.to_owned()];
        if let Database::Sqlite { file, logs } = database {
            folders.extend(file.parent().map(Path::to_owned));
            folders.push(logs.clone());
        }
        folders.dedup();
        Self {
            folders,
            min_free_bytes,
            last: Mutex::default(),
            is_scarce: AtomicBool::default(),
        }
    }

    /// Looks, unless somebody did a moment ago.
    pub fn space(&self) -> Space {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, space)) = &*last
            && at.elapsed() < FRESH
        {
            return space.clone();
        }
        let space = self.look();
        let is_scarce = space != Space::Enough;
        self.is_scarce.store(is_scarce, Ordering::Relaxed);
        *last = Some((Instant::now(), space.clone()));
        space
    }

    /// As it was at the last look.
    pub fn is_scarce(&self) -> bool {
        self.is_scarce.load(Ordering::Relaxed)
    }

    fn look(&self) -> Space {
        for folder in &self.folders {
            // A folder that cannot be asked is no reason to refuse work.
            let Ok(disk) = statvfs(folder.as_path()) else {
                continue;
            };
            let free_bytes = disk.blocks_available().saturating_mul(disk.fragment_size());
            if free_bytes < self.min_free_bytes {
                return Space::Scarce {
                    folder: folder.clone(),
                    free_bytes,
                    min_free_bytes: self.min_free_bytes,
                };
            }
        }
        Space::Enough
    }
}

impl Space {
    /// In words, where it is scarce.
    pub fn shortage(&self) -> Option<String> {
        let Self::Scarce {
            folder,
            free_bytes,
            min_free_bytes,
        } = self
        else {
            return None;
        };
        Some(format!(
            "the disk of {} has {} MiB free, and new work needs {} MiB (ORCH_MIN_FREE_BYTES)",
            folder.display(),
            free_bytes >> 20,
            min_free_bytes >> 20
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disk(folder: &Path, min_free_bytes: u64) -> Disk {
        let url = "postgres://localhost/orch".to_owned();
        Disk::new(folder, &Database::Postgres { url }, min_free_bytes)
    }

    #[test]
    fn less_than_the_minimum_is_named_with_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        let disk = disk(folder.path(), u64::MAX);
        let shortage = disk.space().shortage().expect("it is scarce");
        assert!(disk.is_scarce());
        let shown = folder.path().display().to_string();
        assert!(shortage.contains(&shown), "{shortage}");
    }

    #[test]
    fn nothing_is_kept_back_where_the_minimum_is_0() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(disk(folder.path(), 0).space(), Space::Enough);
    }
}
