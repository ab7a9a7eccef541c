//! Which row cannot be read, and why.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What names a row in its table.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Key {
    Number(i64),
    Name(String),
}

impl Key {
    /// That of a row whose very key cannot be read.
    pub(crate) fn unknown() -> Self {
        Self::Name("?".to_owned())
    }
}

impl From<&i64> for Key {
    fn from(id: &i64) -> Self {
        Self::Number(*id)
    }
}

impl From<&String> for Key {
    fn from(name: &String) -> Self {
        Self::Name(name.clone())
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(id) => id.fmt(f),
            Self::Name(name) => write!(f, "`{name}`"),
        }
    }
}

/// A row that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unreadable {
    pub table: &'static str,
    pub key: Key,
    /// The column that is to blame, where it is known.
    pub column: Option<String>,
    /// What is wrong with it.
    pub what: String,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "row {} of table {} cannot be read: ",
            self.key, self.table
        )?;
        if let Some(column) = &self.column {
            write!(f, "column {column} ")?;
        }
        f.write_str(&self.what)
    }
}

impl std::error::Error for Unreadable {}
