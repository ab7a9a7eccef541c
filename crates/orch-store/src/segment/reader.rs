//! Reading chunks at known places, from many threads at once.
//!
//! Keeps a few files open and holds one chunk at a time. Believes no location and no byte before
//! it is checked; never writes.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::frame::{self, MAX_FRAME_BYTES};
use super::{Chunk, Damage, Location, Quarantine, RawChunk, ReadError, Region, files};

const OPEN_FILES: usize = 16;

/// Reads chunks; clones share the open files.
#[derive(Clone)]
pub struct SegmentReader {
    inner: Arc<Inner>,
}

struct Inner {
    dir: PathBuf,
    /// Where damage is noted.
    quarantine: Quarantine,
    /// The files used last, the latest at the back.
    open: Mutex<VecDeque<(u64, Arc<File>)>>,
}

impl SegmentReader {
    /// A reader of the segments in `dir`, which need not exist yet.
    #[must_use]
    pub fn new(dir: &Path) -> Self {
        Self::noting(dir, Quarantine::in_memory())
    }

    /// As [`new`](Self::new); damage that it meets is noted.
    #[must_use]
    pub fn noting(dir: &Path, quarantine: Quarantine) -> Self {
        Self {
            inner: Arc::new(Inner {
                dir: dir.to_owned(),
                quarantine,
                open: Mutex::default(),
            }),
        }
    }

    /// Reads the chunk that was written at `at`, once the writer has synced it.
    ///
    /// A record is only known by its place: where files were restored or cut off since, it may
    /// be another than the index means, so compare its run and first line number.
    ///
    /// # Errors
    /// When the segment is gone, cannot be read, or holds no intact record at exactly this place.
    pub fn read(&self, at: Location) -> Result<Chunk, ReadError> {
        self.read_raw(at)?
            .decode()
            .map_err(|damage| ReadError::Corrupt {
                segment: at.segment,
                offset: at.offset,
                damage,
            })
    }

    /// As [`read`](Self::read), with the lines left as they lie.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_raw(&self, at: Location) -> Result<RawChunk, ReadError> {
        let read = self.read_checked(at);
        let damage = match &read {
            // One that is gone was removed, or is missed by whoever reads.
            Ok(_) | Err(ReadError::Gone { .. }) => return read,
            Err(ReadError::Io { source, .. }) => Damage::Unreadable {
                cause: source.to_string(),
            },
            Err(ReadError::Corrupt { damage, .. }) => damage.clone(),
        };
        self.inner.quarantine.note(&Region {
            segment: at.segment,
            offset: at.offset,
            length: at.length.into(),
            damage,
        });
        read
    }

    fn read_checked(&self, at: Location) -> Result<RawChunk, ReadError> {
        let Location {
            segment, offset, ..
        } = at;
        let length = at.length as usize;
        let corrupt = |damage| ReadError::Corrupt {
            segment,
            offset,
            damage,
        };
        if length > MAX_FRAME_BYTES {
            let found = u64::from(at.length);
            return Err(corrupt(Damage::Length { found }));
        }
        let file = self.file(at)?;
        let mut frame = vec![0; length];
        // The kernel counts in signed numbers: a place behind them is behind every end as well.
        if i64::try_from(offset.saturating_add(length as u64)).is_err() {
            return Err(corrupt(Damage::CutOff));
        }
        file.read_exact_at(&mut frame, offset)
            .map_err(|source| match source.kind() {
                io::ErrorKind::UnexpectedEof => corrupt(Damage::CutOff),
                _ => ReadError::io(segment, offset)(source),
            })?;
        frame::verify(segment, offset, &frame).map_err(corrupt)?;
        RawChunk::of_verified(frame).map_err(corrupt)
    }

    /// Closes a segment that was retired, so that its space is free.
    pub fn forget(&self, segment: u64) {
        self.open().retain(|(open, _)| *open != segment);
        self.inner.quarantine.forget(segment);
    }

    fn file(&self, at: Location) -> Result<Arc<File>, ReadError> {
        if let Some(file) = self.used_again(at.segment) {
            return Ok(file);
        }
        // Opened without the lock: a slow disk must not hold up readers of open files.
        let file = files::open_to_read(&self.inner.dir, at.segment)
            .map_err(ReadError::io(at.segment, at.offset))?;
        if let Some(file) = self.used_again(at.segment) {
            return Ok(file);
        }
        let file = Arc::new(file);
        let mut open = self.open();
        open.push_back((at.segment, Arc::clone(&file)));
        if open.len() > OPEN_FILES {
            open.pop_front();
        }
        Ok(file)
    }

    fn used_again(&self, segment: u64) -> Option<Arc<File>> {
        let mut open = self.open();
        let position = open.iter().position(|(open, _)| *open == segment)?;
        let entry = open.remove(position)?;
        let file = Arc::clone(&entry.1);
        open.push_back(entry);
        Some(file)
    }

    fn open(&self) -> MutexGuard<'_, VecDeque<(u64, Arc<File>)>> {
        self.inner
            .open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::segment::tests::{chunk, small_segments};

    #[test]
    fn open_files_are_bounded_and_forgotten_on_request() {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = small_segments(dir.path(), 1);
        let places: Vec<_> = (0..40)
            .map(|n| {
                let chunk = chunk(n);
                writer
                    .append(chunk.run_id, chunk.first_seq, &chunk.lines)
                    .unwrap()
            })
            .collect();
        writer.sync().unwrap();
        let reader = SegmentReader::new(dir.path());
        for (n, at) in (0..).zip(&places) {
            assert_eq!(reader.read(*at).unwrap(), chunk(n));
        }
        let open: Vec<_> = reader.open().iter().map(|(segment, _)| *segment).collect();
        assert_eq!(open, (25..=40).collect::<Vec<_>>());

        reader.forget(30);
        let open: Vec<_> = reader.open().iter().map(|(segment, _)| *segment).collect();
        assert_eq!(open, (25..=29).chain(31..=40).collect::<Vec<_>>());
    }
}
