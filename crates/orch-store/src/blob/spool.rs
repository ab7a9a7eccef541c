//! Files without a name, for bytes that are checked before anybody gets any of them.

use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::BlobError;
use super::content::{Content, digest};
use super::folder::blocking;

/// The folder of files under way.
#[derive(Clone, Debug)]
pub(super) struct Spool(PathBuf);

impl Spool {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self(folder)
    }

    pub(super) fn folder(&self) -> &Path {
        &self.0
    }

    /// A file that goes with its last reader.
    pub(super) fn unnamed(&self) -> Result<File, BlobError> {
        let attempt = || BlobError::io("make a file in", &self.0);
        std::fs::create_dir_all(&self.0).map_err(attempt())?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).mode(0o600);
        for number in 0..100_u32 {
            let name = format!(".read-{}-{number}", std::process::id());
            let path = self.0.join(name);
            match options.create_new(true).open(&path) {
                Ok(file) => {
                    std::fs::remove_file(&path).map_err(attempt())?;
                    return Ok(file);
                }
                // Somebody else's, for a moment.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(attempt()(error)),
            }
        }
        Err(attempt()(ErrorKind::AlreadyExists.into()))
    }

    /// A file that was filled, if it hashes to its name.
    pub(super) async fn checked(&self, mut file: File, sha256: &str) -> Result<Content, BlobError> {
        let (folder, sha256) = (self.0.clone(), sha256.to_owned());
        blocking(move || {
            let (found, size_bytes) =
                digest(&mut file).map_err(BlobError::io("read in", &folder))?;
            match found == sha256 {
                true => Ok(Content { file, size_bytes }),
                false => Err(BlobError::Damaged { sha256, found }),
            }
        })
        .await
    }
}
