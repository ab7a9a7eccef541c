//! What in a workspace later programs would obey, and no run may therefore write: the repository's
//! own files and the settings of coding agents.
//!
//! Present ones are read-only. Of absent ones, those whose names begin with a dot cannot be made
//! where the backend can cover them; the others are removed when a command has ended.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use walkdir::WalkDir;

/// What kind of thing stands under a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Folder,
}

/// Names at the top of a workspace.
const NAMES: [(&str, Kind); 14] = [
    (".git", Kind::Folder),
    (".codex", Kind::Folder),
    (".claude", Kind::Folder),
    (".gemini", Kind::Folder),
    (".opencode", Kind::Folder),
    (".cursor", Kind::Folder),
    (".husky", Kind::Folder),
    (".githooks", Kind::Folder),
    (".mcp.json", Kind::File),
    (".cursorrules", Kind::File),
    ("AGENTS.md", Kind::File),
    ("CLAUDE.md", Kind::File),
    ("GEMINI.md", Kind::File),
    ("opencode.json", Kind::File),
];

/// Entries of a protected folder that are looked at.
const MOST_ENTRIES: usize = 100_000;

/// A protected name and what stands under it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Protected {
    pub(super) path: PathBuf,
    pub(super) kind: Kind,
    pub(super) now: Now,
}

/// What stands under a protected name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Now {
    Absent,
    /// A file or folder, as it can be covered by a read-only one.
    Present,
    /// A link or something odd, which can only be watched.
    Odd,
}

impl Protected {
    /// Whether an empty thing that cannot be written stands in for it.
    pub(super) fn is_covered(&self) -> bool {
        let hidden = |path: &Path| {
            let name = path.file_name().unwrap_or_default();
            name.as_encoded_bytes().starts_with(b".")
        };
        self.now == Now::Absent && hidden(&self.path)
    }
}

/// All protected names of a workspace, but for those that were granted.
pub(super) fn look(work: &Path, granted: &[String]) -> Vec<Protected> {
    let kept = NAMES
        .iter()
        .filter(|(name, _)| !granted.iter().any(|granted| granted == name));
    kept.map(|(name, usual)| {
        let path = work.join(name);
        let (kind, now) = match fs::symlink_metadata(&path) {
            Ok(found) if found.is_dir() => (Kind::Folder, Now::Present),
            // Another name of the same file could lie anywhere.
            Ok(found) if found.is_file() && found.nlink() == 1 => (Kind::File, Now::Present),
            Ok(_) => (*usual, Now::Odd),
            Err(_) => (*usual, Now::Absent),
        };
        Protected { path, kind, now }
    })
    .collect()
}

/// How protected things are, to see later whether they were changed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Seen(BTreeMap<PathBuf, u64>);

/// Looks at all that is protected and there.
pub(super) fn see(protected: &[Protected]) -> Seen {
    let there = protected.iter().filter(|one| one.now != Now::Absent);
    Seen(
        there
            .map(|one| (one.path.clone(), fingerprint(&one.path)))
            .collect(),
    )
}

/// Names, kinds, sizes and times of change: nobody without privileges sets the last of them.
fn fingerprint(path: &Path) -> u64 {
    let mut hasher = DefaultHasher::new();
    for entry in WalkDir::new(path)
        .sort_by_file_name()
        .into_iter()
        .take(MOST_ENTRIES)
    {
        let Ok(entry) = entry else { continue };
        let Ok(metadata) = fs::symlink_metadata(entry.path()) else {
            continue;
        };
        let name: OsString = entry.path().into();
        let changed = (metadata.ctime(), metadata.ctime_nsec());
        (
            name,
            metadata.ino(),
            metadata.size(),
            metadata.mode(),
            changed,
        )
            .hash(&mut hasher);
    }
    hasher.finish()
}

/// What a command did to protected things.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tampering {
    /// Made, and removed again.
    pub(super) made: Vec<PathBuf>,
    /// Changed.
    pub(super) changed: Vec<PathBuf>,
}

/// Removes what stood in for absent things, and what was made in their place, and tells what was.
///
/// # Errors
/// When something cannot be removed.
pub(super) fn clean_up(protected: &[Protected], before: &Seen) -> io::Result<Tampering> {
    let mut tampering = Tampering::default();
    for one in protected {
        match (one.now, fs::symlink_metadata(&one.path)) {
            (Now::Absent, Err(_)) => {}
            (Now::Absent, Ok(found)) => {
                let stand_in = one.is_covered() && is_empty(&one.path, &found);
                remove(&one.path, &found)?;
                if !stand_in {
                    tampering.made.push(one.path.clone());
                }
            }
            (Now::Present | Now::Odd, _) => {
                if before.0.get(&one.path) != Some(&fingerprint(&one.path)) {
                    tampering.changed.push(one.path.clone());
                }
            }
        }
    }
    Ok(tampering)
}

fn is_empty(path: &Path, found: &fs::Metadata) -> bool {
    match found.is_dir() {
        true => fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none()),
        false => found.is_file() && found.len() == 0,
    }
}

fn remove(path: &Path, found: &fs::Metadata) -> io::Result<()> {
    match found.is_dir() {
        true => fs::remove_dir_all(path),
        false => fs::remove_file(path),
    }
}
