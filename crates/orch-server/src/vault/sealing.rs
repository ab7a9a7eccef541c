//! Sealing answers and secrets: Fernet (AES-128-CBC with HMAC-SHA256), and who may read them.

use std::collections::BTreeMap;
use std::path::Path;

use fernet::{Fernet, MultiFernet};
use orch_store::secret::Kept;
use subtle::ConstantTimeEq as _;

use super::envelope::{self, Place};
use super::keys::{self, KeyOrigin, VaultError};
use super::kv::{Kv, KvError};
use super::run_token::RunTokenKeys;

/// What the vault is opened with.
#[derive(Clone, Copy, Debug, Default)]
pub struct Keys<'a> {
    /// `ORCH_SECRET_KEY`.
    pub setting: Option<&'a str>,
    /// `ORCH_SECRET_KEY_FILE`.
    pub file: Option<&'a Path>,
    /// `AGENT_SECRET_KEY`.
    pub agent_secret: Option<&'a str>,
}

/// Seals and opens answers and secrets, and knows who may read them.
pub struct Vault {
    fernet: MultiFernet,
    texts: Vec<String>,
    origin: KeyOrigin,
    /// Any of them admits; one where agents have a secret of their own.
    agent_secrets: Vec<String>,
    kv: Option<Kv>,
    tokens: Option<RunTokenKeys>,
}

/// What was sealed with none of the keys, or stands in a place that it was not sealed for.
#[derive(Debug, thiserror::Error)]
#[error("it was sealed with another key than those at hand")]
pub struct CannotOpen;

impl Vault {
    /// Opens the vault with the operator's keys, or with the made one, which it makes if needed.
    ///
    /// # Errors
    /// A key that is none, or a file that cannot be read or written, or may be read by others.
    pub fn open(data_dir: &Path, keys: Keys<'_>) -> Result<Self, VaultError> {
        let found = keys::find(data_dir, keys.setting, keys.file)?;
        let fernets = found.texts.iter().filter_map(|key| Fernet::new(key));
        let fernet = MultiFernet::new(fernets.collect());
        let agent_secrets = match keys.agent_secret {
            Some(secret) => vec![secret.to_owned()],
            None => found.texts.clone(),
        };
        Ok(Self {
            fernet,
            texts: found.texts,
            origin: found.origin,
            agent_secrets,
            kv: None,
            tokens: None,
        })
    }

    /// Keeps secrets' values in a server of their own.
    #[must_use]
    pub fn keeping_in(mut self, kv: Option<Kv>) -> Self {
        self.kv = kv;
        self
    }

    /// Signs runs' tokens with the installation's key and, where they are the operator's, the sealing
    /// keys: then the database alone makes no token.
    #[must_use]
    pub fn signing_with(mut self, installation: &[u8]) -> Self {
        let operators: &[String] = match self.origin {
            KeyOrigin::Setting | KeyOrigin::File(_) => &self.texts,
            // Other servers on the same database have made others.
            KeyOrigin::Made(_) => &[],
        };
        self.tokens = Some(RunTokenKeys::new(installation, operators));
        self
    }

    pub fn origin(&self) -> &KeyOrigin {
        &self.origin
    }

    pub fn kv(&self) -> Option<&Kv> {
        self.kv.as_ref()
    }

    pub fn tokens(&self) -> Option<&RunTokenKeys> {
        self.tokens.as_ref()
    }

    /// What agents present to read answers in clear.
    pub fn agent_secret(&self) -> &str {
        self.agent_secrets.first().map_or("", String::as_str)
    }

    /// Whether `presented` is the agents' secret, each in constant time.
    pub fn admits(&self, presented: &str) -> bool {
        let admits = |secret: &String| secret.as_bytes().ct_eq(presented.as_bytes());
        let mut admitted = subtle::Choice::from(0);
        for secret in &self.agent_secrets {
            admitted |= admits(secret);
        }
        admitted.into()
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

    /// Seals anew with the first key what any of them opens.
    ///
    /// # Errors
    /// When none opens it.
    pub fn reseal_answers(&self, sealed: &str) -> Result<String, CannotOpen> {
        let plain = self.fernet.decrypt(sealed).map_err(|_| CannotOpen)?;
        Ok(self.fernet.encrypt(&plain))
    }

    /// A value for its place alone: in another row it does not open.
    pub(crate) fn seal_value(&self, place: &Place<'_>, value: &[u8]) -> String {
        self.fernet.encrypt(&envelope::wrap(place, value))
    }

    /// # Errors
    /// When another key sealed it, or for another place.
    pub(crate) fn open_value(
        &self,
        place: &Place<'_>,
        sealed: &str,
    ) -> Result<Vec<u8>, CannotOpen> {
        let plain = self.fernet.decrypt(sealed).map_err(|_| CannotOpen)?;
        envelope::unwrap(place, &plain).ok_or(CannotOpen)
    }

    /// The value of a stored secret, wherever it is kept.
    ///
    /// # Errors
    /// When it does not open, or its vault does not give it.
    pub(crate) async fn read_value(
        &self,
        place: &Place<'_>,
        kept: &Kept,
    ) -> Result<Vec<u8>, ValueError> {
        match (kept, &self.kv) {
            (Kept::Sealed(sealed), _) => Ok(self.open_value(place, sealed)?),
            (Kept::Vault(version), Some(kv)) => Ok(kv.read(place, *version).await?),
            (Kept::Vault(_), None) => Err(ValueError::NoVault),
        }
    }
}

/// Why a value cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ValueError {
    #[error(transparent)]
    Sealed(#[from] CannotOpen),
    #[error(transparent)]
    Kv(#[from] KvError),
    #[error("its value is in a vault, and this server has none: set ORCH_VAULT_ADDR")]
    NoVault,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vault(keys: &[&str]) -> Vault {
        let setting = keys.join(",");
        let keys = Keys {
            setting: Some(&setting),
            ..Keys::default()
        };
        Vault::open(Path::new("/nowhere"), keys).unwrap()
    }

    #[test]
    fn a_value_opens_in_its_own_place_alone_and_with_any_of_the_keys() {
        let (old, new) = (Fernet::generate_key(), Fernet::generate_key());
        let place = Place {
            project: 1,
            environment: Some("prod"),
            name: "A",
            version: 2,
        };
        let value = [0, 255, b'x'];
        let sealed = vault(&[&old]).seal_value(&place, &value);
        let both = vault(&[&new, &old]);
        assert_eq!(both.open_value(&place, &sealed).unwrap(), value);
        assert!(vault(&[&new]).open_value(&place, &sealed).is_err());
        let elsewhere = [
            Place {
                project: 2,
                ..place
            },
            Place {
                environment: None,
                ..place
            },
            Place {
                environment: Some("pro"),
                ..place
            },
            Place { name: "B", ..place },
            Place {
                version: 3,
                ..place
            },
        ];
        for other in elsewhere {
            assert!(both.open_value(&other, &sealed).is_err(), "{other:?}");
        }
        assert!(both.admits(&old) && both.admits(&new) && !both.admits("") && !both.admits("x"));
    }
}
