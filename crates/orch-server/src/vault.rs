//! Sealing answers: Fernet (AES-128-CBC with HMAC-SHA256), under the operator's key or one that is
//! made in the data folder. Never logs a key or an answer.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use fernet::Fernet;
use subtle::ConstantTimeEq as _;

/// The made key's file in the data folder.
const KEY_FILE: &str = "secret.key";

/// Seals and opens answers, and knows who may read them.
pub struct Vault {
    fernet: Fernet,
    agent_secret: String,
}

/// Why the vault cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    #[error(
        "ORCH_SECRET_KEY is not a Fernet key: expected 32 bytes in URL-safe base64 (44 characters); \
         make one with `openssl rand -base64 32 | tr '+/' '-_'`"
    )]
    BadKey,
    #[error(
        "the key in {path} is not a Fernet key; restore it, or remove it to give up the answers that it sealed"
    )]
    BadKeyFile { path: PathBuf },
    #[error("failed to read or write {path}")]
    Io {
        path: PathBuf,
        source: std::io::Error,
    },
}

/// A sealed text that this key does not open.
#[derive(Debug, thiserror::Error)]
#[error("the answers were sealed with another key than the present one")]
pub struct CannotOpen;

impl Vault {
    /// Opens the vault with the operator's key, or with the made one, which it makes if needed.
    ///
    /// # Errors
    /// A key that is none, or a file that cannot be read or written.
    pub fn open(
        data_dir: &Path,
        key: Option<&str>,
        agent_secret: Option<&str>,
    ) -> Result<Self, VaultError> {
        let (key, fernet) = match key.map(str::trim) {
            Some(key) => (key.to_owned(), Fernet::new(key).ok_or(VaultError::BadKey)?),
            None => {
                let key = made_key(data_dir)?;
                let path = data_dir.join(KEY_FILE);
                let fernet = Fernet::new(&key).ok_or(VaultError::BadKeyFile { path })?;
                (key, fernet)
            }
        };
        let agent_secret = agent_secret.map_or(key, str::to_owned);
        Ok(Self {
            fernet,
            agent_secret,
        })
    }

    /// What agents present to read answers in clear.
    pub fn agent_secret(&self) -> &str {
        &self.agent_secret
    }

    /// Whether `presented` is the agents' secret, in constant time.
    pub fn admits(&self, presented: &str) -> bool {
        self.agent_secret
            .as_bytes()
            .ct_eq(presented.as_bytes())
            .into()
    }

    pub fn seal(&self, values: &BTreeMap<String, String>) -> String {
        let plain = serde_json::to_vec(values).expect("invariant: a map of strings serialises");
        self.fernet.encrypt(&plain)
    }

    /// # Errors
    /// When another key sealed it.
    pub fn unseal(&self, sealed: &str) -> Result<BTreeMap<String, String>, CannotOpen> {
        let plain = self.fernet.decrypt(sealed).map_err(|_| CannotOpen)?;
        serde_json::from_slice(&plain).map_err(|_| CannotOpen)
    }
}

fn made_key(data_dir: &Path) -> Result<String, VaultError> {
    let path = data_dir.join(KEY_FILE);
    match std::fs::read_to_string(&path) {
        Ok(key) => return Ok(key.trim().to_owned()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(source) => return Err(VaultError::Io { path, source }),
    }
    let key = Fernet::generate_key();
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)
        .map_err(|source| VaultError::Io {
            path: path.clone(),
            source,
        })?;
    file.write_all(key.as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(|source| VaultError::Io {
            path: path.clone(),
            source,
        })?;
    tracing::info!(
        key.file = %path.display(),
        "made a key to seal answers with (mode 0600); keep a copy of it, or set ORCH_SECRET_KEY"
    );
    Ok(key)
}
