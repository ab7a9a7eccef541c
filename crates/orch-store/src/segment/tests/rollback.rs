use super::*;
use crate::segment::{LogError, list};

fn check_rolled_back(
    segment_bytes: u64,
    discard: std::ops::Range<u64>,
    sync_before_rollback: impl Fn(&mut SegmentWriter),
) {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = small_segments(dir.path(), segment_bytes);
    let mut places: Vec<_> = (0..3).map(|n| append(&mut writer, &chunk(n))).collect();
    writer.sync().unwrap();
    let reader = SegmentReader::new(dir.path());
    let mark = writer.mark();
    let discarded: Vec<_> = discard.map(|n| append(&mut writer, &chunk(n))).collect();
    sync_before_rollback(&mut writer);
    // Readers may have the discarded records' files open.
    let _ = reader.read(discarded[discarded.len() - 1]);
    writer.rollback_to(mark).unwrap();

    places.extend((3..20).map(|n| append(&mut writer, &chunk(n))));
    writer.sync().unwrap();
    for (n, place) in (0..).zip(&places) {
        assert_eq!(reader.read(*place).unwrap(), chunk(n));
    }
    let files = list(dir.path()).unwrap();
    let found: Vec<_> = files
        .iter()
        .flat_map(|file| scanned(dir.path(), file.segment))
        .collect();
    assert_eq!(found, intact(&places, 0..20));

    drop(writer);
    let last = places[19];
    let (_, recovery) = SegmentWriter::open(dir.path(), Options::default()).unwrap();
    assert!(recovery.is_clean());
    assert_eq!(
        (recovery.segment, recovery.end),
        (last.segment, end_of(&last))
    );
}

#[test]
fn rollback_leaves_nothing_of_what_was_only_buffered() {
    check_rolled_back(u64::MAX, 50..53, |_| {});
}

#[test]
fn rollback_leaves_nothing_of_what_was_synced() {
    check_rolled_back(u64::MAX, 50..53, |writer| writer.sync().unwrap());
}

#[test]
fn rollback_reaches_over_several_segments() {
    check_rolled_back(400, 50..70, |_| {});
    check_rolled_back(400, 50..70, |writer| writer.sync().unwrap());
}

#[test]
fn only_the_newest_mark_is_good_and_only_once() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = small_segments(dir.path(), u64::MAX);
    let old = writer.mark();
    let first = append(&mut writer, &chunk(0));
    writer.sync().unwrap();
    let new = writer.mark();
    append(&mut writer, &chunk(1));
    assert!(matches!(writer.rollback_to(old), Err(LogError::StaleMark)));
    writer.rollback_to(new).unwrap();
    writer.sync().unwrap();
    assert_eq!(scanned(dir.path(), 1), intact(&[first], [0]));

    let before = writer.mark();
    writer.reopen().unwrap();
    assert!(matches!(
        writer.rollback_to(before),
        Err(LogError::StaleMark)
    ));
}
