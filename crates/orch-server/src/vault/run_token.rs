//! Tokens of runs: `orchrun_<run>_<epoch>_<HMAC-SHA256>`.
//!
//! Nothing of a token is stored: it is valid while its run is open under its epoch, which whoever
//! checks one reads from the database. All servers of an installation agree on the keys.

use hmac::{Hmac, Mac as _};
use orch_core::ids::RunId;
use sha2::Sha256;

type HmacSha256 = Hmac<Sha256>;

const PREFIX: &str = "orchrun_";
const DOMAIN: &[u8] = b"orch/run-token/v1";

/// Signs with the first, accepts any.
pub struct RunTokenKeys(Vec<[u8; 32]>);

/// Whether a bearer claims to be a run.
#[must_use]
pub fn is_run_token(bearer: &[u8]) -> bool {
    bearer.starts_with(PREFIX.as_bytes())
}

impl RunTokenKeys {
    /// One key for each of the operator's; one of the installation's alone where there is none.
    #[must_use]
    pub fn new(installation: &[u8], operators: &[String]) -> Self {
        let derive = |operator: &[u8]| {
            let mut mac = keyed(installation);
            mac.update(DOMAIN);
            mac.update(&(operator.len() as u64).to_be_bytes());
            mac.update(operator);
            mac.finalize().into_bytes().into()
        };
        Self(match operators {
            [] => vec![derive(b"")],
            keys => keys.iter().map(|key| derive(key.as_bytes())).collect(),
        })
    }

    /// The token of a run under an epoch.
    #[must_use]
    pub fn mint(&self, run: RunId, epoch: u64) -> String {
        let key = self.0.first().expect("invariant: there is a key");
        let mac = signature(key, run, epoch).finalize().into_bytes();
        format!("{PREFIX}{run}_{epoch}_{}", hex::encode(mac))
    }

    /// The run and the epoch that a token was made for, where it was made here.
    #[must_use]
    pub fn verify(&self, token: &[u8]) -> Option<(RunId, u64)> {
        let token = std::str::from_utf8(token).ok()?;
        let mut parts = token.strip_prefix(PREFIX)?.split('_');
        let run = RunId(parts.next()?.parse().ok()?);
        let epoch = parts.next()?.parse().ok()?;
        let mac = hex::decode(parts.next()?).ok()?;
        if parts.next().is_some() {
            return None;
        }
        let is_ours = |key| signature(key, run, epoch).verify_slice(&mac).is_ok();
        let genuine = self.0.iter().any(is_ours);
        // What is written in another way, such as `+7`, was not made here.
        (genuine && token.starts_with(&format!("{PREFIX}{run}_{epoch}_"))).then_some((run, epoch))
    }
}

fn keyed(key: &[u8]) -> HmacSha256 {
    HmacSha256::new_from_slice(key).expect("invariant: HMAC takes keys of any length")
}

fn signature(key: &[u8; 32], run: RunId, epoch: u64) -> HmacSha256 {
    let mut mac = keyed(key);
    mac.update(DOMAIN);
    mac.update(&run.get().to_be_bytes());
    mac.update(&epoch.to_be_bytes());
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_of_its_run_its_epoch_and_its_keys_alone() {
        let keys = RunTokenKeys::new(&[1; 32], &["a".to_owned(), "b".to_owned()]);
        let token = keys.mint(RunId(7), 3);
        assert_eq!(keys.verify(token.as_bytes()), Some((RunId(7), 3)));
        let after_rotation = RunTokenKeys::new(&[1; 32], &["c".to_owned(), "a".to_owned()]);
        assert_eq!(after_rotation.verify(token.as_bytes()), Some((RunId(7), 3)));
        for others in [
            RunTokenKeys::new(&[2; 32], &["a".to_owned()]),
            RunTokenKeys::new(&[1; 32], &["b".to_owned()]),
            RunTokenKeys::new(&[1; 32], &[]),
        ] {
            assert_eq!(others.verify(token.as_bytes()), None);
        }
        let mac = token.rsplit('_').next().unwrap();
        for forged in [
            format!("orchrun_8_3_{mac}"),
            format!("orchrun_7_4_{mac}"),
            format!("orchrun_+7_3_{mac}"),
            format!("orchrun_7_3_{}", &mac[2..]),
            format!("{token}_"),
            token[8..].to_owned(),
            "orchrun_7_3_".to_owned(),
        ] {
            assert_eq!(keys.verify(forged.as_bytes()), None, "{forged}");
        }
    }
}
