//! Where the keys that seal secrets come from, and whether the vault answers.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use orch_server::{Database, Kv, ServerConfig};

use super::checks::Check;

/// The key that a server makes where it is given none.
const MADE: &str = "secret.key";

/// Looks at the keys, and asks the vault where there is one.
pub async fn checks(config: &ServerConfig) -> Vec<Check> {
    let mut checks = vec![key(config)];
    if let Some(address) = config.vault.clone() {
        checks.push(match Kv::new(address) {
            Ok(kv) => match kv.check().await {
                Ok(()) => Check::ok(
                    "vault",
                    format!("{}: it takes the token", kv.place_in_words()),
                ),
                Err(error) => Check::failed("vault", told(&error)),
            },
            Err(error) => Check::failed("vault", told(&error)),
        });
    }
    checks
}

fn told(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

fn key(config: &ServerConfig) -> Check {
    const NAME: &str = "secret key";
    if config.secret_key.is_some() {
        return Check::ok(NAME, "secrets and answers are sealed with ORCH_SECRET_KEY");
    }
    if let Some(path) = &config.secret_key_file {
        return match std::fs::metadata(path) {
            Ok(found) if found.mode() & 0o027 != 0 => {
                let mode = found.mode() & 0o7777;
                let path = path.display();
                Check::failed(
                    NAME,
                    format!(
                        "{path} may be read or written by others (mode {mode:04o}); run `chmod 600 {path}`"
                    ),
                )
            }
            Ok(_) => Check::ok(
                NAME,
                format!(
                    "secrets and answers are sealed with the key in {}",
                    path.display()
                ),
            ),
            Err(error) => Check::failed(
                NAME,
                format!(
                    "{} (ORCH_SECRET_KEY_FILE) cannot be read: {error}",
                    path.display()
                ),
            ),
        };
    }
    made(&config.data_dir.join(MADE), &config.database)
}

fn made(path: &Path, database: &Database) -> Check {
    const NAME: &str = "secret key";
    let shown = path.display();
    match (database, path.exists()) {
        (Database::Postgres { .. }, _) => Check::warning(
            NAME,
            "no secret can be stored: servers on PostgreSQL need the same key, in ORCH_SECRET_KEY or ORCH_SECRET_KEY_FILE, or a vault (ORCH_VAULT_ADDR)",
        ),
        (Database::Sqlite { .. }, true) => Check::ok(
            NAME,
            format!(
                "made in {shown}, beside what it seals: keep a copy of it, and keep it out of backups of the data; or set ORCH_SECRET_KEY"
            ),
        ),
        (Database::Sqlite { .. }, false) => Check::ok(
            NAME,
            format!("one is made in {shown} when the server starts; or set ORCH_SECRET_KEY"),
        ),
    }
}
