//! An archive looked through in memory: its names first, then the contents of the files that are wanted.

use std::collections::BTreeSet;

use orch_archive::{Bounds, look};
use orch_core::survey::{
    FileKind, LONGEST_FILE_BYTES, MOST_FILES, Survey, Tree, TreeFile, survey, wanted,
};

/// What may come out of an archive.
const BOUNDS: Bounds = Bounds {
    bytes: 512 << 20,
    entries: 150_000,
    ratio: 200,
    ratio_from: 64 << 20,
};

const ENDINGS: [(&str, &str); 9] = [
    (".tar.gz", "application/gzip"),
    (".tgz", "application/gzip"),
    (".tar.xz", "application/x-xz"),
    (".txz", "application/x-xz"),
    (".tar.zst", "application/zstd"),
    (".tzst", "application/zstd"),
    (".tar", "application/x-tar"),
    (".zip", "application/zip"),
    (".tar.bz2", ""),
];

/// What a file of this name is, where it is an archive that is read.
pub fn media_type(name: &str) -> Option<&'static str> {
    let lower = name.to_ascii_lowercase();
    let found = ENDINGS.iter().find(|(ending, _)| lower.ends_with(ending));
    found
        .map(|(_, media_type)| *media_type)
        .filter(|media_type| !media_type.is_empty())
}

/// The endings that are read, for a message.
pub fn named() -> String {
    let known = ENDINGS
        .iter()
        .filter(|(_, media_type)| !media_type.is_empty());
    let known: Vec<&str> = known.map(|(ending, _)| *ending).collect();
    known.join(", ")
}

/// What is found in an archive. Takes a while: not for a thread that serves.
///
/// # Errors
/// What is wrong with it, in words that follow its name.
pub fn code_in(bytes: &[u8], today: &str) -> Result<Survey, String> {
    let refused = |error: orch_archive::ArchiveError| format!("is refused: {error}");
    let listed = look(bytes, BOUNDS, &BTreeSet::new(), 0).map_err(refused)?;
    if listed.entries.len() > MOST_FILES {
        let count = listed.entries.len();
        return Err(format!(
            "holds {count} files; at most {MOST_FILES} are looked at"
        ));
    }
    let mut files: Vec<TreeFile> = listed
        .entries
        .iter()
        .map(|entry| match entry.size_bytes {
            Some(size) => TreeFile::new(entry.path.as_bytes(), size, FileKind::File),
            None => TreeFile::new(entry.path.as_bytes(), 0, FileKind::Link),
        })
        .collect();
    // Releases lie in a folder of their own.
    let top = Tree::lone_folder(&files).map(|folder| format!("{folder}/"));
    if let Some(top) = &top {
        for file in &mut files {
            if let Some(rest) = file.path.strip_prefix(top.as_str()) {
                file.path = rest.to_owned();
            }
        }
    }
    let prefix = top.as_deref().unwrap_or("");
    let paths: BTreeSet<String> = wanted(&files)
        .into_iter()
        .map(|at| format!("{prefix}{}", files[at].path))
        .collect();
    let read = look(bytes, BOUNDS, &paths, LONGEST_FILE_BYTES).map_err(refused)?;
    let contents = read.contents.into_iter().map(|(path, content)| {
        let inside = path.strip_prefix(prefix).unwrap_or(&path);
        (inside.to_owned(), content)
    });
    Ok(survey(&Tree::new(files, contents), today))
}

#[cfg(test)]
mod tests {
    use super::{code_in, media_type};

    #[test]
    fn archives_are_told_by_their_endings() {
        assert_eq!(media_type("a.TAR.GZ"), Some("application/gzip"));
        assert_eq!(media_type("a.zip"), Some("application/zip"));
        assert_eq!(media_type("a.gz"), None);
        assert_eq!(media_type("a.tar.bz2"), None);
    }

    #[test]
    fn the_folder_that_a_release_lies_in_is_no_part_of_it() {
        let top = tempfile::tempdir().expect("a folder");
        let inner = top.path().join("shop-1.0/src");
        std::fs::create_dir_all(&inner).expect("folders");
        std::fs::write(inner.join("main.rs"), "fn main() {}\n").expect("a file");
        std::fs::write(
            top.path().join("shop-1.0/Cargo.toml"),
            "[package]\nname = \"shop\"\n",
        )
        .expect("a file");
        let packing = orch_archive::Packing {
            leave_out: &[],
            most_files: 10,
            most_bytes: 1_000,
        };
        let packed = orch_archive::pack(top.path(), packing, &mut |_| {}).expect("an archive");
        let found = code_in(&packed.bytes, "2026-01-01").expect("a survey");
        assert_eq!(found.entry_points[0].place.to_string(), "src/main.rs:1");
        let refused = code_in(b"nothing", "2026-01-01").expect_err("a refusal");
        assert!(
            refused.starts_with("is refused: the archive uses a form"),
            "{refused}"
        );
    }
}
