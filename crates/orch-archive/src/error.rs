//! Why an archive is not unpacked.

use std::{io, path::PathBuf};

use crate::bounds::TooMuch;

/// What is wrong with an archive, or went wrong with it.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// It is not what it should be.
    #[error("the {what} is damaged: {why}")]
    Damaged {
        /// The kind of archive.
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// An entry would be written where it must not.
    #[error("the archive's entry `{entry}` {why}; nothing was taken from it")]
    Hostile {
        /// Its name, fit for a terminal.
        entry: String,
        /// What it would do.
        why: String,
    },
    /// Too much comes out of it.
    #[error(
        "the archive unpacks to more than {bound} {what}, which is the most that is allowed; nothing was taken from it"
    )]
    Bomb {
        /// What there is too much of.
        what: &'static str,
        /// The bound.
        bound: u64,
    },
    /// It needs something that this program does not do.
    #[error("the archive uses {0}, which is not supported")]
    Unsupported(String),
    /// The machine failed.
    #[error("failed to {action} {}", .path.display())]
    Io {
        /// What was attempted.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system answered.
        source: io::Error,
    },
}

impl ArchiveError {
    pub(crate) fn damaged(what: &'static str, why: impl Into<String>) -> Self {
        Self::Damaged {
            what,
            why: why.into(),
        }
    }

    pub(crate) fn hostile(entry: &[u8], why: impl Into<String>) -> Self {
        Self::Hostile {
            entry: shown(entry),
            why: why.into(),
        }
    }

    pub(crate) fn io(
        action: &'static str,
        path: &std::path::Path,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }

    /// What reading went wrong with, where it may have been a bound.
    pub(crate) fn reading(what: &'static str, bound: u64) -> impl FnOnce(io::Error) -> Self {
        move |error| {
            let is_bomb = error.get_ref().is_some_and(|inner| inner.is::<TooMuch>());
            match is_bomb {
                true => Self::Bomb {
                    what: "bytes",
                    bound,
                },
                false => Self::damaged(what, error.to_string()),
            }
        }
    }
}

/// A name as it can stand in a message.
pub(crate) fn shown(name: &[u8]) -> String {
    let text = String::from_utf8_lossy(name);
    let mut short: String = text
        .chars()
        .take(120)
        .flat_map(|c| {
            let plain = !c.is_control();
            plain
                .then_some(c)
                .into_iter()
                .chain((!plain).then(|| c.escape_default()).into_iter().flatten())
        })
        .collect();
    if text.chars().nth(120).is_some() {
        short.push('…');
    }
    short
}
