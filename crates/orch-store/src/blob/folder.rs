//! Bytes as files named by their digest, in 256 folders.
//!
//! A file is renamed to its name once all of it is on disk, so that what has the name is whole.

use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::content::{Content, digest};
use super::{BlobError, SPOOL, is_digest};
use crate::StoreError;

/// The folder of artifact bytes.
#[derive(Clone, Debug)]
pub struct Folder(PathBuf);

impl Folder {
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self(folder.to_owned())
    }

    fn path(&self, sha256: &str) -> Result<PathBuf, BlobError> {
        match is_digest(sha256) {
            true => Ok(self.0.join(&sha256[..2]).join(sha256)),
            false => Err(BlobError::Name(sha256.to_owned())),
        }
    }

    pub(super) async fn keep(&self, sha256: &str, file: PathBuf) -> Result<(), BlobError> {
        let path = self.path(sha256)?;
        blocking(move || {
            let attempt = BlobError::io("keep", &path);
            keep(&file, &path).map_err(attempt)
        })
        .await
    }

    pub(super) async fn open(&self, sha256: &str) -> Result<Content, BlobError> {
        let path = self.path(sha256)?;
        let sha256 = sha256.to_owned();
        blocking(move || open(&path, sha256)).await
    }

    pub(super) fn has(&self, sha256: &str) -> Result<bool, BlobError> {
        Ok(self.path(sha256)?.exists())
    }

    pub(super) async fn list(&self) -> Result<Vec<String>, BlobError> {
        let folder = self.0.clone();
        blocking(move || list(&folder).map_err(BlobError::io("read", &folder))).await
    }

    pub(super) async fn remove(&self, sha256: &str) -> Result<(), BlobError> {
        let path = self.path(sha256)?;
        blocking(move || match std::fs::remove_file(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            removed => removed.map_err(BlobError::io("remove", &path)),
        })
        .await
    }
}

pub(super) async fn blocking<T: Send + 'static>(
    act: impl FnOnce() -> Result<T, BlobError> + Send + 'static,
) -> Result<T, BlobError> {
    let acted = tokio::task::spawn_blocking(act).await;
    acted.map_err(|_| StoreError::Closed)?
}

fn keep(file: &Path, path: &Path) -> std::io::Result<()> {
    if path.exists() {
        // The same bytes; a damaged copy is put right by the whole one.
        let mut there = File::open(path)?;
        let (found, _) = digest(&mut there)?;
        if path.file_name().is_some_and(|name| *name == *found) {
            let _ = std::fs::remove_file(file);
            return Ok(());
        }
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    File::open(file)?.sync_all()?;
    orch_failpoint::check("store.artifact.written")?;
    std::fs::rename(file, path)?;
    orch_failpoint::check("store.artifact.renamed")?;
    File::open(folder)?.sync_all()
}

fn open(path: &Path, sha256: String) -> Result<Content, BlobError> {
    let mut file = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(BlobError::Missing { sha256 });
        }
        opened => opened.map_err(BlobError::io("open", path))?,
    };
    let (found, size_bytes) = digest(&mut file).map_err(BlobError::io("read", path))?;
    if found != sha256 {
        return Err(BlobError::Damaged { sha256, found });
    }
    Ok(Content { file, size_bytes })
}

fn list(folder: &Path) -> std::io::Result<Vec<String>> {
    let mut listed = Vec::new();
    let shards = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(listed),
        shards => shards?,
    };
    for shard in shards {
        let shard = shard?;
        if shard.file_name() == SPOOL || !shard.file_type()?.is_dir() {
            continue;
        }
        for file in std::fs::read_dir(shard.path())? {
            let file = file?;
            let Some(sha256) = file.file_name().to_str().map(str::to_owned) else {
                continue;
            };
            if is_digest(&sha256) {
                listed.push(sha256);
            }
        }
    }
    Ok(listed)
}
