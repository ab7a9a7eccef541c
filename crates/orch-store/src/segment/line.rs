//! What is written and read: lines, chunks of them, and places in the files.
//!
//! Plain values; knows neither bytes nor files.

use super::Damage;

/// Where a line came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stream {
    /// The platform itself.
    System,
    Stdout,
    Stderr,
    /// A structured event of the run, as JSON.
    Event,
}

impl Stream {
    /// Its name in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
            Self::Event => "event",
        }
    }

    /// Its number on disk, which never changes.
    pub(super) fn code(self) -> u8 {
        match self {
            Self::System => 0,
            Self::Stdout => 1,
            Self::Stderr => 2,
            Self::Event => 3,
        }
    }

    pub(super) fn from_code(code: u8) -> Option<Self> {
        [Self::System, Self::Stdout, Self::Stderr, Self::Event]
            .into_iter()
            .find(|stream| stream.code() == code)
    }
}

/// One line of a run's log, or a part of a line too long for one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// Microseconds since 1970, UTC.
    pub at_us: i64,
    pub stream: Stream,
    /// The step that wrote it, where one did.
    pub step: Option<u32>,
    /// Whether the next line of this stream continues it.
    pub partial: bool,
    pub message: String,
}

/// Consecutive lines of one run, stored as one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    pub run_id: i64,
    /// The number of the first line; the others follow without a gap.
    pub first_seq: u64,
    pub lines: Vec<LogLine>,
}

/// Where a chunk is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Location {
    pub segment: u64,
    /// Bytes from the start of the segment.
    pub offset: u64,
    /// Bytes of the whole record.
    pub length: u32,
}

/// A stretch of a segment that holds no readable chunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region {
    pub segment: u64,
    pub offset: u64,
    pub length: u64,
    pub damage: Damage,
}

impl Region {
    /// Where it ends: the first byte behind it.
    pub(super) fn end(&self) -> u64 {
        self.offset.saturating_add(self.length)
    }
}
