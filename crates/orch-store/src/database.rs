//! Which database an installation uses.

use std::fmt;
use std::path::PathBuf;

/// Where the rows are.
#[derive(Clone, PartialEq, Eq)]
pub enum Database {
    /// An SQLite file, and the folder of the log segments beside it.
    Sqlite { file: PathBuf, logs: PathBuf },
    /// A PostgreSQL URL, which may hold a password. Logs are rows there.
    Postgres { url: String },
}

impl Database {
    /// Its kind, as the API names it.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Sqlite { .. } => "sqlite",
            Self::Postgres { .. } => "postgresql",
        }
    }
}

/// The file, or the URL without user and password.
impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite { file, .. } => write!(f, "{}", file.display()),
            Self::Postgres { url } => {
                let rest = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
                let place = rest.split(['?', '#']).next().unwrap_or_default();
                let place = place.rsplit_once('@').map_or(place, |(_, place)| place);
                write!(f, "postgresql://{place}")
            }
        }
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shown_url_holds_no_password() {
        for (url, shown) in [
            (
                "postgres://me:hunter2@db:5432/orch?sslmode=require&password=hunter2",
                "postgresql://db:5432/orch",
            ),
            ("postgres://me:hunter2@x@db/orch", "postgresql://db/orch"),
            (
                "postgres:///orch?host=/run/postgresql",
                "postgresql:///orch",
            ),
        ] {
            let database = Database::Postgres {
                url: url.to_owned(),
            };
            assert_eq!(database.to_string(), shown);
            assert!(!format!("{database:?}").contains("hunter2"));
        }
    }
}
