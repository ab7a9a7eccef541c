//! Removing what nobody needs: by age, then the longest unused until the rest fits.

use std::{
    fs,
    path::Path,
    time::{Duration, SystemTime},
};

use super::{
    Cache, CacheError,
    lease::{self, Hold},
    seal::Seal,
};
use crate::Digest;

/// So long a file that was fetched for resolving may wait for its installation.
const BLOB_AGE: Duration = Duration::from_secs(3600);

/// What a cache holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Tools.
    pub tools: u64,
    /// Bytes of their files.
    pub bytes: u64,
}

/// What was removed and what stayed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    /// The tools that were removed.
    pub removed: Vec<Digest>,
    /// Their bytes.
    pub freed: u64,
    /// Tools that should have gone and are in use.
    pub in_use: u64,
    /// What is left.
    pub left: Usage,
}

struct Found {
    digest: Digest,
    bytes: u64,
    used: SystemTime,
}

impl Cache {
    /// What it holds.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn usage(&self) -> Result<Usage, CacheError> {
        let found = self.found()?;
        Ok(Usage {
            tools: found.len() as u64,
            bytes: found.iter().map(|found| found.bytes).sum(),
        })
    }

    fn found(&self) -> Result<Vec<Found>, CacheError> {
        let mut all = Vec::new();
        for digest in self.digests()? {
            let path = self.part("seals", digest);
            let text = fs::read_to_string(&path).unwrap_or_default();
            let seal: Option<Seal> = serde_json::from_str(&text).ok();
            let modified = |path: &Path| fs::metadata(path).and_then(|found| found.modified());
            let used = modified(&self.part("leases", digest)).or_else(|_| modified(&path));
            all.push(Found {
                digest,
                // What cannot be read goes first.
                bytes: seal.as_ref().map_or(0, |seal| seal.bytes),
                used: used.unwrap_or(SystemTime::UNIX_EPOCH),
            });
        }
        Ok(all)
    }

    /// Removes tools unused for longer than `age`, then those longest unused until at most `bytes`
    /// are left. One in use stays.
    ///
    /// # Errors
    /// When something cannot be removed.
    pub fn collect(
        &self,
        now: SystemTime,
        age: Duration,
        bytes: u64,
    ) -> Result<Collected, CacheError> {
        let mut found = self.found()?;
        found.sort_by_key(|found| found.used);
        let mut total: u64 = found.iter().map(|found| found.bytes).sum();
        let mut collected = Collected::default();
        for one in &found {
            let unused = now.duration_since(one.used).unwrap_or_default();
            if unused <= age && total <= bytes {
                continue;
            }
            if self.remove(one.digest)? {
                total -= one.bytes;
                collected.freed += one.bytes;
                collected.removed.push(one.digest);
            } else {
                collected.in_use += 1;
            }
        }
        self.clear_remains()?;
        self.clear_blobs(now)?;
        collected.left = self.usage()?;
        Ok(collected)
    }

    /// Removes a tool unless it is in use or being made.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn remove(&self, digest: Digest) -> Result<bool, CacheError> {
        let (building, leased) = (self.part("building", digest), self.part("leases", digest));
        let take = |path: &Path| {
            lease::take(path, Hold::AloneIfFree).map_err(CacheError::io("lock", path))
        };
        let Some(_building) = take(&building)? else {
            return Ok(false);
        };
        let Some(_leased) = take(&leased)? else {
            return Ok(false);
        };
        self.clear(digest)?;
        for path in [leased, building] {
            // Whoever waits for one of these sees that it is gone, and makes another.
            let _ = fs::remove_file(path);
        }
        Ok(true)
    }

    /// Files between resolving and installing are of no use later.
    fn clear_blobs(&self, now: SystemTime) -> Result<(), CacheError> {
        let path = self.blobs()?;
        let blobs = fs::read_dir(&path).map_err(CacheError::io("read", &path))?;
        for blob in blobs.flatten() {
            let modified = blob.metadata().and_then(|found| found.modified());
            let age = modified.ok().and_then(|at| now.duration_since(at).ok());
            if age.is_some_and(|age| age > BLOB_AGE) {
                // Another process may have been quicker.
                let _ = fs::remove_file(blob.path());
            }
        }
        Ok(())
    }

    /// Removes what processes that were killed left half made.
    fn clear_remains(&self) -> Result<(), CacheError> {
        let path = self.trees();
        let trees = fs::read_dir(&path).map_err(CacheError::io("read", &path))?;
        for tree in trees.flatten() {
            let digest: Option<Digest> =
                tree.file_name().to_str().and_then(|name| name.parse().ok());
            if let Some(digest) = digest
                && !self.part("seals", digest).exists()
            {
                self.remove(digest)?;
            }
        }
        Ok(())
    }
}
