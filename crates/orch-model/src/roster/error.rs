//! What is wrong with the file.

use thiserror::Error;

/// A file that names no models that could be asked.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RosterError {
    /// In the words of the parser, with line, column and what is accepted.
    #[error("{0}")]
    Form(String),
    #[error("line {line}: {why}")]
    At { line: usize, why: String },
    #[error("it is of version {0}; this program reads version 1")]
    Version(u32),
    #[error("it has {bytes} bytes; at most {most} are read")]
    TooLarge { bytes: usize, most: usize },
}
