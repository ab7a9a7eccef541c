use super::*;
use crate::segment::{LogError, ReadError, SegmentFile, list, retire};

#[test]
fn old_segments_are_listed_and_retired_and_the_newest_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = small_segments(dir.path(), 1);
    let places: Vec<_> = (0..3).map(|n| append(&mut writer, &chunk(n))).collect();
    writer.sync().unwrap();
    fs::write(dir.path().join("notes.txt"), "not a segment").unwrap();
    let file = |n: usize| SegmentFile {
        segment: n as u64 + 1,
        size_bytes: places[n].length.into(),
    };
    assert_eq!(list(dir.path()).unwrap(), [file(0), file(1), file(2)]);

    assert_eq!(retire(dir.path(), 2).unwrap(), u64::from(places[1].length));
    assert_eq!(list(dir.path()).unwrap(), [file(0), file(2)]);
    assert!(matches!(
        retire(dir.path(), 2),
        Err(LogError::NoSegment { segment: 2, .. })
    ));
    assert!(matches!(
        retire(dir.path(), 3),
        Err(LogError::InUse { segment: 3 })
    ));
    let reader = SegmentReader::new(dir.path());
    assert!(matches!(
        reader.read(places[1]),
        Err(ReadError::Gone { segment: 2 })
    ));
    assert!(matches!(
        scan(dir.path(), 2),
        Err(ReadError::Gone { segment: 2 })
    ));
    assert_eq!(reader.read(places[2]).unwrap(), chunk(2));

    let fourth = append(&mut writer, &chunk(3));
    writer.sync().unwrap();
    assert_eq!(
        (fourth.segment, reader.read(fourth).unwrap()),
        (4, chunk(3))
    );
}

#[test]
fn logs_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let logs = dir.path().join("logs");
    let _writer = small_segments(&logs, 1);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&logs), mode(&segment_path(&logs, 1))), (0o700, 0o600));
}
