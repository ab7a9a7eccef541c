//! What stands in an archive, without a file being written: names and sizes of all, contents of a few.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Cursor, Read};

use crate::bounds::Limited;
use crate::links::{self, Links};
use crate::sink::{Sink, What};
use crate::unpack::unpack_stream;
use crate::{ArchiveError, ArchiveKind, Bounds, Zip, paths};

/// What may come out of an xz stream.
const MOST_OF_XZ: u64 = 128 << 20;

/// One file or link of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// Its path, without `.` and doubled slashes.
    pub path: String,
    /// Its bytes; none for a link, which is not followed.
    pub size_bytes: Option<u64>,
}

/// What stands in an archive.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Looked {
    /// Files and links, in the order of their paths.
    pub entries: Vec<Look>,
    /// The files that were asked for, by their paths.
    pub contents: BTreeMap<String, Vec<u8>>,
}

/// Looks through an archive (tar, also packed by gzip, xz or zstd, or zip: by its first bytes) and keeps
/// the contents of the files whose paths are wanted, the first `most_bytes` of each.
///
/// # Errors
/// When it is damaged, hostile or too large, or no archive.
pub fn look(
    bytes: &[u8],
    bounds: Bounds,
    wanted: &BTreeSet<String>,
    most_bytes: u64,
) -> Result<Looked, ArchiveError> {
    let kind = ArchiveKind::of_head(&bytes[..bytes.len().min(512)]);
    let allowed = bounds.allowed(bytes.len() as u64);
    let mut looker = Looker {
        bounds,
        allowed: match kind {
            // The header says how much memory its dictionary takes: as much as comes out, at most.
            ArchiveKind::Xz => allowed.min(MOST_OF_XZ),
            ArchiveKind::Tar
            | ArchiveKind::Gzip
            | ArchiveKind::Zstd
            | ArchiveKind::Zip
            | ArchiveKind::Ar
            | ArchiveKind::Plain => allowed,
        },
        wanted,
        most_bytes,
        bytes: 0,
        entries: 0,
        files: BTreeMap::new(),
        links: Links::new(),
        contents: BTreeMap::new(),
        lone: false,
    };
    match kind {
        ArchiveKind::Zip => Zip::open(Cursor::new(bytes), &bounds)?.unpack(&mut looker)?,
        ArchiveKind::Ar | ArchiveKind::Plain => return Err(no_archive()),
        ArchiveKind::Tar | ArchiveKind::Gzip | ArchiveKind::Xz | ArchiveKind::Zstd => {
            unpack_stream(kind, bytes, "", &mut looker)?;
        }
    }
    looker.finish()
}

fn no_archive() -> ArchiveError {
    let what = "a form that is none of tar, tar.gz, tar.xz, tar.zst and zip";
    ArchiveError::Unsupported(what.to_owned())
}

struct Looker<'w> {
    bounds: Bounds,
    allowed: u64,
    wanted: &'w BTreeSet<String>,
    most_bytes: u64,
    bytes: u64,
    entries: u64,
    files: BTreeMap<Vec<String>, u64>,
    links: Links,
    contents: BTreeMap<String, Vec<u8>>,
    lone: bool,
}

impl Sink for Looker<'_> {
    fn allowed(&self) -> u64 {
        self.allowed
    }

    fn put(&mut self, name: &[u8], what: What<'_>) -> Result<(), ArchiveError> {
        if self.lone {
            return Err(no_archive());
        }
        let hostile = |why: &str| ArchiveError::hostile(name, why);
        self.entries += 1;
        if self.entries > self.bounds.entries {
            return Err(ArchiveError::Bomb {
                what: "entries",
                bound: self.bounds.entries,
            });
        }
        let parts = paths::parts(name).map_err(|why| hostile(&why))?;
        if parts.is_empty() {
            return Ok(());
        }
        let is_known = self.files.contains_key(&parts) || self.links.contains_key(&parts);
        if is_known {
            return Err(hostile("stands twice in it"));
        }
        match what {
            What::Folder => Ok(()),
            What::File { content, runs: _ } => self.read(parts, content),
            What::Link { target } => {
                let target = String::from_utf8(target)
                    .map_err(|_| hostile("is a link to a name that is no UTF-8"))?;
                if target.is_empty() || target.len() > 1_024 {
                    return Err(hostile("is a link to no name"));
                }
                self.links.insert(parts, target);
                Ok(())
            }
            What::Hard { target } => self.link(parts, name, &target),
        }
    }

    fn lone_file(&mut self) {
        self.lone = true;
    }
}

impl Looker<'_> {
    fn read(&mut self, parts: Vec<String>, content: &mut dyn Read) -> Result<(), ArchiveError> {
        let failed = || ArchiveError::reading("archive", self.allowed);
        let mut content = Limited::new(content, self.allowed.saturating_sub(self.bytes));
        let path = parts.join("/");
        let mut kept = Vec::new();
        if self.wanted.contains(&path) {
            let read = (&mut content).take(self.most_bytes).read_to_end(&mut kept);
            read.map_err(failed())?;
        }
        let rest = std::io::copy(&mut content, &mut std::io::sink()).map_err(failed())?;
        let size = kept.len() as u64 + rest;
        self.bytes += size;
        if self.wanted.contains(&path) {
            self.contents.insert(path, kept);
        }
        self.files.insert(parts, size);
        Ok(())
    }

    fn link(&mut self, parts: Vec<String>, name: &[u8], target: &[u8]) -> Result<(), ArchiveError> {
        let hostile = |why: String| ArchiveError::hostile(name, why);
        let from = paths::parts(target)
            .map_err(|why| hostile(format!("is a link to a file that {why}")))?;
        let Some(size) = self.files.get(&from).copied() else {
            let why = "is a hard link to no file that came before it";
            return Err(hostile(why.to_owned()));
        };
        let path = parts.join("/");
        if self.wanted.contains(&path)
            && let Some(content) = self.contents.get(&from.join("/")).cloned()
        {
            self.contents.insert(path, content);
        }
        self.files.insert(parts, size);
        Ok(())
    }

    fn finish(self) -> Result<Looked, ArchiveError> {
        links::check_all(&self.links)
            .map_err(|(path, why)| ArchiveError::hostile(path.join("/").as_bytes(), why))?;
        for parts in self.files.keys().chain(self.links.keys()) {
            let through = (1..parts.len()).any(|length| self.links.contains_key(&parts[..length]));
            if through {
                let why = "goes through a link of the archive";
                return Err(ArchiveError::hostile(parts.join("/").as_bytes(), why));
            }
        }
        let files = self.files.into_iter().map(|(parts, size)| Look {
            path: parts.join("/"),
            size_bytes: Some(size),
        });
        let links = self.links.into_keys().map(|parts| Look {
            path: parts.join("/"),
            size_bytes: None,
        });
        let mut entries: Vec<Look> = files.chain(links).collect();
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Looked {
            entries,
            contents: self.contents,
        })
    }
}
