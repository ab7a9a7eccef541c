//! Files that come in pieces, until they are whole.
//!
//! A piece goes to the place that it names, so that one which comes twice changes nothing. What was
//! begun and never ended is removed after a day.

use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::content::digest;
use super::folder::blocking;
use super::{BlobError, SPOOL};

/// What was begun so long ago is not ended any more.
const FORGOTTEN: Duration = Duration::from_secs(24 * 60 * 60);

/// The folder of files under way.
#[derive(Clone, Debug)]
pub struct Uploads(PathBuf);

/// How far a file has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// So many bytes are there.
    UpTo(u64),
    /// The piece begins behind what is there: what came before was lost.
    Gap { has: u64 },
}

impl Uploads {
    /// `folder` is that of the artifacts.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self(folder.join(SPOOL))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(format!("{name}.part"))
    }

    /// Takes a piece; one at 0 begins the file anew. `name` is a plain file name.
    ///
    /// # Errors
    /// When the disk fails.
    pub async fn take(
        &self,
        name: &str,
        offset: u64,
        bytes: Vec<u8>,
    ) -> Result<Received, BlobError> {
        let (folder, path) = (self.0.clone(), self.path(name));
        blocking(move || {
            take(&folder, &path, offset, &bytes).map_err(BlobError::io("write", &path))
        })
        .await
    }

    /// The whole file with its digest and size.
    ///
    /// # Errors
    /// When it is not there, or the disk fails.
    pub async fn whole(&self, name: &str) -> Result<(PathBuf, String, u64), BlobError> {
        let path = self.path(name);
        blocking(move || {
            let read = File::open(&path).and_then(|mut file| digest(&mut file));
            let (sha256, size) = read.map_err(BlobError::io("read", &path))?;
            Ok((path, sha256, size))
        })
        .await
    }

    /// Removes a file.
    pub async fn drop(&self, name: &str) {
        let path = self.path(name);
        // Where it cannot be removed now it is once it is forgotten.
        let _ = blocking(move || {
            let _ = std::fs::remove_file(path);
            Ok(())
        })
        .await;
    }

    /// Removes what nobody ends any more; answers how many files.
    ///
    /// # Errors
    /// When the disk fails.
    pub async fn sweep(&self) -> Result<usize, BlobError> {
        let folder = self.0.clone();
        blocking(move || sweep(&folder).map_err(BlobError::io("sweep", &folder))).await
    }
}

fn take(folder: &Path, path: &Path, offset: u64, bytes: &[u8]) -> std::io::Result<Received> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600);
    if offset == 0 {
        std::fs::create_dir_all(folder)?;
        options.create(true).truncate(true);
    }
    let file = match options.open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Received::Gap { has: 0 }),
        file => file?,
    };
    let has = file.metadata()?.len();
    if offset > has {
        return Ok(Received::Gap { has });
    }
    file.write_all_at(bytes, offset)?;
    Ok(Received::UpTo(has.max(offset + bytes.len() as u64)))
}

fn sweep(folder: &Path) -> std::io::Result<usize> {
    let mut removed = 0;
    let files = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(0),
        files => files?,
    };
    for file in files {
        let file = file?;
        let age = file.metadata()?.modified()?.elapsed().unwrap_or_default();
        if age > FORGOTTEN {
            std::fs::remove_file(file.path())?;
            removed += 1;
        }
    }
    Ok(removed)
}
