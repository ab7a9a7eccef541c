//! `ORCH_DATABASE_URL`, in the spellings of SQLAlchemy.
//!
//! Never repeats a URL in an error: it may hold a password.

use std::path::{Path, PathBuf};

use orch_server::Database;

use super::postgres_url;

/// Options that mean nothing to this program, and so may stand there.
const HARMLESS: [&str; 4] = ["check_same_thread", "timeout", "cache", "mode=rwc"];
/// The drivers that SQLAlchemy knows for plain SQLite files.
const SQLITE_DRIVERS: [&str; 2] = ["aiosqlite", "pysqlite"];
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
    let (kind, driver) = match scheme.split_once('+') {
        Some((kind, driver)) => (kind, Some(driver)),
        None => (scheme.as_str(), None),
    };
    match kind {
        "sqlite" => {
            known(driver, &SQLITE_DRIVERS)?;
            sqlite(rest).map(Named::File)
        }
        "postgres" | "postgresql" => {
            known(driver, &postgres_url::DRIVERS)?;
            postgres_url::read(rest).map(Named::Postgres)
        }
        _ => Err(format!(
            "`{scheme}` is no kind of database that is known here; {SPELLINGS}"
        )),
    }
}

/// A driver's name says how another program would connect; one that is not known may be anything.
fn known(driver: Option<&str>, drivers: &[&str]) -> Result<(), String> {
    match driver {
        Some(driver) if !drivers.contains(&driver) => Err(format!(
            "`+{driver}` is no driver that is known: leave it out, or write one of +{}; {SPELLINGS}",
            drivers.join(", +")
        )),
        Some(_) | None => Ok(()),
    }
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
        let with_drivers = postgres_url::DRIVERS.map(|driver| format!("postgresql+{driver}"));
        let plain = ["postgres", "postgresql", "PostgreSQL+asyncpg"].map(str::to_owned);
        for scheme in plain.into_iter().chain(with_drivers) {
            let url = format!("{scheme}://me:hunter2@db:5432/orch");
            let normal = "postgres://me:hunter2@db:5432/orch".to_owned();
            assert_eq!(named(&url), Ok(Named::Postgres(normal)), "{scheme}");
        }
    }

    #[test]
    fn a_driver_that_is_not_known_is_refused_with_those_that_are() {
        for (url, known) in [
            (
                "postgres+foo://me:hunter2@db/orch",
                "+asyncpg, +pg8000, +psycopg,",
            ),
            (
                "postgresql+://me:hunter2@db/orch",
                "+asyncpg, +pg8000, +psycopg,",
            ),
            ("sqlite+pysqlcipher:///hunter2.db", "+aiosqlite, +pysqlite"),
        ] {
            let error = named(url).unwrap_err();
            assert!(error.contains(known), "{url}: {error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn what_cannot_be_used_is_said_without_repeating_the_url() {
        for (url, says) in [
            ("postgresql:me:hunter2@db/orch", "two slashes are missing"),
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
