//! `ORCH_DATABASE_URL`, in the spellings of SQLAlchemy.
//!
//! Never repeats a URL in an error: it may hold a password.

use std::path::{Path, PathBuf};

use orch_server::Database;

/// Options that mean nothing to this program, and so may stand there.
const HARMLESS: [&str; 4] = ["check_same_thread", "timeout", "cache", "mode=rwc"];
const SPELLINGS: &str = "expected sqlite:///relative.db, sqlite:////absolute/path.db or \
                         postgres://user:password@host:5432/name";

/// What a URL names.
#[derive(Debug, PartialEq, Eq)]
pub enum Named {
    File(PathBuf),
    /// In the one spelling that the store reads.
    Postgres(String),
}

impl Named {
    /// The database of an installation whose data folder is this.
    pub fn beside(self, data_dir: &Path) -> Database {
        match self {
            Self::File(file) => Database::Sqlite {
                file,
                logs: data_dir.join("logs"),
            },
            Self::Postgres(url) => Database::Postgres { url },
        }
    }
}

/// Reads a database URL.
pub fn named(url: &str) -> Result<Named, String> {
    let Some((scheme, rest)) = url.split_once(':') else {
        return Err(format!("it names no kind of database; {SPELLINGS}"));
    };
    let scheme = scheme.to_ascii_lowercase();
    match scheme.split('+').next().unwrap_or_default() {
        "sqlite" => sqlite(rest).map(Named::File),
        "postgres" | "postgresql" => postgres(rest).map(Named::Postgres),
        _ => Err(format!(
            "`{scheme}` is no kind of database that is known here; {SPELLINGS}"
        )),
    }
}

fn postgres(rest: &str) -> Result<String, String> {
    let Some(place) = rest.strip_prefix("//") else {
        return Err(format!("two slashes are missing; {SPELLINGS}"));
    };
    let path = place.split(['?', '#']).next().unwrap_or_default();
    let name = path.split_once('/').map_or("", |(_, name)| name);
    if name.is_empty() {
        return Err(format!("it names no database on the server; {SPELLINGS}"));
    }
    Ok(format!("postgres://{place}"))
}

fn sqlite(rest: &str) -> Result<PathBuf, String> {
    let (path, options) = rest.split_once('?').unwrap_or((rest, ""));
    let unknown = options.split('&').find(|option| {
        let name = option.split('=').next().unwrap_or_default();
        !option.is_empty() && !HARMLESS.contains(&name) && !HARMLESS.contains(option)
    });
    if let Some(option) = unknown {
        let name = option.split('=').next().unwrap_or_default();
        return Err(format!("the option `{name}` is not known; leave it out"));
    }
    let Some(file) = path.strip_prefix("///") else {
        return Err(match path {
            "//" | "" => "a database in memory would forget everything; name a file, or leave the setting out".to_owned(),
            _ => format!("a slash is missing or one too many; {SPELLINGS}"),
        });
    };
    if file.is_empty() || file == ":memory:" {
        return Err(
            "a database in memory would forget everything; name a file, or leave the setting out"
                .to_owned(),
        );
    }
    Ok(PathBuf::from(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_slashes_are_relative_and_four_absolute_with_any_driver() {
        for (url, path) in [
            ("sqlite:///a.db", "a.db"),
            ("sqlite:///./data/a.db", "./data/a.db"),
            ("sqlite:////var/lib/a.db", "/var/lib/a.db"),
            ("sqlite+aiosqlite:////a b.db", "/a b.db"),
            (
                "SQLite+pysqlite:///a.db?check_same_thread=false&timeout=5",
                "a.db",
            ),
        ] {
            assert_eq!(named(url), Ok(Named::File(PathBuf::from(path))), "{url}");
        }
    }

    #[test]
    fn postgresql_is_read_in_every_spelling() {
        for scheme in [
            "postgres",
            "postgresql",
            "postgresql+psycopg2",
            "PostgreSQL+asyncpg",
        ] {
            let url = format!("{scheme}://me:hunter2@db:5432/orch?sslmode=require");
            let normal = "postgres://me:hunter2@db:5432/orch?sslmode=require".to_owned();
            assert_eq!(named(&url), Ok(Named::Postgres(normal)));
        }
    }

    #[test]
    fn what_cannot_be_used_is_said_without_repeating_the_url() {
        for (url, says) in [
            ("postgresql:me:hunter2@db/orch", "two slashes are missing"),
            (
                "postgres://me:hunter2@db",
                "names no database on the server",
            ),
            (
                "postgres://me:hunter2@db/?x=1",
                "names no database on the server",
            ),
            (
                "mysql://me:hunter2@db/orch",
                "`mysql` is no kind of database",
            ),
            ("orchestrator.db", "names no kind of database"),
            ("sqlite://", "in memory"),
            ("sqlite:///:memory:", "in memory"),
            ("sqlite://hunter2.db", "a slash is missing"),
            ("sqlite:///a.db?vfs=hunter2", "the option `vfs`"),
        ] {
            let error = named(url).unwrap_err();
            assert!(error.contains(says), "{url}: {error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
