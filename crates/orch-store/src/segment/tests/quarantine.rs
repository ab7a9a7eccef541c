//! Whatever became of a file, opening succeeds, the rest is served, and the damage is named.

use proptest::prelude::*;

use super::*;
use crate::segment::{Quarantine, Quarantined, Region};

/// What is done to a segment file.
#[derive(Clone, Debug)]
enum Harm {
    Flip {
        at: prop::sample::Index,
        bit: u8,
    },
    Truncate {
        at: prop::sample::Index,
    },
    Zero {
        from: prop::sample::Index,
        length: usize,
    },
    ZeroAll,
    Foreign {
        bytes: Vec<u8>,
    },
    Folder,
    DanglingLink,
}

fn harm() -> impl Strategy<Value = Harm> {
    prop_oneof![
        (any::<prop::sample::Index>(), 0..8_u8).prop_map(|(at, bit)| Harm::Flip { at, bit }),
        any::<prop::sample::Index>().prop_map(|at| Harm::Truncate { at }),
        (any::<prop::sample::Index>(), 1..400_usize)
            .prop_map(|(from, length)| Harm::Zero { from, length }),
        Just(Harm::ZeroAll),
        prop::collection::vec(any::<u8>(), 1..600).prop_map(|bytes| Harm::Foreign { bytes }),
        Just(Harm::Folder),
        Just(Harm::DanglingLink),
    ]
}

/// Harms a file; answers which bytes of it stay as they were.
fn inflict(path: &Path, harm: &Harm) -> Vec<bool> {
    let mut bytes = fs::read(path).unwrap();
    let mut intact = vec![true; bytes.len()];
    match harm {
        Harm::Flip { at, bit } => {
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            intact[at] = false;
        }
        Harm::Truncate { at } => {
            let at = at.index(bytes.len());
            bytes.truncate(at);
            intact[at..].fill(false);
        }
        Harm::Zero { from, length } => {
            let from = from.index(bytes.len());
            let to = (from + length).min(bytes.len());
            for at in from..to {
                intact[at] = bytes[at] == 0;
            }
            bytes[from..to].fill(0);
        }
        Harm::ZeroAll => {
            bytes.fill(0);
            intact.fill(false);
        }
        Harm::Foreign { bytes: foreign } => {
            bytes.clone_from(foreign);
            intact.fill(false);
        }
        Harm::Folder | Harm::DanglingLink => {
            fs::remove_file(path).unwrap();
            intact.fill(false);
            match harm {
                Harm::Folder => fs::create_dir(path).unwrap(),
                _ => std::os::unix::fs::symlink("/nowhere/at/all", path).unwrap(),
            }
            return intact;
        }
    }
    fs::write(path, bytes).unwrap();
    intact
}

/// Three segments of some chunks each, and the places of all.
fn several(dir: &Path) -> Vec<Location> {
    let mut writer = small_segments(dir, 700);
    let places: Vec<_> = (0..12).map(|n| append(&mut writer, &chunk(n))).collect();
    writer.sync().unwrap();
    places
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_harmed_file_hurts_its_own_records_alone_and_is_named(which in 0..3_usize, harm in harm()) {
        let dir = tempfile::tempdir().unwrap();
        let places = several(dir.path());
        let mut numbers: Vec<u64> = places.iter().map(|place| place.segment).collect();
        numbers.dedup();
        let segment = match which {
            0 => numbers[0],
            1 => numbers[numbers.len() / 2],
            _ => numbers[numbers.len() - 1],
        };
        let intact = inflict(&segment_path(dir.path(), segment), &harm);

        let (mut writer, recovery) = SegmentWriter::open(dir.path(), Options::default()).unwrap();
        let quarantine = Quarantine::open(dir.path());
        recovery.quarantined.iter().for_each(|region| quarantine.note(region));
        let reader = SegmentReader::noting(dir.path(), quarantine.clone());
        let mut lost = false;
        for (n, place) in (0..).zip(&places) {
            let bytes = place.offset as usize..end_of(place) as usize;
            let is_whole = place.segment != segment || intact[bytes].iter().all(|kept| *kept);
            match reader.read(*place) {
                Ok(found) => {
                    prop_assert!(is_whole);
                    prop_assert_eq!(found, chunk(n));
                }
                Err(error) => {
                    prop_assert!(!is_whole, "{}: {}", n, error);
                    lost = true;
                }
            }
        }
        let after = append(&mut writer, &chunk(50));
        writer.sync().unwrap();
        prop_assert_eq!(reader.read(after).unwrap(), chunk(50));
        let name = format!("{segment:010}.seg");
        let named = quarantine.list();
        prop_assert!(!lost || named.iter().any(|entry| entry.file == name), "{:?}", named);
        prop_assert!(named.iter().all(|entry| entry.file == name), "{:?}", named);
        // The next start knows it still.
        let again = Quarantine::open(dir.path()).list();
        prop_assert!(named.iter().all(|entry| again.contains(entry)), "{:?}", again);
    }
}

#[test]
fn a_foreign_file_as_the_newest_is_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let places = several(dir.path());
    let path = segment_path(dir.path(), 99);
    fs::write(&path, b"#!/bin/sh\necho not a segment\n").unwrap();
    let (mut writer, recovery) = SegmentWriter::open(dir.path(), Options::default()).unwrap();
    assert_eq!((recovery.segment, recovery.truncated_bytes), (100, 0));
    let found: Vec<_> = recovery.quarantined.iter().map(|r| r.segment).collect();
    assert_eq!(found, [99]);
    append(&mut writer, &chunk(50));
    writer.sync().unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"#!/bin/sh\necho not a segment\n");
    check_reads(dir.path(), &places);
}

#[test]
fn a_list_that_is_damaged_itself_is_no_error() {
    let dir = tempfile::tempdir().unwrap();
    several(dir.path());
    let list = dir.path().join("quarantine.jsonl");
    let known = "{\"file\":\"0000000001.seg\",\"offset\":7,\"problem\":\"p\"}";
    let gone = "{\"file\":\"0000000777.seg\",\"offset\":7,\"problem\":\"p\"}";
    fs::write(&list, format!("\u{0}junk\n{known}\n{gone}\n{{\"file\":3")).unwrap();
    let entry = Quarantined {
        file: "0000000001.seg".to_owned(),
        offset: 7,
        problem: "p".to_owned(),
        places: 1,
    };
    assert_eq!(Quarantine::open(dir.path()).list(), [entry]);
    fs::remove_file(&list).unwrap();
    fs::create_dir(&list).unwrap();
    let quarantine = Quarantine::open(dir.path());
    assert_eq!(quarantine.list(), []);
    quarantine.note(&Region {
        segment: 1,
        offset: 3,
        length: 9,
        damage: crate::segment::Damage::NoRecord,
    });
    assert_eq!(quarantine.list().len(), 1);
    quarantine.forget(1);
    assert_eq!(quarantine.list(), []);
}

#[test]
fn what_is_wrong_in_many_places_of_a_file_is_listed_once_with_their_number() {
    let dir = tempfile::tempdir().unwrap();
    several(dir.path());
    let quarantine = Quarantine::open(dir.path());
    let cut_off = |offset| Region {
        segment: 1,
        offset,
        length: 9,
        damage: crate::segment::Damage::CutOff,
    };
    quarantine.note_places(&cut_off(100), 5);
    for offset in [100, 120, 140, 120] {
        quarantine.note(&cut_off(offset));
    }
    quarantine.note(&Region {
        damage: crate::segment::Damage::NoRecord,
        ..cut_off(50)
    });
    let entry = |offset, problem: &str, places| Quarantined {
        file: "0000000001.seg".to_owned(),
        offset,
        problem: problem.to_owned(),
        places,
    };
    let expected = [
        entry(50, "no record begins here", 1),
        entry(100, "the file ends before the record does", 5),
    ];
    assert_eq!(quarantine.list(), expected);
    assert_eq!(Quarantine::open(dir.path()).list(), expected);
}
