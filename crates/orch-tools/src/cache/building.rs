//! One tool being made, by one process alone.
//!
//! It is made where it will stand, so that what names its own path goes on working. Without its seal it
//! is nothing: whoever comes next clears it away.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{
    Cache, CacheError, Lease, Manifest,
    lease::{self, Hold},
    seal::{self, Seal},
};
use crate::{Digest, Locked, Platform};

/// A tool that is not whole yet; removed when this is dropped before it was sealed.
#[derive(Debug)]
pub struct Building {
    cache: Cache,
    digest: Digest,
    folder: PathBuf,
    _lock: Lease,
    sealed: bool,
}

impl Cache {
    /// Begins making a tool; waits while another process makes the same one.
    ///
    /// # Errors
    /// When the folders cannot be made.
    pub fn build(&self, digest: Digest) -> Result<Building, CacheError> {
        let lock_path = self.part("building", digest);
        let lock = lease::take(&lock_path, Hold::Alone);
        let lock = lock.map_err(CacheError::io("lock", &lock_path))?;
        let lock = lock.ok_or_else(|| {
            CacheError::io("lock", &lock_path)(io::Error::from(io::ErrorKind::WouldBlock))
        })?;
        Ok(Building {
            cache: self.clone(),
            digest,
            folder: self.part("trees", digest),
            _lock: lock,
            sealed: true,
        })
    }
}

impl Building {
    /// The tool, where another process made it meanwhile.
    ///
    /// # Errors
    /// As for [`Cache::take`].
    pub fn made(&self) -> Result<Option<super::Stored>, CacheError> {
        self.cache.take(self.digest)
    }

    /// Clears away what is there, and makes the empty folder of the tool's files.
    ///
    /// # Errors
    /// When that cannot be done, or a damaged tool is in use.
    pub fn begin(&mut self) -> Result<PathBuf, CacheError> {
        let lease_path = self.cache.part("leases", self.digest);
        // Without a seal it is looked at and nothing more, so that the wait is short.
        let hold = match self.cache.part("seals", self.digest).exists() {
            true => Hold::AloneIfFree,
            false => Hold::Alone,
        };
        let alone = lease::take(&lease_path, hold);
        let alone = alone.map_err(CacheError::io("lock", &lease_path))?;
        let _alone = alone.ok_or_else(|| CacheError::Damaged {
            path: self.folder.clone(),
            why: "and it is in use, so that it cannot be made anew before its runs end".to_owned(),
        })?;
        self.sealed = false;
        self.cache.clear(self.digest)?;
        let root = self.folder.join("root");
        let made = fs::create_dir_all(&root);
        made.map_err(CacheError::io("make the folder", &root))?;
        let fetched = self.fetched();
        let made = fs::create_dir_all(&fetched);
        made.map_err(CacheError::io("make the folder", &fetched))?;
        Ok(root)
    }

    /// Where its files are fetched to; gone once it is sealed.
    #[must_use]
    pub fn fetched(&self) -> PathBuf {
        self.cache.part("fetched", self.digest)
    }

    /// The folder that its files and what is known of it lie in.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Makes it read-only and installed. `describe` writes its list of parts, given its files.
    ///
    /// # Errors
    /// When it holds what no tool may, or cannot be written.
    pub fn seal(
        mut self,
        tool: Locked,
        platform: Platform,
        programs: std::collections::BTreeMap<String, String>,
        describe: impl FnOnce(&Manifest) -> String,
    ) -> Result<(), CacheError> {
        let contents = seal::close(&self.folder.join("root"))?;
        let manifest = Manifest {
            tool,
            platform,
            programs,
            files: contents.files,
            bytes: contents.bytes,
            sbom: "sbom.cdx.json".to_owned(),
            contents: contents.digests,
        };
        let write = |name: &str, text: String| {
            let path = self.folder.join(name);
            fs::write(&path, text).map_err(CacheError::io("write", &path))
        };
        write(&manifest.sbom, describe(&manifest))?;
        let json = serde_json::to_string(&manifest).expect("invariant: a manifest is plain data");
        write("tool.json", json)?;
        seal::close_top(&self.folder)?;
        let sealed = Seal {
            mark: seal::mark(&self.folder)?,
            bytes: manifest.bytes,
        };
        let path = self.cache.part("seals", self.digest);
        let draft = path.with_extension("new");
        let json = serde_json::to_string(&sealed).expect("invariant: a seal is plain data");
        fs::write(&draft, json).map_err(CacheError::io("write", &draft))?;
        // A power cut must not leave a seal without its tool.
        nix::unistd::sync();
        fs::rename(&draft, &path).map_err(CacheError::io("write", &path))?;
        self.sealed = true;
        let fetched = self.fetched();
        match fs::remove_dir_all(&fetched) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(CacheError::io("remove", &fetched)(error))
            }
            _ => Ok(()),
        }
    }
}

impl Drop for Building {
    fn drop(&mut self) {
        if !self.sealed
            && let Err(error) = self.cache.clear(self.digest)
        {
            tracing::warn!(%error, "failed to clear away a tool that was not installed");
        }
    }
}

impl Cache {
    /// Removes a tool; whoever calls holds its locks.
    pub(super) fn clear(&self, digest: Digest) -> Result<(), CacheError> {
        let gone = |removed: io::Result<()>, path: &Path| match removed {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(CacheError::io("remove", path)(error))
            }
            _ => Ok(()),
        };
        let sealed = self.part("seals", digest);
        gone(fs::remove_file(&sealed), &sealed)?;
        for part in ["trees", "fetched"] {
            let folder = self.part(part, digest);
            if folder.symlink_metadata().is_ok() {
                seal::open(&folder)?;
                gone(fs::remove_dir_all(&folder), &folder)?;
            }
        }
        Ok(())
    }
}
