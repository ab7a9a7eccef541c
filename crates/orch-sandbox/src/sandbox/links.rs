//! Where links beneath a workspace lead, read name by name.
//!
//! Nothing outside of the workspace is ever looked at.

use std::{
    ffi::OsString,
    fs, io,
    path::{Component, Path, PathBuf},
};

use nix::libc;

/// The system follows no more either.
const MOST_LINKS: usize = 40;

/// Steps find their workspace by this name as well.
const INSIDE: &str = "/workspace";

/// Where a link leads.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Leads {
    /// To something in the workspace, whose path has no link in it.
    Within(PathBuf),
    /// To nothing, or around in circles.
    Nowhere,
    /// Out of the workspace, or to the workspace as a whole.
    Out,
}

/// Where something in the workspace leads.
pub(super) fn follow(work: &Path, path: &Path) -> Leads {
    let Ok(inner) = path.strip_prefix(work) else {
        return Leads::Out;
    };
    let mut left = reversed(inner);
    let mut at = PathBuf::new();
    let mut links = 0;
    while let Some(name) = left.pop() {
        if name == ".." {
            if !at.pop() {
                return Leads::Out;
            }
            continue;
        }
        let target = match fs::read_link(work.join(&at).join(&name)) {
            Ok(target) => target,
            Err(error) if error.raw_os_error() == Some(libc::EINVAL) => {
                at.push(name);
                continue;
            }
            Err(_) => return Leads::Nowhere,
        };
        links += 1;
        if links > MOST_LINKS {
            return Leads::Nowhere;
        }
        if target.is_absolute() {
            let inner = target.strip_prefix(work);
            let Ok(inner) = inner.or_else(|_| target.strip_prefix(INSIDE)) else {
                return Leads::Out;
            };
            at = PathBuf::new();
            left.extend(reversed(inner));
        } else {
            left.extend(reversed(&target));
        }
    }
    match at.as_os_str().is_empty() {
        true => Leads::Out,
        false => Leads::Within(work.join(at)),
    }
}

/// The names of a relative path, the last one first.
fn reversed(path: &Path) -> Vec<OsString> {
    let names = path.components().rev();
    let names = names.filter(|name| *name != Component::CurDir);
    names.map(|name| name.as_os_str().to_owned()).collect()
}

/// All links that lie at a path, which may be one itself, and how many entries were looked at.
///
/// # Errors
/// When there are more than `most` entries.
pub(super) fn at(path: &Path, most: usize) -> io::Result<(Vec<PathBuf>, usize)> {
    let mut links = Vec::new();
    let mut entries = 0;
    for entry in super::protect::entries(path).flatten() {
        entries += 1;
        if entries > most {
            return Err(io::Error::other("there is more than can be watched"));
        }
        if entry.path_is_symlink() {
            links.push(entry.into_path());
        }
    }
    Ok((links, entries))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_are_followed_within_the_workspace_and_no_further() {
        let top = tempfile::tempdir().unwrap();
        let work = top.path().join("work");
        fs::create_dir_all(work.join("a/b")).unwrap();
        fs::write(work.join("a/b/file"), "").unwrap();
        fs::write(top.path().join("outside"), "").unwrap();
        let within = |inner: &str| Leads::Within(work.join(inner));
        let own = work.join("a/b").display().to_string();
        for (target, expected) in [
            ("a/b/file", within("a/b/file")),
            ("./a/../a/b//file", within("a/b/file")),
            ("a", within("a")),
            ("/workspace/a/b", within("a/b")),
            (own.as_str(), within("a/b")),
            ("first", within("a/b")),
            ("first/../b/file", within("a/b/file")),
            ("../outside", Leads::Out),
            ("a/../../outside", Leads::Out),
            ("/usr", Leads::Out),
            ("/proc/self/root", Leads::Out),
            (".", Leads::Out),
            ("/workspace", Leads::Out),
            ("nothing/here", Leads::Nowhere),
            ("round", Leads::Nowhere),
        ] {
            for (name, to) in [("first", "a/b"), ("round", "round"), ("link", target)] {
                symlink(to, work.join(name)).unwrap();
            }
            assert_eq!(follow(&work, &work.join("link")), expected, "{target}");
            for name in ["first", "round", "link"] {
                fs::remove_file(work.join(name)).unwrap();
            }
        }
    }
}
