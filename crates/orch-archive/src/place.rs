//! Writes what archives hold into a fresh folder.
//!
//! Links are written last, all of them judged together, so that no file is ever written through one.

use std::{
    collections::BTreeSet,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use crate::{
    ArchiveError, Bounds,
    bounds::Limited,
    links::{self, Links},
    paths,
    sink::{Sink, What},
};

/// What becomes of a link to an absolute path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absolute {
    /// The archive is refused.
    Refused,
    /// It is meant inside the folder, as in a package of a distribution.
    Inside,
}

pub(crate) struct Placer {
    top: PathBuf,
    bounds: Bounds,
    absolute: Absolute,
    strip: usize,
    allowed: u64,
    pub(crate) bytes: u64,
    pub(crate) entries: u64,
    files: BTreeSet<Vec<String>>,
    folders: BTreeSet<Vec<String>>,
    links: Links,
}

impl Sink for Placer {
    fn allowed(&self) -> u64 {
        self.allowed
    }

    fn put(&mut self, name: &[u8], what: What<'_>) -> Result<(), ArchiveError> {
        self.place(name, what)
    }

    /// From here on no folders are left out.
    fn lone_file(&mut self) {
        self.strip = 0;
    }
}

impl Placer {
    /// For an archive of so many bytes, into an empty folder.
    pub(crate) fn new(
        top: &Path,
        bounds: Bounds,
        packed: u64,
        strip: usize,
        absolute: Absolute,
    ) -> Self {
        Self {
            top: top.to_owned(),
            bounds,
            absolute,
            strip,
            allowed: bounds.allowed(packed),
            bytes: 0,
            entries: 0,
            files: BTreeSet::new(),
            folders: BTreeSet::new(),
            links: Links::new(),
        }
    }

    fn place(&mut self, name: &[u8], what: What<'_>) -> Result<(), ArchiveError> {
        let hostile = |why: String| ArchiveError::hostile(name, why);
        self.entries += 1;
        if self.entries > self.bounds.entries {
            return Err(ArchiveError::Bomb {
                what: "entries",
                bound: self.bounds.entries,
            });
        }
        let mut parts = paths::parts(name).map_err(hostile)?;
        if parts.len() <= self.strip {
            // A file that is left out with its folders would vanish in silence.
            return match (what, parts.is_empty() || self.strip == 0) {
                (What::Folder, _) | (_, true) => Ok(()),
                _ => Err(hostile(format!(
                    "lies above the {} leading folders that are left out",
                    self.strip
                ))),
            };
        }
        parts.drain(..self.strip);
        self.make_folders(&parts[..parts.len() - 1], name)?;
        if self.links.contains_key(&parts) || self.files.contains(&parts) {
            return Err(hostile("stands twice in it".to_owned()));
        }
        match what {
            What::Folder => self.make_folder(&parts, name),
            What::File { content, runs } => self.write(parts, name, content, runs),
            What::Link { target } => {
                if self.folders.contains(&parts) {
                    return Err(hostile("is a link where a folder is".to_owned()));
                }
                let target = self.target(&parts, &target).map_err(hostile)?;
                self.links.insert(parts, target);
                Ok(())
            }
            What::Hard { target } => self.link(parts, name, &target),
        }
    }

    fn target(&self, parts: &[String], target: &[u8]) -> Result<String, String> {
        let text = std::str::from_utf8(target).ok();
        let text = text.filter(|text| !text.is_empty() && text.len() <= 1_024);
        let text = text.ok_or("is a link to no name")?;
        if text.chars().any(char::is_control) {
            return Err("is a link to a name with control characters".to_owned());
        }
        match (text.strip_prefix('/'), self.absolute) {
            (None, _) => Ok(text.to_owned()),
            (Some(_), Absolute::Refused) => Err(format!("is a link to the absolute path `{text}`")),
            (Some(inside), Absolute::Inside) => {
                let up = "../".repeat(parts.len() - 1);
                Ok(format!("{up}{}", inside.trim_start_matches('/')))
            }
        }
    }

    fn path(&self, parts: &[String]) -> PathBuf {
        let mut path = self.top.clone();
        path.extend(parts);
        path
    }

    fn make_folders(&mut self, parts: &[String], name: &[u8]) -> Result<(), ArchiveError> {
        for length in 1..=parts.len() {
            if !self.folders.contains(&parts[..length]) {
                self.make_folder(&parts[..length], name)?;
            }
        }
        Ok(())
    }

    fn make_folder(&mut self, parts: &[String], name: &[u8]) -> Result<(), ArchiveError> {
        if self.links.contains_key(parts) {
            let why = "goes through a link of the archive";
            return Err(ArchiveError::hostile(name, why));
        }
        if self.files.contains(parts) {
            return Err(ArchiveError::hostile(name, "makes a file a folder"));
        }
        if !self.folders.insert(parts.to_vec()) {
            return Ok(());
        }
        let path = self.path(parts);
        let made = match DirBuilder::new().mode(0o755).create(&path) {
            // Another archive made it: a link would lead elsewhere.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let is_folder = fs::symlink_metadata(&path).is_ok_and(|found| found.is_dir());
                is_folder.then_some(()).ok_or(error)
            }
            made => made,
        };
        made.map_err(ArchiveError::io("make the folder", &path))
    }

    fn write(
        &mut self,
        parts: Vec<String>,
        name: &[u8],
        content: &mut dyn Read,
        runs: bool,
    ) -> Result<(), ArchiveError> {
        if self.folders.contains(&parts) {
            return Err(ArchiveError::hostile(name, "makes a folder a file"));
        }
        let path = self.path(&parts);
        let mode = if runs { 0o755 } else { 0o644 };
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(&path);
        let mut file = file.map_err(ArchiveError::io("write", &path))?;
        let left = self.allowed.saturating_sub(self.bytes);
        let written = copy(content, &mut file, left, self.allowed, &path)?;
        self.bytes += written;
        self.files.insert(parts);
        Ok(())
    }

    fn link(&mut self, parts: Vec<String>, name: &[u8], target: &[u8]) -> Result<(), ArchiveError> {
        let hostile = |why: String| ArchiveError::hostile(name, why);
        let mut from = paths::parts(target)
            .map_err(|why| hostile(format!("is a link to a file that {why}")))?;
        if from.len() > self.strip {
            from.drain(..self.strip);
        }
        // A hard link to a symbolic one is another such link; only files came out as files.
        if !self.files.contains(&from) {
            return Err(hostile(
                "is a hard link to no file that came before it".to_owned(),
            ));
        }
        let (from, to) = (self.path(&from), self.path(&parts));
        fs::hard_link(&from, &to).map_err(ArchiveError::io("link", &to))?;
        self.files.insert(parts);
        Ok(())
    }

    /// Writes the links, if none of them leads out.
    pub(crate) fn finish(self) -> Result<Self, ArchiveError> {
        for path in self.links.keys() {
            links::check(&self.links, path)
                .map_err(|why| ArchiveError::hostile(path.join("/").as_bytes(), why))?;
        }
        for (parts, target) in &self.links {
            let path = self.path(parts);
            let made = std::os::unix::fs::symlink(target, &path);
            made.map_err(ArchiveError::io("link", &path))?;
        }
        Ok(self)
    }
}

fn copy(
    content: &mut dyn Read,
    file: &mut File,
    left: u64,
    bound: u64,
    path: &Path,
) -> Result<u64, ArchiveError> {
    let mut limited = Limited::new(content, left);
    let mut buffer = vec![0; 64 * 1024];
    let mut written = 0;
    loop {
        let read = limited.read(&mut buffer);
        let read = read.map_err(ArchiveError::reading("archive", bound))?;
        if read == 0 {
            return Ok(written);
        }
        io::Write::write_all(file, &buffer[..read]).map_err(ArchiveError::io("write", path))?;
        written += read as u64;
    }
}
