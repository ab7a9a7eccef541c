//! Where the keys that seal secrets come from, and where a vault is.

use std::path::PathBuf;

use orch_server::KvAddress;

use super::{Reader, Setting, parse};

const KEY: Setting = Setting::new("ORCH_SECRET_KEY").secret();
const KEY_FILE: Setting = Setting::new("ORCH_SECRET_KEY_FILE");
const ADDRESS: Setting = Setting::new("ORCH_VAULT_ADDR");
const TOKEN: Setting = Setting::new("ORCH_VAULT_TOKEN").secret();
const TOKEN_FILE: Setting = Setting::new("ORCH_VAULT_TOKEN_FILE");
const MOUNT: Setting = Setting::new("ORCH_VAULT_MOUNT").default("secret");
const PREFIX: Setting = Setting::new("ORCH_VAULT_PREFIX").default("codex-orchestrator");

/// `ORCH_SECRET_KEY`.
pub(super) fn key(reader: &mut Reader<'_>) -> Option<String> {
    reader.optional(&KEY, None, parse::text)
}

/// `ORCH_SECRET_KEY_FILE`.
pub(super) fn key_file(reader: &mut Reader<'_>) -> Option<PathBuf> {
    let file = reader.optional(&KEY_FILE, None, |text| parse::text(text).map(PathBuf::from));
    if file.is_some() && reader.plain(KEY.variable).is_some() {
        reader.refuse(
            &KEY_FILE,
            "ORCH_SECRET_KEY and ORCH_SECRET_KEY_FILE are both set; keep the one that holds the key",
        );
    }
    file
}

/// `ORCH_VAULT_*`; none where no address is set.
pub(super) fn vault(reader: &mut Reader<'_>) -> Option<KvAddress> {
    let url = reader.optional(
        &ADDRESS,
        None,
        parse::address("https://vault.example.com:8200"),
    );
    let token = reader.optional(&TOKEN, None, parse::text);
    let token_file = reader.optional(&TOKEN_FILE, None, |text| {
        parse::text(text).map(PathBuf::from)
    });
    let mount = reader.value(&MOUNT, None, path);
    let prefix = reader.value(&PREFIX, None, path);
    let url = url?;
    match (&token, &token_file) {
        (None, None) => reader.refuse(
            &TOKEN,
            "ORCH_VAULT_ADDR is set, and neither ORCH_VAULT_TOKEN nor ORCH_VAULT_TOKEN_FILE is",
        ),
        (Some(_), Some(_)) => reader.refuse(
            &TOKEN_FILE,
            "ORCH_VAULT_TOKEN and ORCH_VAULT_TOKEN_FILE are both set; keep the one that holds the token",
        ),
        (Some(_), None) | (None, Some(_)) => {}
    }
    Some(KvAddress {
        url,
        token,
        token_file,
        mount,
        prefix,
    })
}

fn path(text: &str) -> Result<String, String> {
    let parts: Vec<&str> = text.trim_matches('/').split('/').collect();
    let fits = |part: &&str| {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        !part.is_empty() && part.chars().all(is_plain) && !part.starts_with('.')
    };
    match parts.iter().all(fits) {
        true => Ok(parts.join("/")),
        false => Err(
            "expected names of letters, digits, `-`, `_` and `.`, with `/` between them".to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;

    fn read(pairs: &[(&str, &str)]) -> Result<Option<KvAddress>, String> {
        let pairs = pairs
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        let settings = Settings::new(pairs, &[]).unwrap();
        let mut reader = Reader::new(&settings);
        key(&mut reader);
        key_file(&mut reader);
        let vault = vault(&mut reader);
        reader.finish().map_err(|failure| failure.message)?;
        Ok(vault)
    }

    #[test]
    fn a_vault_needs_an_address_and_one_token() {
        assert!(read(&[]).unwrap().is_none());
        let address = ("ORCH_VAULT_ADDR", "http://127.0.0.1:8200");
        let vault = read(&[address, ("ORCH_VAULT_TOKEN", "hush")])
            .unwrap()
            .unwrap();
        assert_eq!(
            (vault.mount.as_str(), vault.prefix.as_str()),
            ("secret", "codex-orchestrator")
        );
        assert!(!format!("{vault:?}").contains("hush"));
        let token = ("ORCH_VAULT_TOKEN", "hush");
        for (pairs, expected) in [
            (vec![address], "neither ORCH_VAULT_TOKEN nor"),
            (
                vec![address, token, ("ORCH_VAULT_TOKEN_FILE", "/t")],
                "are both set",
            ),
            (
                vec![("ORCH_VAULT_ADDR", "vault:8200"), token],
                "expected an http or https address",
            ),
            (
                vec![address, token, ("ORCH_VAULT_MOUNT", "a/../b")],
                "expected names",
            ),
            (
                vec![("ORCH_SECRET_KEY", "k"), ("ORCH_SECRET_KEY_FILE", "/k")],
                "are both set",
            ),
        ] {
            let refusal = read(&pairs).unwrap_err();
            assert!(refusal.contains(expected), "{refusal}");
        }
    }
}
