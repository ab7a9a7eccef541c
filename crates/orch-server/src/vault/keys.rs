//! Where the sealing keys come from: the operator's setting, the operator's file, or one that is made
//! in the data folder. Several keys may be given: the first seals, all open.

use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use fernet::Fernet;

/// The made key's file in the data folder.
const KEY_FILE: &str = "secret.key";
/// Keys that may be given at once; rotation needs two.
const MOST_KEYS: usize = 16;
/// More than that many keys' bytes.
const LARGEST_FILE: u64 = 16 * 1024;

/// Where the keys came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyOrigin {
    /// `ORCH_SECRET_KEY`.
    Setting,
    /// `ORCH_SECRET_KEY_FILE`.
    File(PathBuf),
    /// Made in the data folder.
    Made(PathBuf),
}

/// Why the vault cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    #[error(
        "ORCH_SECRET_KEY is not a Fernet key: expected 32 bytes in URL-safe base64 (44 characters), or several such keys with commas between them; \
         make one with `openssl rand -base64 32 | tr '+/' '-_'`"
    )]
    BadKey,
    #[error(
        "the key in {path} is not a Fernet key; restore it, or remove it to give up the answers and secrets that it sealed"
    )]
    BadKeyFile { path: PathBuf },
    #[error(
        "{path} (ORCH_SECRET_KEY_FILE) holds no Fernet key: expected one or several, each 32 bytes in URL-safe base64 (44 characters), on lines of their own; \
         make one with `openssl rand -base64 32 | tr '+/' '-_'`"
    )]
    BadOwnFile { path: PathBuf },
    #[error(
        "{path} (ORCH_SECRET_KEY_FILE) may be read or written by others (mode {mode:04o}); run `chmod 600 {path}`"
    )]
    Open { path: PathBuf, mode: u32 },
    #[error(
        "failed to read {path} (ORCH_SECRET_KEY_FILE); expected a file with a Fernet key that this user may read, or the variable left out"
    )]
    Unreadable {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("failed to read or write {path}")]
    Io {
        path: PathBuf,
        source: std::io::Error,
    },
}

/// Keys and where they came from; at least one.
pub(super) struct Found {
    pub texts: Vec<String>,
    pub origin: KeyOrigin,
}

/// The operator's keys, or the made one, which is made if needed.
pub(super) fn find(
    data_dir: &Path,
    setting: Option<&str>,
    file: Option<&Path>,
) -> Result<Found, VaultError> {
    if let Some(setting) = setting {
        let texts = split(setting).ok_or(VaultError::BadKey)?;
        let origin = KeyOrigin::Setting;
        return Ok(Found { texts, origin });
    }
    if let Some(path) = file {
        let texts = split(&own_file(path)?).ok_or_else(|| VaultError::BadOwnFile {
            path: path.to_owned(),
        })?;
        let origin = KeyOrigin::File(path.to_owned());
        return Ok(Found { texts, origin });
    }
    let path = data_dir.join(KEY_FILE);
    let texts =
        split(&made_key(&path)?).ok_or_else(|| VaultError::BadKeyFile { path: path.clone() })?;
    Ok(Found {
        texts,
        origin: KeyOrigin::Made(path),
    })
}

/// The keys of a text, if each is one.
fn split(text: &str) -> Option<Vec<String>> {
    let words = text.split(|c: char| c == ',' || c.is_whitespace());
    let keys: Vec<String> = words
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect();
    let fits = (1..=MOST_KEYS).contains(&keys.len());
    (fits && keys.iter().all(|key| Fernet::new(key).is_some())).then_some(keys)
}

fn own_file(path: &Path) -> Result<String, VaultError> {
    let failed = |source| VaultError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let metadata = std::fs::metadata(path).map_err(failed)?;
    let mode = metadata.mode() & 0o7777;
    // A group may read it: that is how orchestrators of containers hand files out.
    if mode & 0o027 != 0 {
        return Err(VaultError::Open {
            path: path.to_owned(),
            mode,
        });
    }
    if metadata.len() > LARGEST_FILE || !metadata.is_file() {
        return Err(VaultError::BadOwnFile {
            path: path.to_owned(),
        });
    }
    std::fs::read_to_string(path).map_err(failed)
}

fn made_key(path: &Path) -> Result<String, VaultError> {
    match std::fs::read_to_string(path) {
        Ok(key) => return Ok(key),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(source) => {
            return Err(VaultError::Io {
                path: path.to_owned(),
                source,
            });
        }
    }
    let failed = |source| VaultError::Io {
        path: path.to_owned(),
        source,
    };
    let key = Fernet::generate_key();
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(failed)?;
    file.write_all(key.as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(failed)?;
    tracing::info!(
        key.file = %path.display(),
        "made a key to seal answers and secrets with (mode 0600); keep a copy of it, or set ORCH_SECRET_KEY"
    );
    Ok(key)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn several_keys_are_taken_and_anything_else_is_refused_whole() {
        let (one, two) = (Fernet::generate_key(), Fernet::generate_key());
        for text in [
            format!("{one},{two}"),
            format!(" {one}\n{two}\n"),
            format!("{one} , {two}"),
        ] {
            assert_eq!(split(&text), Some(vec![one.clone(), two.clone()]));
        }
        for text in [
            "",
            " , ",
            "hunter2",
            &format!("{one},hunter2"),
            &vec![one; 17].join(","),
        ] {
            assert_eq!(split(text), None, "{text}");
        }
    }

    #[test]
    fn a_key_file_that_others_may_read_is_refused_and_says_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let key = Fernet::generate_key();
        std::fs::write(&path, &key).unwrap();
        let at = |mode: u32| {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            find(folder.path(), None, Some(&path))
        };
        for mode in [0o600, 0o400, 0o440] {
            let found = at(mode).unwrap();
            assert_eq!(found.texts, std::slice::from_ref(&key));
            assert_eq!(found.origin, KeyOrigin::File(path.clone()));
        }
        for mode in [0o644, 0o660, 0o604, 0o602] {
            let refusal = at(mode).err().unwrap().to_string();
            assert!(
                refusal.contains("chmod 600") && !refusal.contains(&key),
                "{refusal}"
            );
        }
    }
}
