//! The record format, version 1: a chunk of lines and the frame around it, to bytes and back.
//!
//! All numbers are little-endian.
//!
//! ```text
//! magic 12 | format u8 | body length u32 | crc32 u32 | body
//! body: run id i64 | first seq u64 | line count u32 | lines
//! line: at_us i64 | stream u8 | flags u8 | step u32 | message length u32 | message (UTF-8)
//! ```
//!
//! The checksum covers the record's place (segment u64, offset u64), then everything between
//! the magic and the checksum, then the body: a record found elsewhere than it was written is
//! not valid. Never reads a file, and never trusts a number before the checksum is verified.

use super::{Chunk, Damage, Location, LogError, LogLine, RawChunk, Stream};

/// A chunk holds at most so many bytes of messages.
pub const MAX_CHUNK_BYTES: usize = 1024 * 1024;
/// A chunk holds at most so many lines.
pub const MAX_CHUNK_LINES: usize = 65_536;

/// Bytes that never occur in UTF-8, more of them in a row than any field an outsider chooses
/// has: text that was logged can never be taken for a record, however a file is damaged.
pub(super) const MAGIC: [u8; 12] = [
    0xFF, 0xC0, 0xFE, 0xC1, 0xFD, 0xF5, 0xFC, 0xF6, 0xFB, 0xF7, 0xFA, 0xF8,
];
pub(super) const HEADER_BYTES: usize = MAGIC.len() + 1 + 4 + 4;
const FORMAT: u8 = 1;
const CHECKSUM_AT: usize = HEADER_BYTES - 4;
pub(super) const PREAMBLE_BYTES: usize = 8 + 8 + 4;
pub(super) const LINE_BYTES: usize = 8 + 1 + 1 + 4 + 4;
/// No record is shorter than this.
pub(super) const SHORTEST_FRAME_BYTES: usize = HEADER_BYTES + PREAMBLE_BYTES + LINE_BYTES;
/// No record is longer than this.
pub(super) const MAX_FRAME_BYTES: usize =
    HEADER_BYTES + PREAMBLE_BYTES + MAX_CHUNK_LINES * LINE_BYTES + MAX_CHUNK_BYTES;

const PARTIAL: u8 = 1;
const HAS_STEP: u8 = 2;

/// How long the record of these lines will be.
///
/// # Errors
/// When they are no chunk: none, too many, or too long.
pub(super) fn measure(first_seq: u64, lines: &[LogLine]) -> Result<u32, LogError> {
    let count = lines.len();
    if count == 0 {
        return Err(LogError::EmptyChunk);
    }
    if count > MAX_CHUNK_LINES {
        return Err(LogError::TooManyLines { lines: count });
    }
    let last_seq = first_seq.checked_add(count as u64 - 1);
    if last_seq.is_none_or(|seq| i64::try_from(seq).is_err()) {
        return Err(LogError::TooManySeqs {
            first_seq,
            lines: count,
        });
    }
    let bytes = lines.iter().map(|line| line.message.len()).sum();
    if bytes > MAX_CHUNK_BYTES {
        return Err(LogError::TooManyBytes { bytes });
    }
    let length = HEADER_BYTES + PREAMBLE_BYTES + count * LINE_BYTES + bytes;
    Ok(u32::try_from(length).expect("invariant: MAX_FRAME_BYTES fits in 32 bits"))
}

/// Appends the record of `lines`, which [`measure`] found to be `at.length` long, to `out`.
pub(super) fn encode(
    out: &mut Vec<u8>,
    at: Location,
    run_id: i64,
    first_seq: u64,
    lines: &[LogLine],
) {
    let start = out.len();
    out.reserve(at.length as usize);
    out.extend_from_slice(&MAGIC);
    out.push(FORMAT);
    out.extend_from_slice(&(at.length - HEADER_BYTES as u32).to_le_bytes());
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&run_id.to_le_bytes());
    out.extend_from_slice(&first_seq.to_le_bytes());
    out.extend_from_slice(&(lines.len() as u32).to_le_bytes());
    for line in lines {
        let partial = if line.partial { PARTIAL } else { 0 };
        let has_step = if line.step.is_some() { HAS_STEP } else { 0 };
        out.extend_from_slice(&line.at_us.to_le_bytes());
        out.extend_from_slice(&[line.stream.code(), partial | has_step]);
        out.extend_from_slice(&line.step.unwrap_or(0).to_le_bytes());
        out.extend_from_slice(&(line.message.len() as u32).to_le_bytes());
        out.extend_from_slice(line.message.as_bytes());
    }
    let checksum = checksum(at.segment, at.offset, &out[start..]);
    out[start + CHECKSUM_AT..start + HEADER_BYTES].copy_from_slice(&checksum.to_le_bytes());
}

/// A chunk as bytes that stand alone: a record whose place is the start of segment 0.
///
/// # Errors
/// When the lines are no chunk: none, too many, or too long.
pub fn to_bytes(run_id: i64, first_seq: u64, lines: &[LogLine]) -> Result<Vec<u8>, LogError> {
    let at = Location {
        segment: 0,
        offset: 0,
        length: measure(first_seq, lines)?,
    };
    let mut bytes = Vec::new();
    encode(&mut bytes, at, run_id, first_seq, lines);
    Ok(bytes)
}

/// The chunk that [`to_bytes`] wrote.
///
/// # Errors
/// Says what is damaged.
pub fn from_bytes(bytes: &[u8]) -> Result<Chunk, Damage> {
    verify(0, 0, bytes)?;
    decode(bytes)
}

/// The chunk that [`to_bytes`] wrote, its lines not read yet.
///
/// # Errors
/// Says what is damaged.
pub fn raw_from_bytes(bytes: Vec<u8>) -> Result<RawChunk, Damage> {
    verify(0, 0, &bytes)?;
    RawChunk::of_verified(bytes)
}

fn checksum(segment: u64, offset: u64, frame: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&segment.to_le_bytes());
    hasher.update(&offset.to_le_bytes());
    hasher.update(&frame[MAGIC.len()..CHECKSUM_AT]);
    hasher.update(&frame[HEADER_BYTES..]);
    hasher.finalize()
}

/// How long the record says it is that `bytes` begin with; never more than [`MAX_FRAME_BYTES`].
///
/// # Errors
/// When no record of this format begins there.
pub(super) fn claimed_length(bytes: &[u8]) -> Result<usize, Damage> {
    let present = bytes.len().min(MAGIC.len());
    if bytes[..present] != MAGIC[..present] {
        return Err(Damage::NoRecord);
    }
    let mut fields = Fields(&bytes[present..]);
    // The format is looked at first: a record of a later version must not be taken for torn.
    let [format] = fields.take().ok_or(Damage::CutOff)?;
    if format != FORMAT {
        return Err(Damage::Format {
            found: format,
            expected: FORMAT,
        });
    }
    let body = u32::from_le_bytes(fields.take().ok_or(Damage::CutOff)?);
    let found = u64::from(body) + HEADER_BYTES as u64;
    let plausible = SHORTEST_FRAME_BYTES..=MAX_FRAME_BYTES;
    usize::try_from(found)
        .ok()
        .filter(|length| plausible.contains(length))
        .ok_or(Damage::Length { found })
}

/// Checks that `frame` is exactly the record that was written at this place.
///
/// # Errors
/// When it is not.
pub(super) fn verify(segment: u64, offset: u64, frame: &[u8]) -> Result<(), Damage> {
    let claimed = claimed_length(frame)?;
    if claimed != frame.len() {
        return Err(Damage::OtherLength {
            found: claimed as u64,
            expected: frame.len() as u64,
        });
    }
    let stored = Fields(&frame[CHECKSUM_AT..]).take();
    let expected = u32::from_le_bytes(stored.ok_or(Damage::CutOff)?);
    let found = checksum(segment, offset, frame);
    if found == expected {
        Ok(())
    } else {
        Err(Damage::Checksum { found, expected })
    }
}

/// Reads the chunk out of a record that was verified.
///
/// # Errors
/// When a writer with a fault made it.
pub(super) fn decode(frame: &[u8]) -> Result<Chunk, Damage> {
    let malformed = |part| move || Damage::Malformed { part };
    let body = frame.get(HEADER_BYTES..);
    let mut fields = Fields(body.ok_or_else(malformed("header"))?);
    let run_id = fields.take().ok_or_else(malformed("run id"))?;
    let first_seq = fields.take().ok_or_else(malformed("first line number"))?;
    let count = fields.take().ok_or_else(malformed("number of lines"))?;
    let count = u32::from_le_bytes(count) as usize;
    if count > fields.0.len() / LINE_BYTES {
        return Err(malformed("number of lines")());
    }
    let mut lines = Vec::with_capacity(count);
    for _ in 0..count {
        lines.push(fields.line()?);
    }
    if !fields.0.is_empty() {
        return Err(malformed("end of the last line")());
    }
    Ok(Chunk {
        run_id: i64::from_le_bytes(run_id),
        first_seq: u64::from_le_bytes(first_seq),
        lines,
    })
}

/// Whether the next line continues this one, and whether it has a step.
pub(super) fn flags_of(flags: u8) -> Result<(bool, bool), Damage> {
    if flags & !(PARTIAL | HAS_STEP) != 0 {
        return Err(Damage::Malformed {
            part: "flags of a line",
        });
    }
    Ok((flags & PARTIAL != 0, flags & HAS_STEP != 0))
}

/// The bytes not read yet.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (field, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*field)
    }

    fn line(&mut self) -> Result<LogLine, Damage> {
        let malformed = |part| move || Damage::Malformed { part };
        let at_us = i64::from_le_bytes(self.take().ok_or_else(malformed("time of a line"))?);
        let [stream, flags] = self.take().ok_or_else(malformed("stream of a line"))?;
        let stream = Stream::from_code(stream).ok_or_else(malformed("stream of a line"))?;
        let (partial, has_step) = flags_of(flags)?;
        let step = u32::from_le_bytes(self.take().ok_or_else(malformed("step of a line"))?);
        let length = self.take().ok_or_else(malformed("length of a line"))?;
        let length = u32::from_le_bytes(length) as usize;
        let (message, rest) = self
            .0
            .split_at_checked(length)
            .ok_or_else(malformed("length of a line"))?;
        self.0 = rest;
        let message = std::str::from_utf8(message)
            .ok()
            .ok_or_else(malformed("text of a line"))?;
        Ok(LogLine {
            at_us,
            stream,
            step: has_step.then_some(step),
            partial,
            message: message.to_owned(),
        })
    }
}
