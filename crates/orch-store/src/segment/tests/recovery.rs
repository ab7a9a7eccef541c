use super::*;
use crate::segment::{Damage, Recovery, Region, list};

#[test]
fn a_tail_torn_at_any_byte_leaves_exactly_the_intact_prefix() {
    let source = tempfile::tempdir().unwrap();
    let places = written(source.path(), 4);
    let bytes = fs::read(segment_path(source.path(), 1)).unwrap();
    for cut in 0..=bytes.len() {
        let dir = folder_of(&bytes[..cut]);
        let kept = places
            .iter()
            .filter(|place| end_of(place) <= cut as u64)
            .count();
        let end = places[..kept].last().map_or(0, end_of);
        let expected = Recovery {
            segment: 1,
            end,
            truncated_bytes: cut as u64 - end,
            quarantined: Vec::new(),
        };
        let (mut writer, recovery) = SegmentWriter::open(dir.path(), Options::default()).unwrap();
        assert_eq!(recovery, expected, "cut at {cut}");

        let mut again = places[..kept].to_vec();
        again.push(append(&mut writer, &chunk(kept as u64)));
        writer.sync().unwrap();
        assert_eq!(
            scanned(dir.path(), 1),
            intact(&again, 0..=kept as u64),
            "cut at {cut}"
        );
        check_reads(dir.path(), &again);
    }
}

#[test]
fn a_tail_that_was_never_filled_is_cut_off() {
    let source = tempfile::tempdir().unwrap();
    let places = written(source.path(), 3);
    let end = end_of(&places[2]);
    let intact_bytes = fs::read(segment_path(source.path(), 1)).unwrap();
    let half = &intact_bytes[..30];
    let zeros = vec![0; 300_000];
    for tail in [half, zeros.as_slice(), &[0xFF; 5], b"plain text"] {
        let dir = folder_of(&[intact_bytes.as_slice(), tail].concat());
        let (_, recovery) = SegmentWriter::open(dir.path(), Options::default()).unwrap();
        assert_eq!(
            (recovery.end, recovery.truncated_bytes),
            (end, tail.len() as u64)
        );
        assert_eq!(recovery.quarantined, []);
        assert_eq!(fs::read(segment_path(dir.path(), 1)).unwrap(), intact_bytes);
    }
}

/// Whatever is done to the last record, it is named with what is wrong, and nothing of it is lost.
fn check_kept(harm: impl Fn(&mut [u8]), damage: impl Fn(&Damage) -> bool) {
    let source = tempfile::tempdir().unwrap();
    let mut places = written(source.path(), 3);
    let last = places.pop().unwrap();
    let mut bytes = fs::read(segment_path(source.path(), 1)).unwrap();
    harm(&mut bytes[last.offset as usize..]);
    // Behind it, a record that was not written to its end is no reason to give it up.
    for torn in [&[][..], &bytes[..50], &[0; 5000]] {
        let dir = folder_of(&[bytes.as_slice(), torn].concat());
        let (mut writer, recovery) = SegmentWriter::open(dir.path(), Options::default()).unwrap();
        let [region] = recovery.quarantined.as_slice() else {
            panic!("{recovery:?}")
        };
        assert!(damage(&region.damage), "{region:?}");
        assert_eq!((region.segment, region.offset), (1, last.offset));
        assert!(!recovery.is_clean());
        let kept = fs::read(segment_path(dir.path(), 1)).unwrap();
        assert!(kept.starts_with(&bytes));

        let mut readable = places.clone();
        readable.push(append(&mut writer, &chunk(2)));
        writer.sync().unwrap();
        drop(writer);
        check_reads(dir.path(), &readable);
        let again = fs::read(segment_path(dir.path(), 1)).unwrap();
        assert!(again.starts_with(&bytes));
        let (_, recovery) = SegmentWriter::open(dir.path(), Options::default()).unwrap();
        assert_eq!(recovery.truncated_bytes, 0);
        assert_eq!(recovery.quarantined.len(), 1);
        check_reads(dir.path(), &readable);
    }
}

#[test]
fn a_record_of_elsewhere_is_no_record_here_and_kept() {
    let source = tempfile::tempdir().unwrap();
    let places = written(source.path(), 2);
    let mut bytes = fs::read(segment_path(source.path(), 1)).unwrap();
    bytes.extend_from_within(..places[0].length as usize);
    let dir = folder_of(&bytes);
    let (_, recovery) = SegmentWriter::open(dir.path(), Options::default()).unwrap();
    assert_eq!(
        (recovery.end, recovery.truncated_bytes),
        (bytes.len() as u64, 0)
    );
    let kept: Vec<_> = recovery
        .quarantined
        .iter()
        .map(|region| region.offset)
        .collect();
    assert_eq!(kept, [end_of(&places[1])]);
}

#[test]
fn a_last_record_whose_text_is_damaged_is_kept_and_named() {
    check_kept(
        |record| *record.last_mut().unwrap() ^= 1,
        |damage| matches!(damage, Damage::Checksum { .. }),
    );
}

#[test]
fn a_last_record_whose_beginning_is_damaged_is_kept_and_named() {
    check_kept(
        |record| record[0] ^= 1,
        |damage| *damage == Damage::NoRecord,
    );
    // Its length: one that cannot be.
    check_kept(
        |record| record[16] = 0xFF,
        |damage| matches!(damage, Damage::Length { .. }),
    );
}

#[test]
fn damage_before_an_intact_record_is_reported_and_left() {
    let source = tempfile::tempdir().unwrap();
    let mut places = written(source.path(), 5);
    let mut bytes = fs::read(segment_path(source.path(), 1)).unwrap();
    let (from, to) = (places[1].offset, places[3].offset);
    bytes[from as usize..to as usize].fill(0);
    let dir = folder_of(&bytes);

    let (mut writer, recovery) = SegmentWriter::open(dir.path(), Options::default()).unwrap();
    let region = Region {
        segment: 1,
        offset: from,
        length: to - from,
        damage: Damage::NoRecord,
    };
    let expected = Recovery {
        segment: 1,
        end: bytes.len() as u64,
        truncated_bytes: 0,
        quarantined: vec![region.clone()],
    };
    assert_eq!(recovery, expected);
    assert!(!recovery.is_clean());

    places.push(append(&mut writer, &chunk(5)));
    writer.sync().unwrap();
    let mut found = intact(&places, [0, 3, 4, 5]);
    found.insert(1, Scanned::Damaged(region));
    assert_eq!(scanned(dir.path(), 1), found);
}

#[test]
fn records_of_a_later_format_are_never_cut_off() {
    let source = tempfile::tempdir().unwrap();
    let places = written(source.path(), 3);
    let mut bytes = fs::read(segment_path(source.path(), 1)).unwrap();
    let offset = places[2].offset;
    bytes[offset as usize + 12] = 2;
    let dir = folder_of(&bytes);

    let (mut writer, recovery) = SegmentWriter::open(dir.path(), Options::default()).unwrap();
    let region = Region {
        segment: 1,
        offset,
        length: places[2].length.into(),
        damage: Damage::Format {
            found: 2,
            expected: 1,
        },
    };
    let expected = Recovery {
        segment: 2,
        end: 0,
        truncated_bytes: 0,
        quarantined: vec![region],
    };
    assert_eq!(recovery, expected);
    let after = append(&mut writer, &chunk(9));
    writer.sync().unwrap();
    assert_eq!(after.segment, 2);
    assert_eq!(fs::read(segment_path(dir.path(), 1)).unwrap(), bytes);
    check_reads(dir.path(), &places[..2]);
}

#[test]
fn a_crash_right_after_rolling_over_is_clean() {
    let dir = tempfile::tempdir().unwrap();
    let mut places = written(dir.path(), 3);
    fs::write(segment_path(dir.path(), 2), b"").unwrap();
    let (mut writer, recovery) = SegmentWriter::open(dir.path(), Options::default()).unwrap();
    assert!(recovery.is_clean());
    places.push(append(&mut writer, &chunk(3)));
    writer.sync().unwrap();
    check_reads(dir.path(), &places);
    let numbers: Vec<_> = list(dir.path())
        .unwrap()
        .iter()
        .map(|file| file.segment)
        .collect();
    assert_eq!(numbers, [1, 2]);
}
