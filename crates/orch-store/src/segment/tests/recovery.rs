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
    let half = &intact_bytes[..places[1].offset as usize + 30];
    let zeros = vec![0; 300_000];
    for tail in [half, zeros.as_slice(), &[0xFF; 5], b"plain text"] {
        let dir = folder_of(&[intact_bytes.as_slice(), tail].concat());
        let (_, recovery) = SegmentWriter::open(dir.path(), Options::default()).unwrap();
        // A record of elsewhere is no record here, however intact it is.
        assert_eq!(
            (recovery.end, recovery.truncated_bytes),
            (end, tail.len() as u64)
        );
        assert_eq!(recovery.quarantined, []);
        assert_eq!(fs::read(segment_path(dir.path(), 1)).unwrap(), intact_bytes);
    }
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
