//! The one writer: appends records, rolls over to new segments, makes what it wrote durable.
//!
//! Appending fills a buffer; nothing counts before [`SegmentWriter::sync`] returned well. Never
//! writes again after a failed write or sync until it is reopened: the kernel forgets pages that
//! it failed to write, so a second sync that succeeds proves nothing.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::recover::{Recovery, recover};
use super::{Location, LogError, LogLine, files, frame};

/// A buffer that is fuller than this is written out before the next sync.
const BUFFER_BYTES: usize = 1024 * 1024;

/// How log files are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// A segment that would grow beyond this is followed by a new one. One record is never
    /// split, so a segment may hold a single larger one.
    pub segment_bytes: u64,
}

impl Default for Options {
    fn default() -> Self {
        let small = orch_failpoint::has_fault("small_segments");
        Self {
            segment_bytes: if small { 4 } else { 64 * 1024 } * 1024,
        }
    }
}

/// A place to go back to, good until the next one is taken.
#[derive(Debug)]
pub struct Mark {
    id: u64,
    segment: u64,
    offset: u64,
}

/// Ids differ between writers too, so that a mark of one is worth nothing to another.
static NEXT_MARK: AtomicU64 = AtomicU64::new(1);

/// Writes log files; there is one at a time for a folder.
pub struct SegmentWriter {
    dir: PathBuf,
    options: Options,
    /// Keeps other writers out for as long as it is open.
    _lock: File,
    segment: u64,
    file: File,
    /// Bytes of the segment that the kernel has.
    written: u64,
    /// Bytes behind them that only we have.
    buffer: Vec<u8>,
    newest_mark: u64,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing was written since the last sync.
    Synced,
    Unsynced,
    Poisoned,
}

impl SegmentWriter {
    /// Opens the folder, made where it is missing, at the end of what was written, and repairs
    /// what a crash left behind.
    ///
    /// # Errors
    /// When another writer has the folder, or the disk fails. Damage inside the files is not an
    /// error: it is reported in the [`Recovery`].
    pub fn open(dir: &Path, options: Options) -> Result<(Self, Recovery), LogError> {
        let lock = files::lock(dir)?;
        let (file, recovery) = recover(dir)?;
        let writer = Self {
            dir: dir.to_owned(),
            options,
            _lock: lock,
            segment: recovery.segment,
            file,
            written: recovery.end,
            buffer: Vec::new(),
            newest_mark: 0,
            state: State::Synced,
        };
        Ok((writer, recovery))
    }

    /// Whether a write or sync failed, so that nothing can be written before a
    /// [`reopen`](Self::reopen).
    #[must_use]
    pub fn is_poisoned(&self) -> bool {
        self.state == State::Poisoned
    }

    /// Starts over from what is in the files, without giving the folder up; what was appended
    /// and not synced may be gone.
    ///
    /// # Errors
    /// When the disk fails (still); the writer is poisoned then.
    pub fn reopen(&mut self) -> Result<Recovery, LogError> {
        self.state = State::Poisoned;
        self.buffer.clear();
        let (file, recovery) = recover(&self.dir)?;
        self.segment = recovery.segment;
        self.file = file;
        self.written = recovery.end;
        self.newest_mark = 0;
        self.state = State::Synced;
        Ok(recovery)
    }

    /// Appends one chunk; answers where it will be found after the next sync.
    ///
    /// # Errors
    /// When the lines are no chunk (none, more than [`super::MAX_CHUNK_LINES`], more text than
    /// [`super::MAX_CHUNK_BYTES`]), which changes nothing; or the disk fails, which poisons.
    pub fn append(
        &mut self,
        run_id: i64,
        first_seq: u64,
        lines: &[LogLine],
    ) -> Result<Location, LogError> {
        self.check_state()?;
        let length = frame::measure(first_seq, lines)?;
        if self.end() > 0 && self.end() + u64::from(length) > self.options.segment_bytes {
            self.roll()?;
        } else if self.buffer.len() > BUFFER_BYTES {
            self.flush()?;
        }
        let at = Location {
            segment: self.segment,
            offset: self.end(),
            length,
        };
        frame::encode(&mut self.buffer, at, run_id, first_seq, lines);
        Ok(at)
    }

    /// Makes everything that was appended durable; costs nothing when nothing was.
    ///
    /// # Errors
    /// When the disk fails. The writer is poisoned then, and nothing appended since the last
    /// sync may be acknowledged.
    pub fn sync(&mut self) -> Result<(), LogError> {
        self.check_state()?;
        self.flush()?;
        if self.state == State::Unsynced {
            let synced = match orch_failpoint::has_fault("no_sync") {
                true => Ok(()),
                false => self.file.sync_data(),
            };
            self.done("sync", synced)?;
            self.state = State::Synced;
        }
        Ok(())
    }

    /// Takes the place to which [`rollback_to`](Self::rollback_to) can go back: at the beginning
    /// of a transaction. Older marks are void from now on.
    pub fn mark(&mut self) -> Mark {
        self.newest_mark = NEXT_MARK.fetch_add(1, Ordering::Relaxed);
        Mark {
            id: self.newest_mark,
            segment: self.segment,
            offset: self.end(),
        }
    }

    /// Discards what was appended since the mark, synced or not.
    ///
    /// Only for a transaction that certainly did not commit. Where that is uncertain (the
    /// database's answer was lost), leave the records: those the index does not name are harmless
    /// and cost space alone, those it does name are needed. For the same reason the shortening
    /// is not made durable by itself.
    ///
    /// # Errors
    /// When a newer mark was taken, which changes nothing; or the disk fails, which poisons.
    pub fn rollback_to(&mut self, mark: Mark) -> Result<(), LogError> {
        self.check_state()?;
        if mark.id != self.newest_mark {
            return Err(LogError::StaleMark);
        }
        self.newest_mark = 0;
        if mark.segment == self.segment {
            return self.cut_current(mark.offset);
        }
        // Segments begun since are emptied and kept: a number is never given twice, so that
        // a file which a reader has open stays the file of its number.
        self.cut_current(0)?;
        for segment in mark.segment..self.segment {
            let length = if segment == mark.segment {
                mark.offset
            } else {
                0
            };
            let shortened = files::cut(&self.dir, segment, length);
            self.poison_unless(shortened)?;
        }
        Ok(())
    }

    fn cut_current(&mut self, offset: u64) -> Result<(), LogError> {
        if let Some(kept) = offset.checked_sub(self.written) {
            let kept = usize::try_from(kept).expect("invariant: a mark lies within the buffer");
            self.buffer.truncate(kept);
            return Ok(());
        }
        self.buffer.clear();
        self.state = State::Unsynced;
        let shortened = self.file.set_len(offset);
        self.done("shorten", shortened)?;
        self.written = offset;
        Ok(())
    }

    /// Where the next record goes.
    fn end(&self) -> u64 {
        self.written + self.buffer.len() as u64
    }

    fn roll(&mut self) -> Result<(), LogError> {
        self.sync()?;
        self.done("create", orch_failpoint::check("store.segment.roll"))?;
        let next = self.segment + 1;
        let created = files::create(&self.dir, next);
        self.done("create", orch_failpoint::check("store.segment.created"))?;
        self.file = self.poison_unless(created)?;
        self.segment = next;
        self.written = 0;
        Ok(())
    }

    fn flush(&mut self) -> Result<(), LogError> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        self.state = State::Unsynced;
        self.done("write", orch_failpoint::check("store.log.flush"))?;
        let wrote = self.file.write_all_at(&self.buffer, self.written);
        self.done("write", wrote)?;
        self.done("write", orch_failpoint::check("store.log.flushed"))?;
        self.written = self.end();
        self.buffer.clear();
        // One burst must not keep its memory for good.
        self.buffer.shrink_to(2 * BUFFER_BYTES);
        Ok(())
    }

    fn check_state(&self) -> Result<(), LogError> {
        match self.state {
            State::Synced | State::Unsynced => Ok(()),
            State::Poisoned => Err(LogError::Poisoned),
        }
    }

    fn done<T>(
        &mut self,
        attempt: &'static str,
        result: std::io::Result<T>,
    ) -> Result<T, LogError> {
        let path = files::path(&self.dir, self.segment);
        self.poison_unless(result.map_err(LogError::io(attempt, &path)))
    }

    fn poison_unless<T>(&mut self, result: Result<T, LogError>) -> Result<T, LogError> {
        if result.is_err() {
            self.state = State::Poisoned;
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::segment::tests::{chunk, small_segments};
    use crate::segment::{Chunk, SegmentReader};

    fn append(writer: &mut SegmentWriter, chunk: &Chunk) -> Result<Location, LogError> {
        writer.append(chunk.run_id, chunk.first_seq, &chunk.lines)
    }

    fn check_poisoned(failing: &Path, attempt: &str) {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = small_segments(dir.path(), 1 << 20);
        let acknowledged = append(&mut writer, &chunk(1)).unwrap();
        writer.sync().unwrap();
        let mark = writer.mark();
        append(&mut writer, &chunk(2)).unwrap();

        writer.file = File::options().write(true).open(failing).unwrap();
        let error = writer.sync().unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with(&format!("failed to {attempt} ")),
            "{error}"
        );
        assert!(writer.is_poisoned());
        assert!(matches!(writer.sync(), Err(LogError::Poisoned)));
        assert!(matches!(
            append(&mut writer, &chunk(3)),
            Err(LogError::Poisoned)
        ));
        assert!(matches!(writer.rollback_to(mark), Err(LogError::Poisoned)));

        assert!(writer.reopen().unwrap().is_clean());
        assert!(!writer.is_poisoned());
        let after = append(&mut writer, &chunk(4)).unwrap();
        writer.sync().unwrap();
        let reader = SegmentReader::new(dir.path());
        assert_eq!(reader.read(acknowledged).unwrap(), chunk(1));
        assert_eq!(reader.read(after).unwrap(), chunk(4));
    }

    #[test]
    fn failed_write_poisons_until_reopened() {
        check_poisoned(Path::new("/dev/full"), "write");
    }

    #[test]
    fn failed_sync_poisons_until_reopened() {
        // The null device takes every write and cannot be synced.
        check_poisoned(Path::new("/dev/null"), "sync");
    }

    #[test]
    fn a_large_transaction_does_not_keep_its_buffer() {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = small_segments(dir.path(), 1 << 30);
        let mut large = chunk(1);
        large.lines[0].message = "x".repeat(1_000_000);
        for _ in 0..20 {
            append(&mut writer, &large).unwrap();
            assert!(writer.buffer.len() < 3 * BUFFER_BYTES);
        }
        writer.sync().unwrap();
        assert!(writer.buffer.capacity() <= 2 * BUFFER_BYTES);
    }
}
