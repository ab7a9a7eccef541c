//! The cache's folder, and taking installed tools into use.

use std::{
    fs::{self, DirBuilder},
    io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use super::{
    CacheError, Lease, Manifest,
    lease::{self, Hold},
    seal::{self, Seal},
};
use crate::Digest;

/// Longest description that is read.
const MAX_MANIFEST: u64 = 256 << 20;

/// A folder of installed tools.
#[derive(Clone, Debug)]
pub struct Cache {
    root: PathBuf,
}

/// An installed tool in use.
#[derive(Debug)]
pub struct Stored {
    /// Its name in the cache.
    pub digest: Digest,
    /// Its folder.
    pub folder: PathBuf,
    /// What is known of it.
    pub manifest: Manifest,
    /// Keeps it while it is used.
    pub lease: Lease,
}

impl Cache {
    /// Opens a cache, and makes its folders where they are missing.
    ///
    /// # Errors
    /// When they cannot be made.
    pub fn open(root: &Path) -> Result<Self, CacheError> {
        let make = |path: &Path| {
            let made = DirBuilder::new().recursive(true).mode(0o755).create(path);
            made.map_err(CacheError::io("make the folder", path))
        };
        make(root)?;
        let root = fs::canonicalize(root).map_err(CacheError::io("open", root))?;
        for part in ["trees", "seals", "leases", "building", "fetched", "blobs"] {
            make(&root.join(part))?;
        }
        Ok(Self { root })
    }

    /// The folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where all installed tools lie.
    #[must_use]
    pub fn trees(&self) -> PathBuf {
        self.root.join("trees")
    }

    /// Files by their digests, kept for a while between resolving and installing.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn blobs(&self) -> Result<PathBuf, CacheError> {
        let path = self.root.join("blobs");
        fs::create_dir_all(&path).map_err(CacheError::io("make the folder", &path))?;
        Ok(path)
    }

    pub(super) fn part(&self, part: &str, digest: Digest) -> PathBuf {
        self.root.join(part).join(digest.hex())
    }

    /// Takes a tool into use, if it is installed.
    ///
    /// # Errors
    /// [`CacheError::Damaged`] where it is not what it was.
    pub fn take(&self, digest: Digest) -> Result<Option<Stored>, CacheError> {
        let seal_path = self.part("seals", digest);
        if !seal_path.exists() {
            return Ok(None);
        }
        let lease_path = self.part("leases", digest);
        let held = lease::take(&lease_path, Hold::Shared);
        let held = held.map_err(CacheError::io("lock", &lease_path))?;
        let Some(lease) = held else {
            return Ok(None);
        };
        let text = match fs::read_to_string(&seal_path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(CacheError::io("read", &seal_path)(error)),
        };
        let folder = self.part("trees", digest);
        let damaged = |why: String| CacheError::Damaged {
            path: folder.clone(),
            why,
        };
        let sealed: Seal =
            serde_json::from_str(&text).map_err(|error| damaged(error.to_string()))?;
        let mark = seal::mark(&folder).map_err(|error| damaged(error.to_string()))?;
        if mark != sealed.mark {
            return Err(damaged(
                "its files have other names, modes, sizes or times".to_owned(),
            ));
        }
        let manifest = self.manifest(&folder).map_err(damaged)?;
        lease
            .note_use()
            .map_err(CacheError::io("write", &lease_path))?;
        Ok(Some(Stored {
            digest,
            folder,
            manifest,
            lease,
        }))
    }

    fn manifest(&self, folder: &Path) -> Result<Manifest, String> {
        let path = folder.join("tool.json");
        let long = fs::metadata(&path)
            .map_err(|error| error.to_string())?
            .len();
        if long > MAX_MANIFEST {
            return Err("its description is too long".to_owned());
        }
        let text = fs::read_to_string(&path).map_err(|error| error.to_string())?;
        serde_json::from_str(&text).map_err(|error| error.to_string())
    }

    /// The tools that are installed.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn digests(&self) -> Result<Vec<Digest>, CacheError> {
        let path = self.root.join("seals");
        let found = fs::read_dir(&path).map_err(CacheError::io("read", &path))?;
        let names = found.flatten().map(|entry| entry.file_name());
        let mut digests: Vec<Digest> = names
            .filter_map(|name| name.to_str()?.parse().ok())
            .collect();
        digests.sort();
        Ok(digests)
    }

    /// Reads every file of a tool and compares it with what was installed.
    ///
    /// # Errors
    /// The first file that is another one.
    pub fn verify(&self, digest: Digest) -> Result<Option<Stored>, CacheError> {
        let Some(stored) = self.take(digest)? else {
            return Ok(None);
        };
        let root = stored.folder.join("root");
        for (name, expected) in &stored.manifest.contents {
            let path = root.join(name);
            let got = Digest::of_file(&path).map_err(CacheError::io("read", &path))?;
            if got != *expected {
                return Err(CacheError::Damaged {
                    path: stored.folder.clone(),
                    why: format!("{name} is {got}, and was installed as {expected}"),
                });
            }
        }
        Ok(Some(stored))
    }
}
