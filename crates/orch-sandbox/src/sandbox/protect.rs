//! What in a workspace later programs would obey, and no run may therefore write: the repository's
//! own files and the settings of coding agents.
//!
//! Present ones are read-only, or watched where the backend cannot make them so. Absent ones that a
//! command makes are removed when it has ended: to cover each would cost a mount, and show.

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

use crate::exec::remove_all;

/// Names at the top of a workspace.
pub const NAMES: [&str; 15] = [
    ".git",
    // With it a folder can be a repository by itself.
    "HEAD",
    ".codex",
    ".claude",
    ".gemini",
    ".opencode",
    ".cursor",
    ".husky",
    ".githooks",
    ".mcp.json",
    ".cursorrules",
    "AGENTS.md",
    "CLAUDE.md",
    "GEMINI.md",
    "opencode.json",
];

/// A protected name and what stands under it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Protected {
    pub(super) path: PathBuf,
    pub(super) now: Now,
}

/// What stands under a protected name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Now {
    Absent,
    /// A file or folder, as it can be shown read-only.
    Present,
    /// A link or something odd, which can only be watched.
    Odd,
}

/// All protected names of a workspace, but for those that were granted.
pub(super) fn look(work: &Path, granted: &[String]) -> Vec<Protected> {
    let kept = NAMES
        .iter()
        .filter(|name| !granted.iter().any(|granted| granted == *name));
    kept.map(|name| {
        let path = work.join(name);
        let now = match fs::symlink_metadata(&path) {
            Ok(found) if found.is_dir() => Now::Present,
            // Another name of the same file could lie anywhere.
            Ok(found) if found.is_file() && found.nlink() == 1 => Now::Present,
            Ok(_) => Now::Odd,
            Err(_) => Now::Absent,
        };
        Protected { path, now }
    })
    .collect()
}

/// What has to be watched, because nothing else keeps it as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Watched {
    /// All that is there.
    All,
    /// What cannot be shown read-only.
    Odd,
}

impl Watched {
    pub(super) fn of(self, protected: &[Protected]) -> impl Iterator<Item = &Protected> {
        protected.iter().filter(move |one| match (one.now, self) {
            (Now::Absent, _) | (Now::Present, Self::Odd) => false,
            (Now::Present, Self::All) | (Now::Odd, _) => true,
        })
    }
}

/// How watched things are, to see later whether they were changed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Seen(BTreeMap<PathBuf, u64>);

impl Seen {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Looks at things.
pub(super) fn see(watched: &[Protected]) -> Seen {
    let seen = watched.iter();
    Seen(
        seen.map(|one| (one.path.clone(), fingerprint(&one.path)))
            .collect(),
    )
}

/// Whether nothing was made where nothing was.
pub(super) fn none_made(protected: &[Protected]) -> bool {
    let mut absent = protected.iter().filter(|one| one.now == Now::Absent);
    absent.all(|one| fs::symlink_metadata(&one.path).is_err())
}

/// Names, kinds, sizes and times of change: nobody without privileges sets the last of them.
fn fingerprint(path: &Path) -> u64 {
    let mut hasher = DefaultHasher::new();
    for entry in WalkDir::new(path).sort_by_file_name() {
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

/// Removes what was made where nothing was, and tells that and what was changed.
///
/// # Errors
/// When something cannot be removed.
pub(super) fn clean_up(protected: &[Protected], before: &Seen) -> io::Result<Tampering> {
    let mut tampering = Tampering::default();
    for one in protected {
        match (one.now, fs::symlink_metadata(&one.path)) {
            (Now::Absent, Err(_)) => {}
            (Now::Absent, Ok(_)) => {
                remove_all(&one.path)?;
                tampering.made.push(one.path.clone());
            }
            (Now::Present | Now::Odd, _) => match before.0.get(&one.path) {
                Some(seen) if *seen != fingerprint(&one.path) => {
                    tampering.changed.push(one.path.clone());
                }
                Some(_) | None => {}
            },
        }
    }
    Ok(tampering)
}
