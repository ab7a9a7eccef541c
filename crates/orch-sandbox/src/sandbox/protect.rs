//! What in a workspace later programs would obey, and no run may therefore write: the repository's
//! own files and the settings of coding agents.
//!
//! Present ones are read-only, or watched where the backend cannot make them so. Absent ones that a
//! command makes are removed when it has ended: to cover each would cost a mount, and show. What
//! links among them lead to in the workspace is protected like they are; what they lead to outside of
//! it is never looked at.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use walkdir::WalkDir;

use super::links::{self, Leads, follow};
use crate::exec::remove_all;

pub use orch_core::recipe::rights::PROTECTED as NAMES;

/// Entries of a workspace that are looked through for links, beside those of the repository itself.
const MOST_ENTRIES: usize = 100_000;

/// Entries that are watched.
const MOST_WATCHED: usize = 1_000_000;

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
    /// A link to what may be written: itself is watched, and not what it leads to.
    Loose,
}

/// All protected names of a workspace, but for those that were granted, and what links among them lead
/// to. Blocks.
///
/// # Errors
/// When there is more than can be looked through.
pub(super) fn look(work: &Path, granted: &[String]) -> io::Result<Vec<Protected>> {
    let kept = NAMES
        .iter()
        .filter(|name| !granted.iter().any(|granted| granted == *name));
    let mut all: Vec<Protected> = kept.map(|name| at(work.join(name))).collect();
    // No commit has links in `.git`, nor may a command make any there.
    let repository = work.join(".git");
    let mut ahead: Vec<PathBuf> = all
        .iter()
        .filter(|one| one.now == Now::Odd || one.path.is_dir() && one.path != repository)
        .map(|one| one.path.clone())
        .collect();
    let mut known: BTreeSet<PathBuf> = all.iter().map(|one| one.path.clone()).collect();
    let is_granted = |path: &Path| granted.iter().any(|name| path.starts_with(work.join(name)));
    let mut left = MOST_ENTRIES;
    while let Some(path) = ahead.pop() {
        let (found, entries) = links::at(&path, left).map_err(|error| {
            let name = path.strip_prefix(work).unwrap_or(&path).display();
            io::Error::other(format!(
                "{error} in `{name}`; name it in the recipe's `permissions.filesystem` if it may be written"
            ))
        })?;
        left -= entries;
        for link in found {
            let target = follow(work, &link);
            if known.insert(link.clone()) {
                all.push(at(link.clone()));
            }
            let Leads::Within(target) = target else {
                continue;
            };
            if is_granted(&target) {
                if let Some(one) = all.iter_mut().find(|one| one.path == link) {
                    one.now = Now::Loose;
                }
                continue;
            }
            let is_covered = |one: &Protected| {
                one.now == Now::Present && one.path.is_dir() && target.starts_with(&one.path)
            };
            if !all.iter().any(is_covered) && known.insert(target.clone()) {
                ahead.push(target.clone());
                all.push(at(target));
            }
        }
    }
    Ok(all)
}

fn at(path: PathBuf) -> Protected {
    let now = match fs::symlink_metadata(&path) {
        Ok(found) if found.is_dir() => Now::Present,
        // Another name of the same file could lie anywhere.
        Ok(found) if found.is_file() && found.nlink() == 1 => Now::Present,
        Ok(_) => Now::Odd,
        Err(_) => Now::Absent,
    };
    Protected { path, now }
}

/// All that lies at a path, without following any link, the path itself neither.
pub(super) fn entries(path: &Path) -> walkdir::IntoIter {
    let walk = WalkDir::new(path).follow_root_links(false);
    walk.sort_by_file_name().into_iter()
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
            (Now::Present, Self::All) | (Now::Odd | Now::Loose, _) => true,
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
///
/// # Errors
/// When there is more than can be watched.
pub(super) fn see(work: &Path, watched: &[Protected]) -> io::Result<Seen> {
    let seen = watched.iter().map(|one| {
        let seen = fingerprint(work, one);
        let seen = seen.ok_or_else(|| io::Error::other("there is more than can be watched"));
        Ok((one.path.clone(), seen?))
    });
    Ok(Seen(seen.collect::<io::Result<_>>()?))
}

/// Whether nothing was made where nothing was.
pub(super) fn none_made(protected: &[Protected]) -> bool {
    let mut absent = protected.iter().filter(|one| one.now == Now::Absent);
    absent.all(|one| fs::symlink_metadata(&one.path).is_err())
}

/// Names, kinds, sizes and times of change, of what a link leads to as well: nobody without privileges
/// sets the last of them. None where there is too much.
fn fingerprint(work: &Path, one: &Protected) -> Option<u64> {
    let mut hasher = DefaultHasher::new();
    let mut left = MOST_WATCHED;
    hash(&one.path, &mut left, &mut hasher)?;
    if fs::symlink_metadata(&one.path).is_ok_and(|found| found.is_symlink()) {
        let leads = follow(work, &one.path);
        leads.hash(&mut hasher);
        if let (Leads::Within(target), Now::Odd | Now::Present | Now::Absent) = (leads, one.now) {
            hash(&target, &mut left, &mut hasher)?;
        }
    }
    Some(hasher.finish())
}

fn hash(path: &Path, left: &mut usize, hasher: &mut DefaultHasher) -> Option<()> {
    for entry in entries(path) {
        *left = left.checked_sub(1)?;
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
            .hash(hasher);
    }
    Some(())
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
pub(super) fn clean_up(
    work: &Path,
    protected: &[Protected],
    before: &Seen,
) -> io::Result<Tampering> {
    let mut tampering = Tampering::default();
    for one in protected {
        match (one.now, fs::symlink_metadata(&one.path)) {
            (Now::Absent, Err(_)) => {}
            (Now::Absent, Ok(_)) => {
                remove_all(&one.path)?;
                tampering.made.push(one.path.clone());
            }
            (Now::Present | Now::Odd | Now::Loose, _) => match before.0.get(&one.path) {
                Some(seen) if Some(*seen) != fingerprint(work, one) => {
                    tampering.changed.push(one.path.clone());
                }
                Some(_) | None => {}
            },
        }
    }
    Ok(tampering)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn paths(work: &Path, now: Now) -> Vec<String> {
        let all = look(work, &[".husky".to_owned()]).unwrap().into_iter();
        let all = all.filter(|one| one.now == now);
        let inner = all.map(|one| one.path.strip_prefix(work).unwrap().display().to_string());
        inner.collect()
    }

    #[test]
    fn what_links_lead_to_in_the_workspace_is_protected_like_they_are() {
        let top = tempfile::tempdir().unwrap();
        let work = top.path();
        for folder in [".codex", ".git", "conf/deep", "docs", "more", "tools"] {
            fs::create_dir_all(work.join(folder)).unwrap();
        }
        for file in ["docs/AGENTS.md", "conf/codex.toml", "more/a", "free"] {
            fs::write(work.join(file), "").unwrap();
        }
        for (target, link) in [
            ("docs/AGENTS.md", "AGENTS.md"),
            ("AGENTS.md", "CLAUDE.md"),
            ("../conf", ".codex/conf"),
            ("../../more/a", "conf/deep/link"),
            ("/usr", ".claude"),
            ("/proc", ".gemini"),
            ("tools", ".husky"),
            ("not/there", ".mcp.json"),
        ] {
            symlink(target, work.join(link)).unwrap();
        }
        let mut present = paths(work, Now::Present);
        present.sort_unstable();
        assert_eq!(
            present,
            [".codex", ".git", "conf", "docs/AGENTS.md", "more/a"]
        );
        let mut odd = paths(work, Now::Odd);
        odd.sort_unstable();
        assert_eq!(
            odd,
            [
                ".claude",
                ".codex/conf",
                ".gemini",
                ".mcp.json",
                "AGENTS.md",
                "CLAUDE.md",
                "conf/deep/link"
            ]
        );
    }

    fn changed(work: &Path, watched: Watched, change: impl FnOnce()) -> Vec<PathBuf> {
        let protected = look(work, &[]).unwrap();
        let watched: Vec<Protected> = watched.of(&protected).cloned().collect();
        let before = see(work, &watched).unwrap();
        change();
        let changed = clean_up(work, &protected, &before).unwrap().changed;
        let inner = changed.iter().map(|path| path.strip_prefix(work).unwrap());
        inner.map(Path::to_owned).collect()
    }

    #[test]
    fn what_a_link_leads_to_is_watched_and_so_is_where_it_leads() {
        let top = tempfile::tempdir().unwrap();
        let work = top.path();
        fs::create_dir_all(work.join("docs")).unwrap();
        fs::write(work.join("docs/AGENTS.md"), "be good").unwrap();
        symlink("docs/AGENTS.md", work.join("AGENTS.md")).unwrap();
        symlink("docs/later", work.join("CLAUDE.md")).unwrap();
        assert_eq!(
            changed(work, Watched::Odd, || {}),
            [""; 0].map(PathBuf::from)
        );
        let written = || fs::write(work.join("docs/AGENTS.md"), "be evil from now on").unwrap();
        assert_eq!(
            changed(work, Watched::All, written),
            ["AGENTS.md", "docs/AGENTS.md"].map(PathBuf::from)
        );
        let swapped = || {
            fs::rename(work.join("docs"), work.join("away")).unwrap();
            fs::create_dir(work.join("docs")).unwrap();
            fs::write(work.join("docs/AGENTS.md"), "be evil").unwrap();
        };
        assert_eq!(
            changed(work, Watched::Odd, swapped),
            ["AGENTS.md"].map(PathBuf::from)
        );
        let made = || fs::write(work.join("docs/later"), "").unwrap();
        assert_eq!(
            changed(work, Watched::Odd, made),
            ["CLAUDE.md"].map(PathBuf::from)
        );
    }

    #[test]
    fn a_link_to_what_may_be_written_is_watched_itself() {
        let top = tempfile::tempdir().unwrap();
        let work = top.path();
        fs::write(work.join("AGENTS.md"), "be good").unwrap();
        symlink("AGENTS.md", work.join("CLAUDE.md")).unwrap();
        let granted = ["AGENTS.md".to_owned()];
        let watched = || -> Vec<Protected> {
            let protected = look(work, &granted).unwrap();
            Watched::Odd.of(&protected).cloned().collect()
        };
        let before = see(work, &watched()).unwrap();
        fs::write(work.join("AGENTS.md"), "be better").unwrap();
        assert_eq!(see(work, &watched()).unwrap(), before);
        fs::remove_file(work.join("CLAUDE.md")).unwrap();
        symlink("evil", work.join("CLAUDE.md")).unwrap();
        assert_ne!(see(work, &watched()).unwrap(), before);
    }

    #[test]
    fn a_link_out_of_the_workspace_is_never_followed() {
        let top = tempfile::tempdir().unwrap();
        let (work, outside) = (top.path().join("work"), top.path().join("outside"));
        fs::create_dir(&work).unwrap();
        fs::create_dir(&outside).unwrap();
        symlink(&outside, work.join(".claude")).unwrap();
        symlink("/proc", work.join(".codex")).unwrap();
        let elsewhere = || fs::write(outside.join("file"), "").unwrap();
        assert_eq!(
            changed(&work, Watched::All, elsewhere),
            [""; 0].map(PathBuf::from)
        );
        assert_eq!(entries(&work.join(".codex")).count(), 1);
    }

    #[test]
    fn more_than_can_be_looked_through_is_refused() {
        let top = tempfile::tempdir().unwrap();
        fs::write(top.path().join("a"), "").unwrap();
        assert!(links::at(top.path(), 2).is_ok());
        assert!(links::at(top.path(), 1).is_err());
    }
}
