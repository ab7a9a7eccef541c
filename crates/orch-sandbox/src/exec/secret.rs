//! Files with secrets, in the run's own folder and never in its workspace.
//!
//! Readable by the owner alone from the first byte on, and removed when dropped. Never logs a
//! content.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use super::{WorkspaceError, workspace::io_error};

/// A file with a secret; dropping it removes the file.
#[derive(Debug)]
pub struct SecretFile {
    path: PathBuf,
}

impl SecretFile {
    pub(super) fn create(folder: &Path, name: &str, bytes: &[u8]) -> Result<Self, WorkspaceError> {
        let is_plain = name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || ".-_".contains(c));
        if name.is_empty() || name.starts_with('.') || !is_plain {
            return Err(WorkspaceError::SecretName {
                name: name.to_owned(),
            });
        }
        let path = folder.join(name);
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .map_err(io_error("create secret file", &path))?;
        // From here on the drop removes the file, also when writing fails.
        let secret = Self { path };
        file.write_all(bytes)
            .map_err(io_error("write secret file", &secret.path))?;
        Ok(secret)
    }

    /// Where the file lies, for an environment variable such as `KUBECONFIG`.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for SecretFile {
    fn drop(&mut self) {
        match fs::remove_file(&self.path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                tracing::error!(path = %self.path.display(), %error, "failed to remove a secret file");
            }
        }
    }
}
