//! Finding files beneath a folder without ever leaving it.
//!
//! Every folder is opened by one name beneath a folder that is open already, links are never
//! followed, and what was looked at is what is read: whatever is swapped meanwhile, no path is
//! resolved twice.

use std::{
    ffi::OsString,
    fs::File,
    io,
    ops::ControlFlow,
    os::fd::{AsRawFd as _, OwnedFd},
    path::Path,
    sync::Arc,
};

use nix::{
    fcntl::{AtFlags, OFlag, open, openat},
    sys::stat::{FileStat, Mode, SFlag, fstat, fstatat},
};
use orch_core::recipe::Output;

/// Folders within folders.
const DEEPEST: usize = 64;

/// Something that a pattern names.
#[derive(Debug)]
pub(super) struct Found {
    /// Relative to the workspace; what is no text in it stands as `\u{fffd}`.
    pub(super) path: String,
    /// Which of the declared outputs it is.
    pub(super) output: usize,
    /// The file, or why it is not kept.
    pub(super) file: Result<Place, &'static str>,
}

/// A file, named within a folder that stays the one it was.
#[derive(Debug)]
pub(super) struct Place {
    folder: Arc<OwnedFd>,
    name: OsString,
}

impl Place {
    /// Opens it, if it still is a plain file.
    pub(super) fn open(&self) -> Result<(File, u64), String> {
        // A pipe that took the file's place must not hold us up.
        let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
        let failed = |error: nix::Error| match error {
            nix::Error::ELOOP => "it became a symbolic link, which is not followed".to_owned(),
            nix::Error::ENOENT => "it is gone".to_owned(),
            other => format!("it cannot be opened: {}", other.desc()),
        };
        let file =
            openat(&*self.folder, self.name.as_os_str(), flags, Mode::empty()).map_err(failed)?;
        let facts = fstat(&file).map_err(failed)?;
        match kind(&facts) {
            Kind::File => Ok((File::from(file), u64::try_from(facts.st_size).unwrap_or(0))),
            Kind::Folder | Kind::Link | Kind::Other => {
                Err("it is no plain file any more".to_owned())
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    File,
    Folder,
    Link,
    Other,
}

fn kind(facts: &FileStat) -> Kind {
    match SFlag::from_bits_truncate(facts.st_mode) & SFlag::S_IFMT {
        SFlag::S_IFREG => Kind::File,
        SFlag::S_IFDIR => Kind::Folder,
        SFlag::S_IFLNK => Kind::Link,
        _ => Kind::Other,
    }
}

/// Looks for the outputs in a workspace, by name order; answers why it did not look everywhere, where
/// it did not. Ends early where `take` says so. Blocks.
pub(super) fn walk(
    work: &Path,
    outputs: &[Output],
    most_entries: usize,
    take: &mut dyn FnMut(Found) -> ControlFlow<()>,
) -> io::Result<Option<&'static str>> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let top = open(work, flags, Mode::empty())?;
    let mut walk = Walk {
        outputs,
        left: most_entries,
        cut: None,
        take,
    };
    // Whoever takes may have had enough.
    let _ = walk.enter(top, String::new(), Spelled::AsItIs, 0)?;
    Ok(walk.cut)
}

/// Whether a path can be told as it is: one that is no text cannot.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Spelled {
    AsItIs,
    Otherwise,
}

struct Walk<'o> {
    outputs: &'o [Output],
    left: usize,
    cut: Option<&'static str>,
    take: &'o mut dyn FnMut(Found) -> ControlFlow<()>,
}

impl Walk<'_> {
    fn enter(
        &mut self,
        folder: OwnedFd,
        path: String,
        spelled: Spelled,
        depth: usize,
    ) -> io::Result<ControlFlow<()>> {
        if depth > DEEPEST {
            self.cut = Some("folders deeper than 64 were not looked into");
            return Ok(ControlFlow::Continue(()));
        }
        let folder = Arc::new(folder);
        // By its descriptor: its path may be another folder's by now.
        let listing = std::fs::read_dir(format!("/proc/self/fd/{}", folder.as_raw_fd()))?;
        let mut names = Vec::new();
        for entry in listing {
            if self.left == 0 {
                self.cut = Some("there are more files than are looked at");
                break;
            }
            self.left -= 1;
            names.push(entry?.file_name());
        }
        names.sort_unstable();
        for name in names {
            let (shown, spelled) = match name.to_str() {
                Some(shown) => (shown.to_owned(), spelled),
                None => (name.to_string_lossy().into_owned(), Spelled::Otherwise),
            };
            let below = match path.is_empty() {
                true => shown,
                false => format!("{path}/{shown}"),
            };
            let Ok(facts) = fstatat(&*folder, name.as_os_str(), AtFlags::AT_SYMLINK_NOFOLLOW)
            else {
                continue;
            };
            let kind = kind(&facts);
            if kind == Kind::Folder {
                if !self
                    .outputs
                    .iter()
                    .any(|one| one.pattern().may_match_in(&below))
                {
                    continue;
                }
                let flags =
                    OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
                // Swapped for something else, or not ours to read: nothing in it is an output.
                if let Ok(inner) = openat(&*folder, name.as_os_str(), flags, Mode::empty())
                    && self.enter(inner, below, spelled, depth + 1)?.is_break()
                {
                    return Ok(ControlFlow::Break(()));
                }
                continue;
            }
            let Some(output) = self
                .outputs
                .iter()
                .position(|one| one.pattern().matches(&below))
            else {
                continue;
            };
            let file = match kind {
                _ if spelled == Spelled::Otherwise => Err("its name is no text (UTF-8)"),
                Kind::File => Ok(Place {
                    folder: Arc::clone(&folder),
                    name,
                }),
                Kind::Link => Err("a symbolic link, which is not followed"),
                Kind::Folder | Kind::Other => Err("no plain file"),
            };
            let found = Found {
                path: below,
                output,
                file,
            };
            if (self.take)(found).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Read as _;
    use std::os::unix::fs::symlink;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    fn outputs(paths: &[&str]) -> Vec<Output> {
        paths.iter().map(|path| Output::at(path).unwrap()).collect()
    }

    fn all(work: &Path, paths: &[&str], most: usize) -> io::Result<(Vec<Found>, bool)> {
        let mut found = Vec::new();
        let cut = walk(work, &outputs(paths), most, &mut |one| {
            found.push(one);
            ControlFlow::Continue(())
        })?;
        Ok((found, cut.is_some()))
    }

    fn read(found: &Found) -> Result<String, String> {
        let (mut file, _) = found
            .file
            .as_ref()
            .map_err(|why| (*why).to_owned())?
            .open()?;
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        Ok(text)
    }

    #[test]
    fn files_are_found_in_order_and_links_and_pipes_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let work = folder.path().join("work");
        fs::create_dir_all(work.join("dist/deep")).unwrap();
        fs::write(folder.path().join("secret"), "outside").unwrap();
        fs::write(work.join("dist/b"), "b").unwrap();
        fs::write(work.join("dist/deep/a"), "a").unwrap();
        symlink(folder.path().join("secret"), work.join("dist/link")).unwrap();
        symlink(folder.path(), work.join("dist/up")).unwrap();
        nix::unistd::mkfifo(&work.join("dist/pipe"), Mode::S_IRWXU).unwrap();
        let (found, cut) = all(&work, &["dist/**"], 100).unwrap();
        let told: Vec<_> = found
            .iter()
            .map(|one| (one.path.as_str(), read(one)))
            .collect();
        let link = || Err("a symbolic link, which is not followed".to_owned());
        assert_eq!(
            told,
            [
                ("dist/b", Ok("b".to_owned())),
                ("dist/deep/a", Ok("a".to_owned())),
                ("dist/link", link()),
                ("dist/pipe", Err("no plain file".to_owned())),
                ("dist/up", link()),
            ]
        );
        assert!(!cut);
        assert!(all(&work, &["dist/**"], 3).unwrap().1);
        assert!(all(&work.join("dist/up"), &["**"], 3).is_err());
    }

    #[test]
    fn names_that_are_no_text_are_told_as_not_kept() {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt as _;

        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join(OsStr::from_bytes(b"dist-\xff"));
        fs::create_dir_all(&inner).unwrap();
        fs::write(inner.join("in"), "").unwrap();
        fs::write(folder.path().join(OsStr::from_bytes(b"caf\xe9.txt")), "").unwrap();
        fs::write(folder.path().join("plain"), "").unwrap();
        let (found, _) = all(folder.path(), &["**"], 100).unwrap();
        let told: Vec<_> = found
            .iter()
            .map(|one| (one.path.as_str(), read(one)))
            .collect();
        let no_text = || Err("its name is no text (UTF-8)".to_owned());
        assert_eq!(
            told,
            [
                ("caf\u{fffd}.txt", no_text()),
                ("dist-\u{fffd}/in", no_text()),
                ("plain", Ok(String::new())),
            ]
        );
    }

    /// The layer off is a plain read by path: with it, this race is lost within moments.
    #[test]
    fn folders_and_files_swapped_for_links_meanwhile_never_show_what_is_outside() {
        let folder = tempfile::tempdir().unwrap();
        let (work, outside) = (folder.path().join("work"), folder.path().join("outside"));
        fs::create_dir_all(&outside).unwrap();
        fs::create_dir_all(work.join("dist")).unwrap();
        fs::write(outside.join("f"), "outside").unwrap();
        fs::write(work.join("dist/f"), "inside").unwrap();
        let (over, leaked) = (AtomicBool::new(false), AtomicBool::new(false));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    let _ = fs::rename(work.join("dist"), work.join("kept"));
                    let _ = symlink(&outside, work.join("dist"));
                    let by_path = fs::read_to_string(work.join("dist/f")).unwrap_or_default();
                    leaked.fetch_or(by_path == "outside", Ordering::Relaxed);
                    let _ = fs::remove_file(work.join("dist"));
                    let _ = fs::rename(work.join("kept"), work.join("dist"));
                    let _ = fs::rename(work.join("dist/f"), work.join("dist/g"));
                    let _ = symlink(outside.join("f"), work.join("dist/f"));
                    let _ = fs::remove_file(work.join("dist/f"));
                    let _ = fs::rename(work.join("dist/g"), work.join("dist/f"));
                }
            });
            let mut inside = 0;
            for _ in 0..3000 {
                // The workspace's own listing may be cut short by the swapping.
                let Ok((found, _)) = all(&work, &["dist/**", "kept/**"], 100) else {
                    continue;
                };
                for (path, text) in found.iter().map(|one| (&one.path, read(one))) {
                    if let Ok(text) = text {
                        assert_eq!(text, "inside", "{path}");
                        inside += 1;
                    }
                }
            }
            over.store(true, Ordering::Relaxed);
            assert!(inside > 0, "nothing was ever read");
        });
        assert!(
            leaked.load(Ordering::Relaxed),
            "the swap never showed what is outside"
        );
    }
}
