//! Hostile archives, made byte by byte: whatever they hold, nothing lands outside.

use std::{
    fs,
    io::{Cursor, Write},
    path::Path,
};

use flate2::{Compression, write::GzEncoder};
use proptest::prelude::*;
use tempfile::TempDir;

use crate::{Absolute, Bounds, Unpacked, unpack, unpack_deb};

const SMALL: Bounds = Bounds {
    bytes: 1 << 20,
    entries: 50,
    ratio: 50,
    ratio_from: 64 << 10,
};

/// One entry: name, kind, target and content.
type Made<'a> = (&'a [u8], u8, &'a [u8], &'a [u8]);

fn header(name: &[u8], kind: u8, target: &[u8], size: usize) -> [u8; 512] {
    let mut block = [0; 512];
    block[..name.len()].copy_from_slice(name);
    block[100..107].copy_from_slice(b"0006755");
    block[124..135].copy_from_slice(format!("{size:011o}").as_bytes());
    block[156] = kind;
    block[157..157 + target.len()].copy_from_slice(target);
    block[257..263].copy_from_slice(b"ustar\0");
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    block
}

fn tar(entries: &[Made<'_>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, kind, target, content) in entries {
        bytes.extend(header(name, *kind, target, content.len()));
        bytes.extend_from_slice(content);
        bytes.resize(bytes.len().next_multiple_of(512), 0);
    }
    bytes.resize(bytes.len() + 1024, 0);
    bytes
}

fn zip(entries: &[(&[u8], u32, &[u8])]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for (name, mode, content) in entries {
        let mut crc = flate2::Crc::new();
        crc.update(content);
        let offset = bytes.len() as u32;
        let mut common = vec![20, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        common.extend(crc.sum().to_le_bytes());
        common.extend((content.len() as u32).to_le_bytes());
        common.extend((content.len() as u32).to_le_bytes());
        common.extend((name.len() as u16).to_le_bytes());
        common.extend([0, 0]);
        bytes.extend(b"PK\x03\x04");
        bytes.extend(&common);
        bytes.extend_from_slice(name);
        bytes.extend_from_slice(content);
        directory.extend(b"PK\x01\x02\x14\x03");
        directory.extend(&common);
        directory.extend([0; 6]);
        directory.extend((mode << 16).to_le_bytes());
        directory.extend(offset.to_le_bytes());
        directory.extend_from_slice(name);
    }
    let at = bytes.len() as u32;
    let count = (entries.len() as u16).to_le_bytes();
    bytes.extend(&directory);
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    bytes.extend(count);
    bytes.extend(count);
    bytes.extend((directory.len() as u32).to_le_bytes());
    bytes.extend(at.to_le_bytes());
    bytes.extend([0, 0]);
    bytes
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Unpacks into `in/into`, beside a file that must stay as it is.
fn try_unpack(bytes: &[u8], bounds: Bounds) -> (TempDir, Result<Unpacked, String>) {
    let top = tempfile::tempdir().unwrap();
    let into = top.path().join("into");
    fs::create_dir(&into).unwrap();
    fs::write(top.path().join("archive"), bytes).unwrap();
    fs::write(top.path().join("outside"), "untouched").unwrap();
    let unpacked = unpack(
        &top.path().join("archive"),
        &into,
        "program",
        0,
        Absolute::Refused,
        bounds,
    );
    let unpacked = unpacked.map_err(|error| error.to_string());
    assert_stays_inside(top.path());
    (top, unpacked)
}

/// Nothing but what was there lies beside the folder, and no link in it leads out.
fn assert_stays_inside(top: &Path) {
    let mut names: Vec<_> = fs::read_dir(top)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["archive", "into", "outside"]);
    assert_eq!(
        fs::read_to_string(top.join("outside")).unwrap(),
        "untouched"
    );
    let inside = fs::canonicalize(top.join("into")).unwrap();
    for entry in walkdir::WalkDir::new(&inside) {
        let entry = entry.unwrap();
        let found = fs::symlink_metadata(entry.path()).unwrap();
        assert!(found.is_file() || found.is_dir() || found.is_symlink());
        if !found.is_symlink() {
            use std::os::unix::fs::MetadataExt;
            assert_eq!(found.mode() & 0o7022, 0, "{}", entry.path().display());
        } else if let Ok(real) = fs::canonicalize(entry.path()) {
            assert!(
                real.starts_with(&inside),
                "{} leads to {}",
                entry.path().display(),
                real.display()
            );
        }
    }
}

#[test]
fn an_ordinary_archive_comes_out_whole_in_every_form() {
    let plain = tar(&[
        (b"a/", b'5', b"", b""),
        (b"a/run", b'0', b"", b"#!/bin/sh\n"),
        (b"a/link", b'2', b"run", b""),
        (b"a/hard", b'1', b"a/run", b""),
    ]);
    for bytes in [plain.clone(), gzip(&plain)] {
        let (top, unpacked) = try_unpack(&bytes, SMALL);
        assert_eq!(
            unpacked,
            Ok(Unpacked {
                entries: 4,
                bytes: 10
            })
        );
        for name in ["run", "link", "hard"] {
            let path = top.path().join("into/a").join(name);
            assert_eq!(fs::read_to_string(path).unwrap(), "#!/bin/sh\n");
        }
    }
    let zipped = zip(&[
        (b"a/", 0o040_755, b""),
        (b"a/run", 0o104_755, b"x"),
        (b"l", 0o120_777, b"a/run"),
    ]);
    let (top, unpacked) = try_unpack(&zipped, SMALL);
    assert_eq!(
        unpacked,
        Ok(Unpacked {
            entries: 3,
            bytes: 1
        })
    );
    assert_eq!(fs::read(top.path().join("into/l")).unwrap(), b"x");
    let (top, unpacked) = try_unpack(b"\x7fELF", SMALL);
    assert_eq!(
        unpacked,
        Ok(Unpacked {
            entries: 1,
            bytes: 4
        })
    );
    assert!(top.path().join("into/program").is_file());
}

#[test]
fn no_way_out_of_the_folder_is_taken() {
    let long = "d/".repeat(70);
    let cases: Vec<(Vec<Made<'_>>, &str)> = vec![
        (vec![(b"../outside", b'0', b"", b"x")], "climbs out"),
        (vec![(b"a/../../outside", b'0', b"", b"x")], "climbs out"),
        (vec![(b"/tmp/x", b'0', b"", b"x")], "absolute path"),
        (
            vec![(b"l", b'2', b"/etc", b""), (b"l/x", b'0', b"", b"x")],
            "absolute path",
        ),
        (vec![(b"l", b'2', b"..", b"")], "leads out"),
        (vec![(b"l", b'2', b"a/../../..", b"")], "leads out"),
        (
            vec![(b"l", b'2', b".", b""), (b"l/x", b'0', b"", b"x")],
            "goes through a link",
        ),
        // Each stays inside by its text; together they do not.
        (
            vec![
                (b"a/b/up", b'2', b"../..", b""),
                (b"x", b'2', b"a/b/up/..", b""),
            ],
            "leads out",
        ),
        (
            vec![(b"a", b'2', b"b", b""), (b"b", b'2', b"a", b"")],
            "round in circles",
        ),
        (vec![(b"h", b'1', b"../outside", b"")], "climbs out"),
        (vec![(b"h", b'1', b"/etc/passwd", b"")], "absolute path"),
        (
            vec![(b"l", b'2', b"y", b""), (b"h", b'1', b"l", b"")],
            "no file that came before",
        ),
        (vec![(b"d", b'3', b"", b"")], "device"),
        (vec![(b"d", b'4', b"", b"")], "device"),
        (vec![(b"d", b'6', b"", b"")], "named pipe"),
        (
            vec![(b"a", b'0', b"", b"1"), (b"a", b'0', b"", b"2")],
            "stands twice",
        ),
        (
            vec![(b"a", b'2', b"b", b""), (b"a", b'0', b"", b"2")],
            "stands twice",
        ),
        (
            vec![(b"a", b'0', b"", b"1"), (b"a/b", b'0', b"", b"2")],
            "makes a file a folder",
        ),
        (
            vec![(b"a/b", b'0', b"", b"1"), (b"a", b'0', b"", b"2")],
            "makes a folder a file",
        ),
        (vec![(b"a\nb", b'0', b"", b"1")], "control characters"),
        (vec![(b"a\xff", b'0', b"", b"1")], "no UTF-8"),
    ];
    for (entries, expected) in cases {
        let (_top, unpacked) = try_unpack(&tar(&entries), SMALL);
        let refusal = unpacked.unwrap_err();
        assert!(refusal.contains(expected), "{entries:?}: {refusal}");
    }
    let deep = tar(&[
        (b"L", b'L', b"", format!("{long}x").as_bytes()),
        (b"x", b'0', b"", b"1"),
    ]);
    let refusal = try_unpack(&deep, SMALL).1.unwrap_err();
    assert!(refusal.contains("folders deep"), "{refusal}");
}

#[test]
fn no_way_out_of_a_zip_is_taken() {
    for (entries, expected) in [
        (vec![(&b"../outside"[..], 0, &b"x"[..])], "climbs out"),
        (vec![(b"..\\outside", 0, b"x")], "backslashes"),
        (vec![(b"/etc/x", 0, b"x")], "absolute path"),
        (vec![(b"l", 0o120_777, b"/etc")], "absolute path"),
        (vec![(b"l", 0o120_777, b"../..")], "leads out"),
        (
            vec![(b"l", 0o120_777, b"."), (b"l/x", 0, b"x")],
            "goes through a link",
        ),
        (vec![(b"p", 0o010_644, b"")], "no file, folder or link"),
        (vec![(b"a", 0, b"1"), (b"a", 0, b"2")], "stands twice"),
    ] {
        let refusal = try_unpack(&zip(&entries), SMALL).1.unwrap_err();
        assert!(refusal.contains(expected), "{refusal}");
    }
    // One name for those who read the directory, another for those who do not.
    let mut two = zip(&[(b"good", 0, b"x")]);
    two[30..34].copy_from_slice(b"evil");
    let refusal = try_unpack(&two, SMALL).1.unwrap_err();
    assert!(refusal.contains("another name"), "{refusal}");
    let mut other = zip(&[(b"good", 0, b"x")]);
    other[34] = b'y';
    let refusal = try_unpack(&other, SMALL).1.unwrap_err();
    assert!(refusal.contains("not what the directory says"), "{refusal}");
}

#[test]
fn bombs_are_bounded_in_bytes_ratio_and_entries() {
    let zeros = vec![0; 4 << 20];
    let bomb = gzip(&tar(&[(b"a", b'0', b"", &zeros)]));
    let refusal = try_unpack(&bomb, SMALL).1.unwrap_err();
    assert!(refusal.contains("unpacks to more than"), "{refusal}");
    let refusal = try_unpack(&gzip(&zeros), SMALL).1.unwrap_err();
    assert!(refusal.contains("unpacks to more than"), "{refusal}");
    let names: Vec<String> = (0..60).map(|number| format!("f{number}")).collect();
    let many: Vec<Made<'_>> = names
        .iter()
        .map(|name| (name.as_bytes(), b'0', &b""[..], &b""[..]))
        .collect();
    let refusal = try_unpack(&tar(&many), SMALL).1.unwrap_err();
    assert!(refusal.contains("50 entries"), "{refusal}");
    let mut endless = tar(&[(b"x", b'L', b"", b"n")]);
    endless[124..135].copy_from_slice(b"77777777777");
    assert!(try_unpack(&endless, SMALL).1.is_err());
}

#[test]
fn a_debian_package_has_its_absolute_links_inside() {
    let data = gzip(&tar(&[
        (b"./usr/bin/", b'5', b"", b""),
        (b"./usr/bin/tool", b'0', b"", b"x"),
        (b"./etc/alternative", b'2', b"/usr/bin/tool", b""),
    ]));
    let mut deb = b"!<arch>\n".to_vec();
    for (name, content) in [("debian-binary", &b"2.0\n"[..]), ("data.tar.gz", &data)] {
        let header = format!(
            "{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n",
            0,
            0,
            0,
            100_644,
            content.len()
        );
        deb.extend(header.as_bytes());
        deb.extend_from_slice(content);
        if content.len() % 2 == 1 {
            deb.push(b'\n');
        }
    }
    let top = tempfile::tempdir().unwrap();
    fs::write(top.path().join("p.deb"), deb).unwrap();
    let into = top.path().join("into");
    fs::create_dir(&into).unwrap();
    unpack_deb(&top.path().join("p.deb"), &into, SMALL).unwrap();
    assert_eq!(fs::read(into.join("etc/alternative")).unwrap(), b"x");
    assert_eq!(
        fs::read_link(into.join("etc/alternative")).unwrap(),
        Path::new("../usr/bin/tool")
    );
}

/// Names as an attacker would write them.
fn name() -> impl Strategy<Value = String> {
    let part = prop::sample::select(vec!["a", "b", "..", ".", "", "l", "outside", "into"]);
    let whole = prop::collection::vec(part, 1..5).prop_map(|parts| parts.join("/"));
    (any::<bool>(), whole)
        .prop_map(|(absolute, name)| if absolute { format!("/{name}") } else { name })
}

proptest! {
    #[test]
    fn whatever_a_tar_says_nothing_lands_outside(
        entries in prop::collection::vec((name(), prop::sample::select(b"0125".to_vec()), name()), 1..7)
    ) {
        let made: Vec<Made<'_>> = entries
            .iter()
            .map(|(name, kind, target)| (name.as_bytes(), *kind, target.as_bytes(), &b""[..]))
            .collect();
        let _ = try_unpack(&tar(&made), SMALL);
    }

    #[test]
    fn whatever_a_zip_says_nothing_lands_outside(
        entries in prop::collection::vec((name(), prop::sample::select(vec![0, 0o120_777, 0o100_755]), name()), 1..7)
    ) {
        let made: Vec<(&[u8], u32, &[u8])> = entries
            .iter()
            .map(|(name, mode, content)| (name.as_bytes(), *mode, content.as_bytes()))
            .collect();
        let _ = try_unpack(&zip(&made), SMALL);
    }

    #[test]
    fn no_bytes_make_a_reader_panic(
        mut bytes in prop::collection::vec(any::<u8>(), 0..700),
        start in prop::sample::select(vec![
            &b""[..], b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b\x08", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd", b"!<arch>\n",
        ]),
        changes in prop::collection::vec((0_usize..2_000, any::<u8>()), 0..12),
    ) {
        bytes.splice(0..0, start.iter().copied());
        let _ = try_unpack(&bytes, SMALL);
        let whole = zip(&[(b"a/run", 0o100_755, b"content"), (b"l", 0o120_777, b"a")]);
        let tarred = tar(&[(b"a", b'0', b"", b"content"), (b"l", b'2', b"a", b"")]);
        for mut changed in [whole, tarred] {
            for (at, byte) in &changes {
                let length = changed.len();
                changed[at % length] = *byte;
            }
            let _ = try_unpack(&changed, SMALL);
            let _ = crate::Zip::open(Cursor::new(changed), &SMALL);
        }
    }
}

fn looked(bytes: &[u8], wanted: &[&str]) -> Result<crate::Looked, String> {
    let wanted = wanted.iter().map(|name| (*name).to_owned()).collect();
    crate::look(bytes, SMALL, &wanted, 4).map_err(|error| error.to_string())
}

#[test]
fn an_archive_is_looked_through_without_a_file_being_written() {
    let tarred = tar(&[
        (b"./src/", b'5', b"", b""),
        (b"./src/main.rs", b'0', b"", b"fn main() {}"),
        (b"src/other.rs", b'1', b"src/main.rs", b""),
        (b"link", b'2', b"src/main.rs", b""),
    ]);
    let zipped = zip(&[
        (b"src/main.rs", 0o100_644, b"fn main() {}"),
        (b"src/other.rs", 0o100_644, b"fn main() {}"),
        (b"link", 0o120_777, b"src/main.rs"),
    ]);
    for bytes in [gzip(&tarred), tarred, zipped] {
        let found = looked(&bytes, &["src/main.rs", "nowhere"]).unwrap();
        let entries: Vec<_> = found
            .entries
            .iter()
            .map(|entry| (entry.path.as_str(), entry.size_bytes))
            .collect();
        let expected = [
            ("link", None),
            ("src/main.rs", Some(12)),
            ("src/other.rs", Some(12)),
        ];
        assert_eq!(entries, expected);
        let contents: Vec<_> = found.contents.into_iter().collect();
        assert_eq!(contents, [("src/main.rs".to_owned(), b"fn m".to_vec())]);
    }
}

#[test]
fn what_leads_out_or_holds_too_much_is_refused_before_it_is_looked_at() {
    let bomb = gzip(&tar(&[(b"a", b'0', b"", &vec![0; 200 << 10])]));
    for (bytes, expected) in [
        (tar(&[(b"../a", b'0', b"", b"x")]), "climbs out"),
        (zip(&[(b"a/../../b", 0o100_644, b"x")]), "climbs out"),
        (tar(&[(b"/etc/a", b'0', b"", b"x")]), "absolute path"),
        (tar(&[(b"a", b'2', b"../../etc", b"")]), "leads out"),
        (tar(&[(b"a", b'2', b"/etc", b"")]), "absolute path"),
        (
            tar(&[(b"b", b'2', b"c", b""), (b"b/x", b'0', b"", b"x")]),
            "goes through a link",
        ),
        (tar(&[(b"a", b'3', b"", b"")]), "is a device"),
        (bomb, "unpacks to more than"),
        (gzip(b"no archive at all"), "none of tar"),
        (b"plain".to_vec(), "none of tar"),
        (Vec::new(), "none of tar"),
    ] {
        let message = looked(&bytes, &[]).unwrap_err();
        assert!(message.contains(expected), "{message:?} lacks {expected:?}");
    }
    let many: Vec<Vec<u8>> = (0..60).map(|at| format!("f{at}").into_bytes()).collect();
    let many: Vec<Made<'_>> = many
        .iter()
        .map(|name| (&name[..], b'0', &b""[..], &b""[..]))
        .collect();
    assert!(looked(&tar(&many), &[]).unwrap_err().contains("entries"));
}

#[test]
fn a_packed_folder_is_read_back_without_what_was_left_out() {
    let top = tempfile::tempdir().unwrap();
    let long = format!("{}/{}", "d".repeat(90), "f".repeat(90));
    for (name, content) in [("a.txt", "one"), (long.as_str(), "two"), (".git/HEAD", "x")] {
        let path = top.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    std::os::unix::fs::symlink("/etc/passwd", top.path().join("link")).unwrap();
    let packing = crate::Packing {
        leave_out: &[".git"],
        most_files: 2,
        most_bytes: 6,
    };
    let packed = crate::pack(top.path(), packing, &mut |_| {}).unwrap();
    assert_eq!((packed.files, packed.skipped), (2, 1));
    let found = looked(&packed.bytes, &["a.txt"]).unwrap();
    let paths: Vec<_> = found
        .entries
        .iter()
        .map(|entry| entry.path.clone())
        .collect();
    assert_eq!(paths, ["a.txt".to_owned(), long]);
    assert_eq!(found.contents["a.txt"], b"one");
    let tight = crate::Packing {
        most_files: 1,
        ..packing
    };
    let message = crate::pack(top.path(), tight, &mut |_| {})
        .unwrap_err()
        .to_string();
    assert!(message.contains("holds more than 1 files"), "{message}");
}
