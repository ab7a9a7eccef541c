use proptest::prelude::*;

use super::*;
use crate::segment::{LogError, MAX_CHUNK_BYTES, MAX_CHUNK_LINES, list};

fn any_line() -> impl Strategy<Value = LogLine> {
    let stream = prop_oneof![
        Just(Stream::System),
        Just(Stream::Stdout),
        Just(Stream::Stderr),
        Just(Stream::Event),
    ];
    let message = prop_oneof![any::<String>(), "\\PC{0,200}", "[\u{0}\r\n\u{10FFFF}]{0,9}"];
    (
        any::<i64>(),
        stream,
        any::<Option<u32>>(),
        any::<bool>(),
        message,
    )
        .prop_map(|(at_us, stream, step, partial, message)| LogLine {
            at_us,
            stream,
            step,
            partial,
            message,
        })
}

fn any_chunk() -> impl Strategy<Value = Chunk> {
    let first_seq = prop_oneof![0..10_000_u64, Just(i64::MAX as u64 - 20)];
    let lines = prop::collection::vec(any_line(), 1..20);
    (any::<i64>(), first_seq, lines).prop_map(|(run_id, first_seq, lines)| Chunk {
        run_id,
        first_seq,
        lines,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_appended_is_read_and_scanned_unchanged(
        chunks in prop::collection::vec(any_chunk(), 1..8),
        segment_bytes in prop_oneof![Just(0), Just(700), Just(1 << 20)],
    ) {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = small_segments(dir.path(), segment_bytes);
        let places: Vec<_> = chunks.iter().map(|chunk| append(&mut writer, chunk)).collect();
        writer.sync().unwrap();

        let reader = SegmentReader::new(dir.path());
        let read: Vec<_> = places.iter().map(|place| reader.read(*place).unwrap()).collect();
        prop_assert_eq!(&read, &chunks);

        let segments = list(dir.path()).unwrap();
        let found: Vec<_> = segments.iter().flat_map(|file| scanned(dir.path(), file.segment)).collect();
        let expected: Vec<_> =
            places.into_iter().zip(chunks).map(|(place, chunk)| Scanned::Chunk(place, chunk)).collect();
        prop_assert_eq!(found, expected);
    }
}

fn lines(count: usize, message: &str) -> Vec<LogLine> {
    let line = LogLine {
        at_us: 1,
        stream: Stream::Stdout,
        step: None,
        partial: false,
        message: message.to_owned(),
    };
    vec![line; count]
}

#[test]
fn largest_chunks_are_written_and_larger_ones_refused_without_a_trace() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = small_segments(dir.path(), u64::MAX);
    let text = "x".repeat(MAX_CHUNK_BYTES / MAX_CHUNK_LINES);
    let largest = lines(MAX_CHUNK_LINES, &text);
    let first = writer.append(1, 0, &largest).unwrap();

    let refusals = [
        writer.append(1, 1, &[]),
        writer.append(1, 1, &lines(MAX_CHUNK_LINES + 1, "")),
        writer.append(1, 1, &lines(1, &"x".repeat(MAX_CHUNK_BYTES + 1))),
        writer.append(1, i64::MAX as u64, &lines(2, "")),
        writer.append(1, u64::MAX, &lines(2, "")),
    ];
    let messages: Vec<_> = refusals
        .map(|refusal| refusal.unwrap_err().to_string())
        .into();
    assert_eq!(
        messages,
        [
            "a log chunk has no lines; at least one is needed",
            "a log chunk has 65537 lines, and 65536 are allowed; split it",
            "a log chunk has 1048577 bytes of text, and 1048576 are allowed; split it, and a longer line into partial lines",
            "log line numbers end at 9223372036854775807, and a chunk of 2 lines starts at 9223372036854775807",
            "log line numbers end at 9223372036854775807, and a chunk of 2 lines starts at 18446744073709551615",
        ]
    );

    let second = writer.append(1, 9, &lines(1, "")).unwrap();
    assert_eq!(second.offset, end_of(&first));
    writer.sync().unwrap();
    let reader = SegmentReader::new(dir.path());
    assert_eq!(reader.read(first).unwrap().lines, largest);
    assert_eq!(reader.read(second).unwrap().lines, lines(1, ""));
    assert_eq!(scanned(dir.path(), 1).len(), 2);
}

#[test]
fn segments_roll_over_and_never_split_a_record() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = small_segments(dir.path(), 400);
    let places: Vec<_> = (0..30).map(|n| append(&mut writer, &chunk(n))).collect();
    writer.sync().unwrap();
    check_reads(dir.path(), &places);

    let files = list(dir.path()).unwrap();
    let numbers: Vec<_> = files.iter().map(|file| file.segment).collect();
    assert_eq!(numbers, (1..=places[29].segment).collect::<Vec<_>>());
    assert!(numbers.len() > 5);
    for file in files {
        assert!(file.size_bytes <= 400, "{file:?}");
        let last = places.iter().rfind(|place| place.segment == file.segment);
        assert_eq!(last.map(end_of), Some(file.size_bytes));
    }
}

#[test]
fn reopening_continues_where_the_last_writer_ended() {
    let dir = tempfile::tempdir().unwrap();
    let mut places = Vec::new();
    for n in 0..12 {
        let (mut writer, recovery) =
            SegmentWriter::open(dir.path(), Options { segment_bytes: 400 }).unwrap();
        assert!(recovery.is_clean());
        let last = places.last();
        assert_eq!(
            recovery.segment,
            last.map_or(1, |last: &Location| last.segment)
        );
        assert_eq!(recovery.end, last.map_or(0, end_of));
        places.push(append(&mut writer, &chunk(n)));
        writer.sync().unwrap();
    }
    check_reads(dir.path(), &places);
}

#[test]
fn what_was_not_synced_is_not_written_when_the_writer_goes() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = small_segments(dir.path(), u64::MAX);
    append(&mut writer, &chunk(1));
    drop(writer);
    assert_eq!(scanned(dir.path(), 1), []);
}

#[test]
fn a_folder_has_one_writer() {
    let dir = tempfile::tempdir().unwrap();
    let logs = dir.path().join("data").join("logs");
    let writer = small_segments(&logs, 1);
    let second = SegmentWriter::open(&logs, Options::default());
    assert!(matches!(second, Err(LogError::Locked { dir }) if dir == logs));
    drop(writer);
    small_segments(&logs, 1);
}
