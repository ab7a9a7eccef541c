//! A verified record whose lines are read where they lie: nothing is copied before it is wanted.
//!
//! For searching and for taking parts of a chunk. Never reads bytes that were not verified.

use super::frame::{HEADER_BYTES, LINE_BYTES, PREAMBLE_BYTES, flags_of};
use super::{Chunk, Damage, LogLine, Stream, frame};

/// A chunk as it is stored.
#[derive(Clone, Debug)]
pub struct RawChunk {
    frame: Vec<u8>,
    run_id: i64,
    first_seq: u64,
}

impl RawChunk {
    /// Takes a record that was verified.
    pub(super) fn of_verified(frame: Vec<u8>) -> Result<Self, Damage> {
        let field = |at: usize, part| -> Result<[u8; 8], Damage> {
            let bytes = frame.get(HEADER_BYTES + at..HEADER_BYTES + at + 8);
            bytes
                .and_then(|bytes| bytes.try_into().ok())
                .ok_or(Damage::Malformed { part })
        };
        let run_id = i64::from_le_bytes(field(0, "run id")?);
        let first_seq = u64::from_le_bytes(field(8, "first line number")?);
        if frame.len() < HEADER_BYTES + PREAMBLE_BYTES {
            return Err(Damage::Malformed {
                part: "number of lines",
            });
        }
        Ok(Self {
            frame,
            run_id,
            first_seq,
        })
    }

    #[must_use]
    pub fn run_id(&self) -> i64 {
        self.run_id
    }

    /// The number of its first line.
    #[must_use]
    pub fn first_seq(&self) -> u64 {
        self.first_seq
    }

    /// Everything behind the record's header: texts, and the numbers between them.
    #[must_use]
    pub fn text(&self) -> &[u8] {
        &self.frame[HEADER_BYTES + PREAMBLE_BYTES..]
    }

    /// Its lines, in order. Ends after the first that cannot be read.
    #[must_use]
    pub fn lines(&self) -> RawLines<'_> {
        RawLines {
            text: self.text(),
            at: 0,
        }
    }

    /// All of it, as values.
    ///
    /// # Errors
    /// When a writer with a fault made it.
    pub fn decode(&self) -> Result<Chunk, Damage> {
        frame::decode(&self.frame)
    }
}

/// A line where it lies.
#[derive(Clone, Copy, Debug)]
pub struct RawLine<'a> {
    head: &'a [u8; LINE_BYTES],
    /// Where the message begins in [`RawChunk::text`].
    pub at: usize,
    pub message: &'a [u8],
}

impl RawLine<'_> {
    /// The line as a value.
    ///
    /// # Errors
    /// When a writer with a fault made it.
    pub fn to_line(&self) -> Result<LogLine, Damage> {
        let malformed = |part| Damage::Malformed { part };
        let [
            t0,
            t1,
            t2,
            t3,
            t4,
            t5,
            t6,
            t7,
            stream,
            flags,
            s0,
            s1,
            s2,
            s3,
            ..,
        ] = *self.head;
        let message = std::str::from_utf8(self.message);
        let (partial, has_step) = flags_of(flags)?;
        Ok(LogLine {
            at_us: i64::from_le_bytes([t0, t1, t2, t3, t4, t5, t6, t7]),
            stream: Stream::from_code(stream).ok_or(malformed("stream of a line"))?,
            step: has_step.then_some(u32::from_le_bytes([s0, s1, s2, s3])),
            partial,
            message: message.map_err(|_| malformed("text of a line"))?.to_owned(),
        })
    }
}

/// The lines of a [`RawChunk`].
#[derive(Clone, Debug)]
pub struct RawLines<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Iterator for RawLines<'a> {
    type Item = RawLine<'a>;

    fn next(&mut self) -> Option<RawLine<'a>> {
        let head: &[u8; LINE_BYTES] = self.text.get(self.at..)?.first_chunk()?;
        let length = head.last_chunk::<4>().copied().map(u32::from_le_bytes)? as usize;
        let at = self.at + LINE_BYTES;
        let message = self.text.get(at..at.checked_add(length)?)?;
        self.at = at + length;
        Some(RawLine { head, at, message })
    }
}
