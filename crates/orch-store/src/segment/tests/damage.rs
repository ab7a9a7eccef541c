use proptest::prelude::*;

use super::*;
use crate::segment::{Damage, ReadError, frame};

#[test]
fn any_flipped_bit_is_found_and_hurts_its_own_record_alone() {
    let source = tempfile::tempdir().unwrap();
    let places = written(source.path(), 3);
    let mut bytes = fs::read(segment_path(source.path(), 1)).unwrap();
    let dir = folder_of(&bytes);
    let reader = SegmentReader::new(dir.path());
    for bit in 0..bytes.len() * 8 {
        bytes[bit / 8] ^= 1 << (bit % 8);
        fs::write(segment_path(dir.path(), 1), &bytes).unwrap();
        let hit = places.iter().position(|place| {
            (bit / 8) as u64 >= place.offset && ((bit / 8) as u64) < end_of(place)
        });
        let hit = hit.unwrap();
        for (n, place) in places.iter().enumerate() {
            let read = reader.read(*place);
            if n == hit {
                let named = match read {
                    Err(ReadError::Corrupt {
                        segment, offset, ..
                    }) => Some((segment, offset)),
                    _ => None,
                };
                assert_eq!(named, Some((1, place.offset)), "bit {bit}");
            } else {
                assert_eq!(read.unwrap(), chunk(n as u64), "bit {bit}");
            }
        }
        let found = scanned(dir.path(), 1);
        let Scanned::Damaged(region) = &found[hit] else {
            panic!("bit {bit} was not found");
        };
        assert_eq!(
            (region.offset, region.length),
            (places[hit].offset, places[hit].length.into())
        );
        let others: Vec<_> = found
            .iter()
            .filter(|piece| matches!(piece, Scanned::Chunk(..)))
            .cloned()
            .collect();
        assert_eq!(
            others,
            intact(&places, (0..3).filter(|n| *n != hit as u64)),
            "bit {bit}"
        );
        bytes[bit / 8] ^= 1 << (bit % 8);
    }
}

#[test]
fn opening_keeps_every_intact_record_whatever_byte_is_damaged() {
    let source = tempfile::tempdir().unwrap();
    let places = written(source.path(), 3);
    let original = fs::read(segment_path(source.path(), 1)).unwrap();
    for at in 0..original.len() {
        let mut bytes = original.clone();
        bytes[at] ^= 0x55;
        let dir = folder_of(&bytes);
        let (_, recovery) = SegmentWriter::open(dir.path(), Options::default()).unwrap();
        assert!(!recovery.is_clean(), "byte {at}");
        let others = (0..3).filter(|n| {
            let place = &places[*n as usize];
            (at as u64) < place.offset || at as u64 >= end_of(place)
        });
        let kept: Vec<_> = scanned(dir.path(), 1)
            .into_iter()
            .filter(|piece| matches!(piece, Scanned::Chunk(..)))
            .collect();
        assert_eq!(kept, intact(&places, others), "byte {at}");
    }
}

fn check_refused(reader: &SegmentReader, at: Location, message: &str) {
    assert_eq!(reader.read(at).unwrap_err().to_string(), message);
}

#[test]
fn places_that_hold_no_record_are_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let places = written(dir.path(), 3);
    fs::copy(segment_path(dir.path(), 1), segment_path(dir.path(), 7)).unwrap();
    let reader = SegmentReader::new(dir.path());
    let place = places[1];
    let length = place.length;
    check_refused(
        &reader,
        Location {
            length: length - 1,
            ..place
        },
        &format!(
            "log segment 1 is damaged at offset {}: the record is {length} bytes long, and {} were expected",
            place.offset,
            length - 1
        ),
    );
    check_refused(
        &reader,
        Location {
            length: length + 1,
            ..place
        },
        &format!(
            "log segment 1 is damaged at offset {}: the record is {length} bytes long, and {} were expected",
            place.offset,
            length + 1
        ),
    );
    check_refused(
        &reader,
        Location {
            offset: place.offset + 1,
            ..place
        },
        &format!(
            "log segment 1 is damaged at offset {}: no record begins here",
            place.offset + 1
        ),
    );
    check_refused(
        &reader,
        Location {
            offset: end_of(&places[2]),
            ..place
        },
        &format!(
            "log segment 1 is damaged at offset {}: the file ends before the record does",
            end_of(&places[2])
        ),
    );
    check_refused(
        &reader,
        Location {
            offset: u64::MAX,
            ..place
        },
        "log segment 1 is damaged at offset 18446744073709551615: the file ends before the record does",
    );
    check_refused(
        &reader,
        Location {
            length: u32::MAX,
            ..place
        },
        &format!(
            "log segment 1 is damaged at offset {}: a record of 4294967295 bytes cannot be",
            place.offset
        ),
    );
    check_refused(
        &reader,
        Location { length: 0, ..place },
        &format!(
            "log segment 1 is damaged at offset {}: the file ends before the record does",
            place.offset
        ),
    );
    check_refused(
        &reader,
        Location {
            segment: 3,
            ..place
        },
        "log segment 3 is gone: removed by retention, or lost",
    );
    // The bytes of segment 1 under another number are not segment 7's.
    let moved = reader.read(Location {
        segment: 7,
        ..place
    });
    assert!(matches!(
        moved,
        Err(ReadError::Corrupt {
            segment: 7,
            damage: Damage::Checksum { .. },
            ..
        })
    ));
}

#[test]
fn a_record_quoted_in_a_message_is_not_found_when_its_surroundings_break() {
    let source = tempfile::tempdir().unwrap();
    written(source.path(), 1);
    let quoted = fs::read(segment_path(source.path(), 1)).unwrap();
    assert!(std::str::from_utf8(&quoted[..12]).is_err());

    let dir = tempfile::tempdir().unwrap();
    let mut writer = small_segments(dir.path(), u64::MAX);
    let mut quoting = chunk(1);
    quoting.lines[0].message = String::from_utf8_lossy(&quoted).repeat(3);
    let place = append(&mut writer, &quoting);
    writer.sync().unwrap();
    drop(writer);
    let path = segment_path(dir.path(), 1);
    let mut bytes = fs::read(&path).unwrap();
    bytes[20] ^= 1;
    fs::write(&path, bytes).unwrap();
    let found = scanned(dir.path(), 1);
    let [Scanned::Damaged(region)] = found.as_slice() else {
        panic!("one damaged record and nothing else was expected: {found:?}");
    };
    assert_eq!((region.offset, region.length), (0, place.length.into()));
    assert!(
        matches!(region.damage, Damage::Checksum { .. }),
        "{region:?}"
    );
}

/// Bytes that look like records now and then.
fn any_bytes() -> impl Strategy<Value = Vec<u8>> {
    let header = prop::collection::vec(any::<u8>(), 0..80)
        .prop_map(|rest| [&frame::MAGIC, &[1][..], &rest].concat());
    let plausible =
        (0..300_u32, prop::collection::vec(any::<u8>(), 0..300)).prop_map(|(length, rest)| {
            [&frame::MAGIC, &[1][..], &length.to_le_bytes(), &rest].concat()
        });
    let intact = (0..9_u64).prop_map(|n| {
        let mut bytes = Vec::new();
        let chunk = chunk(n);
        let length = frame::measure(chunk.first_seq, &chunk.lines).unwrap();
        frame::encode(
            &mut bytes,
            Location {
                segment: 1,
                offset: 0,
                length,
            },
            chunk.run_id,
            chunk.first_seq,
            &chunk.lines,
        );
        bytes
    });
    let piece = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40),
        header,
        plausible,
        intact
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_scan_tiles_any_file_completely_and_opening_it_succeeds(bytes in any_bytes()) {
        let dir = folder_of(&bytes);
        let mut at = 0;
        for piece in scanned(dir.path(), 1) {
            let (offset, length) = match piece {
                Scanned::Chunk(place, _) => (place.offset, u64::from(place.length)),
                Scanned::Damaged(region) => (region.offset, region.length),
            };
            prop_assert_eq!(offset, at);
            prop_assert!(length > 0);
            at += length;
        }
        prop_assert_eq!(at, bytes.len() as u64);

        let (mut writer, recovery) = SegmentWriter::open(dir.path(), Options::default()).unwrap();
        let place = append(&mut writer, &chunk(3));
        writer.sync().unwrap();
        prop_assert_eq!((place.segment, place.offset), (recovery.segment, recovery.end));
        prop_assert_eq!(SegmentReader::new(dir.path()).read(place).unwrap(), chunk(3));
    }

    #[test]
    fn decoding_never_panics_nor_invents_lines(
        mut bytes in prop::collection::vec(any::<u8>(), 0..400),
        count in prop_oneof![Just(u32::MAX), 0..20_u32],
    ) {
        if let Some(field) = bytes.get_mut(37..41) {
            field.copy_from_slice(&count.to_le_bytes());
        }
        match frame::decode(&bytes) {
            Ok(chunk) => prop_assert_eq!(chunk.lines.len() as u32, count),
            Err(damage) => prop_assert!(matches!(damage, Damage::Malformed { .. }), "{damage:?}"),
        }
    }
}

#[test]
fn the_first_format_stays_readable() {
    let sample = "ffc0fec1fdf5fcf6fbf7faf8\
                  01\
                  3f000000\
                  e0651baa\
                  0700000000000000\
                  2a00000000000000\
                  02000000\
                  40420f0000000000 02 03 05000000 05000000 68656c6c6f\
                  80841e0000000000 03 00 00000000 02000000 c3a9";
    let line = |at_us, stream, step, partial, message: &str| LogLine {
        at_us,
        stream,
        step,
        partial,
        message: message.to_owned(),
    };
    let expected = Chunk {
        run_id: 7,
        first_seq: 42,
        lines: vec![
            line(1_000_000, Stream::Stderr, Some(5), true, "hello"),
            line(2_000_000, Stream::Event, None, false, "é"),
        ],
    };
    let sample: String = sample.split_whitespace().collect();
    let bytes = hex::decode(sample).unwrap();
    let dir = folder_of(&bytes);
    let place = Location {
        segment: 1,
        offset: 0,
        length: bytes.len() as u32,
    };
    assert_eq!(
        scanned(dir.path(), 1),
        [Scanned::Chunk(place, expected.clone())]
    );

    let mut encoded = Vec::new();
    frame::encode(
        &mut encoded,
        place,
        expected.run_id,
        expected.first_seq,
        &expected.lines,
    );
    assert_eq!(encoded, bytes);
}
