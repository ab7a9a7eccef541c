//! Reading a segment from its beginning, without the index: verification, and making the index
//! anew after its loss.
//!
//! Walks a file in constant memory and tiles it completely into records and damaged regions.
//! Never changes a file and never stops at damage.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::frame::{self, HEADER_BYTES, MAGIC};
use super::{Chunk, Damage, Location, ReadError, Region, files};

const WINDOW_BYTES: usize = 256 * 1024;

/// What a scan finds next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scanned {
    Chunk(Location, Chunk),
    Damaged(Region),
}

/// Scans a segment from its beginning to its present end.
///
/// It also finds records whose transaction failed and that were not rolled back. To make an
/// index out of scans, take the segments oldest first, and let each chunk replace all that its
/// run has from the chunk's first line on: an unacknowledged record is always followed by the
/// one that took its line numbers, unless it is the run's last. In the newest segment of a
/// running writer, the last record may be half written and appear as damaged.
///
/// # Errors
/// When the file cannot be opened.
pub fn scan(dir: &Path, segment: u64) -> Result<Scan, ReadError> {
    let frames = files::open_to_read(dir, segment)
        .and_then(|file| Frames::new(file, segment))
        .map_err(ReadError::io(segment, 0))?;
    Ok(Scan {
        frames,
        state: State::Going,
    })
}

/// The chunks and damaged regions of one segment; ends after an error of the disk.
pub struct Scan {
    frames: Frames,
    state: State,
}

#[derive(PartialEq)]
enum State {
    Going,
    Failed,
}

impl Iterator for Scan {
    type Item = Result<Scanned, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.state == State::Failed {
            return None;
        }
        let offset = self.frames.at;
        let next = self.frames.next_chunk().transpose()?;
        if next.is_err() {
            self.state = State::Failed;
        }
        Some(next.map_err(ReadError::io(self.frames.segment, offset)))
    }
}

/// What lies at a place of a file.
pub(super) enum Piece {
    /// A record whose checksum is right.
    Frame(Location),
    /// Bytes up to the next beginning of a record, or to the end.
    Gap(Region),
}

/// The pieces of a segment, in order and without a gap between them.
pub(super) struct Frames {
    file: File,
    segment: u64,
    end: u64,
    at: u64,
    window: Vec<u8>,
    window_at: u64,
}

impl Frames {
    pub(super) fn new(file: File, segment: u64) -> io::Result<Self> {
        let end = file.metadata()?.len();
        Ok(Self {
            file,
            segment,
            end,
            at: 0,
            window: Vec::new(),
            window_at: 0,
        })
    }

    /// The size of the file when this began.
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    pub(super) fn next_piece(&mut self) -> io::Result<Option<Piece>> {
        if self.at >= self.end {
            return Ok(None);
        }
        let offset = self.at;
        match self.check(offset)? {
            Ok(length) => {
                self.at += u64::from(length);
                Ok(Some(Piece::Frame(Location {
                    segment: self.segment,
                    offset,
                    length,
                })))
            }
            Err(damage) => {
                self.at = self.find_magic(offset + 1)?;
                Ok(Some(Piece::Gap(self.region(offset, damage))))
            }
        }
    }

    fn next_chunk(&mut self) -> io::Result<Option<Scanned>> {
        let location = match self.next_piece()? {
            None => return Ok(None),
            Some(Piece::Gap(region)) => return Ok(Some(Scanned::Damaged(region))),
            Some(Piece::Frame(location)) => location,
        };
        let frame = self.bytes(location.offset, location.length as usize)?;
        Ok(Some(match frame::decode(frame) {
            Ok(chunk) => Scanned::Chunk(location, chunk),
            Err(damage) => Scanned::Damaged(self.region(location.offset, damage)),
        }))
    }

    fn region(&self, offset: u64, damage: Damage) -> Region {
        Region {
            segment: self.segment,
            offset,
            length: self.at - offset,
            damage,
        }
    }

    /// The length of the record at `offset`, if there is an intact one.
    fn check(&mut self, offset: u64) -> io::Result<Result<u32, Damage>> {
        let segment = self.segment;
        let claimed = match frame::claimed_length(self.bytes(offset, HEADER_BYTES)?) {
            Ok(claimed) => claimed,
            Err(damage) => return Ok(Err(damage)),
        };
        let frame = self.bytes(offset, claimed)?;
        if frame.len() < claimed {
            return Ok(Err(Damage::CutOff));
        }
        Ok(frame::verify(segment, offset, frame).map(|()| claimed as u32))
    }

    /// Where the next record begins at or behind `from`; the end of the file where none does.
    fn find_magic(&mut self, mut from: u64) -> io::Result<u64> {
        loop {
            let bytes = self.bytes(from, WINDOW_BYTES)?;
            if bytes.len() < MAGIC.len() {
                return Ok(self.end);
            }
            if let Some(position) = bytes.windows(MAGIC.len()).position(|found| found == MAGIC) {
                return Ok(from + position as u64);
            }
            from += (bytes.len() - MAGIC.len() + 1) as u64;
        }
    }

    /// Up to `wanted` bytes from `offset` on; fewer only at the end of the file.
    pub(super) fn bytes(&mut self, offset: u64, wanted: usize) -> io::Result<&[u8]> {
        let left = self.end.saturating_sub(offset);
        let wanted = usize::try_from(left).map_or(wanted, |left| left.min(wanted));
        let inside = |window_at: u64, len: usize| {
            let start = usize::try_from(offset.checked_sub(window_at)?).ok()?;
            (start + wanted <= len).then_some(start)
        };
        let start = match inside(self.window_at, self.window.len()) {
            Some(start) => start,
            None => {
                let size = WINDOW_BYTES.max(wanted);
                let size = usize::try_from(left).map_or(size, |left| left.min(size));
                // Emptied first, so that a failed read leaves no bytes of another place behind.
                self.window.clear();
                let mut window = std::mem::take(&mut self.window);
                window.resize(size, 0);
                self.file.read_exact_at(&mut window, offset)?;
                self.window = window;
                self.window_at = offset;
                0
            }
        };
        Ok(&self.window[start..start + wanted])
    }
}
