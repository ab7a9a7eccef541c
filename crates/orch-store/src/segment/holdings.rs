//! Whose lines a segment holds, from its records' heads: what retention decides by.
//!
//! Reads every record once and keeps a number of bytes that depends on the runs alone.

use std::collections::BTreeMap;
use std::path::Path;

use super::frame::{HEADER_BYTES, LINE_BYTES, PREAMBLE_BYTES};
use super::scan::{Frames, Piece};
use super::{ReadError, Region, files};

/// The lines of one run in a segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// The number behind the last of them.
    pub end_seq: u64,
    pub lines: u64,
    pub bytes: u64,
}

/// What a segment holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holdings {
    pub runs: BTreeMap<i64, Held>,
    /// Where lines may have been that nobody can tell.
    pub damaged: Vec<Region>,
}

/// Walks through a segment.
///
/// # Errors
/// When the file cannot be read.
pub fn holdings(dir: &Path, segment: u64) -> Result<Holdings, ReadError> {
    let failed = ReadError::io(segment, 0);
    let walk = || {
        let mut frames = Frames::new(files::open_to_read(dir, segment)?, segment)?;
        let mut found = Holdings::default();
        while let Some(piece) = frames.next_piece()? {
            let at = match piece {
                Piece::Frame(at) => at,
                Piece::Gap(region) => {
                    found.damaged.push(region);
                    continue;
                }
            };
            let head = frames.bytes(at.offset, HEADER_BYTES + PREAMBLE_BYTES)?;
            let Some((run, first, lines)) = preamble(head) else {
                continue;
            };
            let held = found.runs.entry(run).or_default();
            held.end_seq = held.end_seq.max(first.saturating_add(lines));
            held.lines += lines;
            held.bytes += u64::from(at.length);
        }
        Ok(found)
    };
    walk().map_err(failed)
}

/// When the first line of a segment was written, in microseconds; `None` where there is none, or
/// none that can be read.
#[must_use]
pub fn first_time(dir: &Path, segment: u64) -> Option<i64> {
    let mut frames = Frames::new(files::open_to_read(dir, segment).ok()?, segment).ok()?;
    let Some(Piece::Frame(at)) = frames.next_piece().ok()? else {
        return None;
    };
    let wanted = HEADER_BYTES + PREAMBLE_BYTES + LINE_BYTES;
    let head = frames.bytes(at.offset, wanted).ok()?;
    let time = head.get(HEADER_BYTES + PREAMBLE_BYTES..)?.first_chunk()?;
    Some(i64::from_le_bytes(*time))
}

fn preamble(head: &[u8]) -> Option<(i64, u64, u64)> {
    let (run, rest) = head.get(HEADER_BYTES..)?.split_first_chunk()?;
    let (first, rest) = rest.split_first_chunk()?;
    let lines = rest.first_chunk()?;
    Some((
        i64::from_le_bytes(*run),
        u64::from_le_bytes(*first),
        u64::from(u32::from_le_bytes(*lines)),
    ))
}
