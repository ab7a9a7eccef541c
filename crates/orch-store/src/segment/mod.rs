//! Log files: one append-only sequence of segment files that all runs share.
//!
//! Owns the bytes on disk and nothing else. Which chunks exist is decided by the index in the
//! database: bytes that no index row names were never acknowledged, and may stay or go.
//! Never knows a transaction, a run's state or the time.

mod error;
mod files;
mod frame;
mod holdings;
mod line;
mod quarantine;
mod raw;
mod reader;
mod recover;
mod scan;
mod writer;

#[cfg(test)]
mod tests;

pub use error::{Damage, LogError, ReadError};
pub use files::{SegmentFile, list, retire};
pub use frame::{MAX_CHUNK_BYTES, MAX_CHUNK_LINES, from_bytes, raw_from_bytes, to_bytes};
pub use holdings::{Held, Holdings, first_time, holdings};
pub use line::{Chunk, Location, LogLine, Region, Stream};
pub use quarantine::{Quarantine, Quarantined};
pub use raw::{RawChunk, RawLine, RawLines};
pub use reader::SegmentReader;
pub use recover::Recovery;
pub use scan::{Scan, Scanned, scan};
pub use writer::{Mark, Options, SegmentWriter};
