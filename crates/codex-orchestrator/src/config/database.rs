//! `ORCH_DATABASE_URL`, in the spellings of SQLAlchemy.
//!
//! Never repeats a URL in an error: it may hold a password.

use std::path::PathBuf;

/// Options that mean nothing to this program, and so may stand there.
const HARMLESS: [&str; 4] = ["check_same_thread", "timeout", "cache", "mode=rwc"];
const SPELLINGS: &str = "expected sqlite:///relative.db or sqlite:////absolute/path.db";

/// The file of the database.
pub fn file(url: &str) -> Result<PathBuf, String> {
    let Some((scheme, rest)) = url.split_once(':') else {
        return Err(format!("it names no kind of database; {SPELLINGS}"));
    };
    let scheme = scheme.to_ascii_lowercase();
    match scheme.split('+').next().unwrap_or_default() {
        "sqlite" => sqlite(rest),
        "postgres" | "postgresql" => Err(
            "PostgreSQL is not supported yet: it comes in a later release. Leave the setting out to use the embedded \
             database, or name its file: sqlite:///relative.db or sqlite:////absolute/path.db"
                .to_owned(),
        ),
        _ => Err(format!("`{scheme}` is no kind of database that is known here; {SPELLINGS}")),
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
            assert_eq!(file(url), Ok(PathBuf::from(path)), "{url}");
        }
    }

    #[test]
    fn what_cannot_be_used_is_said_without_repeating_the_url() {
        for (url, says) in [
            (
                "postgresql+psycopg2://me:hunter2@db/orch",
                "PostgreSQL is not supported yet",
            ),
            (
                "postgres://me:hunter2@db/orch",
                "PostgreSQL is not supported yet",
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
            let error = file(url).unwrap_err();
            assert!(error.contains(says), "{url}: {error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
