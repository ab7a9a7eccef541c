//! What the log files promise, through their public face.

mod concurrency;
mod damage;
mod folder;
mod quarantine;
mod recovery;
mod rollback;
mod round_trip;

use std::fs;
use std::path::{Path, PathBuf};

use super::{
    Chunk, Location, LogLine, Options, Scanned, SegmentReader, SegmentWriter, Stream, scan,
};

/// A chunk that its number alone decides.
pub(super) fn chunk(n: u64) -> Chunk {
    let streams = [
        Stream::System,
        Stream::Stdout,
        Stream::Stderr,
        Stream::Event,
    ];
    let line = |k: u64| LogLine {
        at_us: (n * 1000 + k).cast_signed(),
        stream: streams[((n + k) % 4) as usize],
        step: (k % 2 == 1).then_some(n as u32),
        partial: k == 2,
        message: "é".repeat((n % 5 + k) as usize),
    };
    Chunk {
        run_id: (n % 3 + 1).cast_signed(),
        first_seq: n * 10,
        lines: (0..1 + n % 3).map(line).collect(),
    }
}

pub(super) fn small_segments(dir: &Path, segment_bytes: u64) -> SegmentWriter {
    let (writer, recovery) = SegmentWriter::open(dir, Options { segment_bytes }).unwrap();
    assert!(recovery.is_clean());
    writer
}

fn append(writer: &mut SegmentWriter, chunk: &Chunk) -> Location {
    writer
        .append(chunk.run_id, chunk.first_seq, &chunk.lines)
        .unwrap()
}

/// Writes chunks 0 to `count` into one new segment; answers their places.
fn written(dir: &Path, count: u64) -> Vec<Location> {
    let mut writer = small_segments(dir, u64::MAX);
    let places = (0..count).map(|n| append(&mut writer, &chunk(n))).collect();
    writer.sync().unwrap();
    places
}

fn segment_path(dir: &Path, segment: u64) -> PathBuf {
    dir.join(format!("{segment:010}.seg"))
}

/// A folder whose first segment has these bytes.
fn folder_of(bytes: &[u8]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(segment_path(dir.path(), 1), bytes).unwrap();
    dir
}

fn scanned(dir: &Path, segment: u64) -> Vec<Scanned> {
    scan(dir, segment).unwrap().map(Result::unwrap).collect()
}

fn intact(places: &[Location], numbers: impl IntoIterator<Item = u64>) -> Vec<Scanned> {
    numbers
        .into_iter()
        .map(|n| Scanned::Chunk(places[n as usize], chunk(n)))
        .collect()
}

fn end_of(place: &Location) -> u64 {
    place.offset + u64::from(place.length)
}

fn check_reads(dir: &Path, places: &[Location]) {
    let reader = SegmentReader::new(dir);
    for (n, place) in (0..).zip(places) {
        assert_eq!(reader.read(*place).unwrap(), chunk(n));
    }
}
