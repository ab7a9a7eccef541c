//! What can go wrong with log files, and what exactly is wrong with a record.
//!
//! Every error names the file or the segment and offset; none is raised by panicking.

use std::io;
use std::path::{Path, PathBuf};

use super::{MAX_CHUNK_BYTES, MAX_CHUNK_LINES};

/// Why log files could not be opened, written, listed or removed.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    #[error("failed to {attempt} {}", path.display())]
    Io {
        /// A verb: `create`, `sync`.
        attempt: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error(
        "the log folder {} is being written by another process or store; \
         stop that one, or choose another data folder", dir.display()
    )]
    Locked { dir: PathBuf },
    #[error(
        "the log writer stopped after a failed write or sync, so what is on disk is uncertain; \
         reopen it before writing more"
    )]
    Poisoned,
    #[error("a log chunk has no lines; at least one is needed")]
    EmptyChunk,
    #[error(
        "a log chunk has {bytes} bytes of text, and {MAX_CHUNK_BYTES} are allowed; \
         split it, and a longer line into partial lines"
    )]
    TooManyBytes { bytes: usize },
    #[error("a log chunk has {lines} lines, and {MAX_CHUNK_LINES} are allowed; split it")]
    TooManyLines { lines: usize },
    #[error(
        "log line numbers end at {}, and a chunk of {lines} lines starts at {first_seq}",
        i64::MAX
    )]
    TooManySeqs { first_seq: u64, lines: usize },
    #[error(
        "this mark is not the newest that the log writer gave; \
         going back to it could discard acknowledged lines"
    )]
    StaleMark,
    #[error(
        "log segment {segment} is the newest and still written to; only older ones can be removed"
    )]
    InUse { segment: u64 },
    #[error("there is no log segment {segment} in {}", dir.display())]
    NoSegment { segment: u64, dir: PathBuf },
}

impl LogError {
    pub(super) fn io(attempt: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io {
            attempt,
            path: path.to_owned(),
            source,
        }
    }
}

/// Why a chunk could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("log segment {segment} is gone: removed by retention, or lost")]
    Gone { segment: u64 },
    #[error("failed to read log segment {segment} at offset {offset}")]
    Io {
        segment: u64,
        offset: u64,
        source: io::Error,
    },
    #[error("log segment {segment} is damaged at offset {offset}: {damage}")]
    Corrupt {
        segment: u64,
        offset: u64,
        damage: Damage,
    },
}

impl ReadError {
    pub(super) fn io(segment: u64, offset: u64) -> impl FnOnce(io::Error) -> Self {
        move |source| match source.kind() {
            io::ErrorKind::NotFound => Self::Gone { segment },
            _ => Self::Io {
                segment,
                offset,
                source,
            },
        }
    }
}

/// What is wrong with the bytes of a record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    #[error("the file ends before the record does")]
    CutOff,
    #[error("no record begins here")]
    NoRecord,
    #[error("the record has format {found}, and this version reads format {expected}")]
    Format { found: u8, expected: u8 },
    #[error("a record of {found} bytes cannot be")]
    Length { found: u64 },
    #[error("the record is {found} bytes long, and {expected} were expected")]
    OtherLength { found: u64, expected: u64 },
    #[error("the checksum is {found:08x}, and {expected:08x} is stored")]
    Checksum { found: u32, expected: u32 },
    #[error("the checksum is right, but the {part} is not")]
    Malformed { part: &'static str },
    #[error("the file cannot be read: {cause}")]
    Unreadable { cause: String },
}
