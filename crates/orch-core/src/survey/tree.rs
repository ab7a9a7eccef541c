//! A source tree as it is handed in: names and sizes of all files, contents of those that were wanted.

use std::collections::{BTreeMap, BTreeSet};

use crate::seen::is_unseen;

use super::bounds::{LONGEST_FILE_BYTES, LONGEST_PATH, MOST_READ_BYTES, MOST_READ_FILES};
use super::take::{is_named, language_of, left_out};

/// What a name in a tree stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileKind {
    File,
    /// A symbolic link, which nobody follows.
    Link,
    /// Another repository.
    Submodule,
}

/// A file of a tree.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TreeFile {
    /// Folders with `/` between them; none at the beginning.
    pub path: String,
    pub size_bytes: u64,
    pub kind: FileKind,
}

impl TreeFile {
    /// A file with its path as it came. Bytes that are no UTF-8, and characters that cannot be seen, are
    /// replaced: such a path is shown and never opened.
    #[must_use]
    pub fn new(path: &[u8], size_bytes: u64, kind: FileKind) -> Self {
        let path = String::from_utf8_lossy(path)
            .chars()
            .map(|c| if is_unseen(c) { '\u{fffd}' } else { c })
            .collect();
        Self {
            path,
            size_bytes,
            kind,
        }
    }

    pub(super) fn name(&self) -> &str {
        name(&self.path)
    }
}

/// The last part of a path.
pub(super) fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The folder of a path; empty at the top.
pub(super) fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// A path in a folder.
pub(super) fn inside(folder: &str, name: &str) -> String {
    match folder {
        "" => name.to_owned(),
        folder => format!("{folder}/{name}"),
    }
}

/// The folder and those around it, the innermost first, up to the top.
pub(super) fn around(path: &str) -> impl Iterator<Item = &str> {
    let mut next = Some(path);
    std::iter::from_fn(move || {
        let now = next?;
        next = (!now.is_empty()).then(|| folder(now));
        Some(now)
    })
}

/// Which files are wanted: those whose names say something first, then source files, the small ones
/// first, within bounds. Answers their places in `files`, in rising order.
#[must_use]
pub fn wanted(files: &[TreeFile]) -> Vec<usize> {
    let mut ranked: Vec<(u8, u64, &str, usize)> = Vec::new();
    for (at, file) in files.iter().enumerate() {
        let is_readable = file.kind == FileKind::File
            && file.size_bytes <= LONGEST_FILE_BYTES
            && file.path.chars().count() <= LONGEST_PATH
            && !file.path.contains('\u{fffd}');
        if !is_readable || left_out(&file.path).is_some() {
            continue;
        }
        let depth = file.path.matches('/').count() as u64;
        let rank = match (is_named(&file.path), language_of(&file.path)) {
            (true, _) => (0, depth),
            (false, Some(language)) if language.imports => (1, file.size_bytes),
            // Only its first line is of interest.
            (false, None) if !file.name().contains('.') && file.size_bytes < 64 * 1024 => {
                (2, depth)
            }
            (false, Some(_) | None) => continue,
        };
        ranked.push((rank.0, rank.1, &file.path, at));
    }
    ranked.sort_unstable();
    let mut bytes = 0;
    let mut taken = BTreeSet::new();
    for (_, _, _, at) in ranked {
        if taken.len() >= MOST_READ_FILES {
            break;
        }
        if bytes + files[at].size_bytes <= MOST_READ_BYTES {
            bytes += files[at].size_bytes;
            taken.insert(at);
        }
    }
    taken.into_iter().collect()
}

/// The tree, and what was read of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    pub(super) files: Vec<TreeFile>,
    pub(super) texts: BTreeMap<String, String>,
}

impl Tree {
    /// A tree with the contents of some of its files; binary ones are dropped, and bytes that are no
    /// UTF-8 replaced.
    #[must_use]
    pub fn new(
        mut files: Vec<TreeFile>,
        contents: impl IntoIterator<Item = (String, Vec<u8>)>,
    ) -> Self {
        files.sort_unstable();
        files.dedup_by(|a, b| a.path == b.path);
        let texts = contents.into_iter().filter_map(|(path, bytes)| {
            let start = &bytes[..bytes.len().min(8_000)];
            let longest = usize::try_from(LONGEST_FILE_BYTES).unwrap_or(usize::MAX);
            if start.contains(&0) || bytes.len() > longest {
                return None;
            }
            Some((path, String::from_utf8_lossy(&bytes).into_owned()))
        });
        let texts = texts.collect();
        Self { files, texts }
    }

    /// The name of the one folder that everything lies in, as in most archives of a release.
    #[must_use]
    pub fn lone_folder(files: &[TreeFile]) -> Option<String> {
        let (top, _) = files.first()?.path.split_once('/')?;
        let is_in = |file: &TreeFile| {
            file.path
                .strip_prefix(top)
                .is_some_and(|rest| rest.starts_with('/'))
        };
        files.iter().all(is_in).then(|| top.to_owned())
    }

    pub(super) fn has(&self, path: &str) -> bool {
        let found = self
            .files
            .binary_search_by(|file| file.path.as_str().cmp(path));
        found.is_ok()
    }

    /// The files whose paths begin with this.
    pub(super) fn below<'t>(&'t self, start: &'t str) -> impl Iterator<Item = &'t TreeFile> {
        let first = self
            .files
            .partition_point(|file| file.path.as_str() < start);
        let files = self.files[first..].iter();
        files.take_while(move |file| file.path.starts_with(start))
    }

    pub(super) fn text(&self, path: &str) -> Option<&str> {
        self.texts.get(path).map(String::as_str)
    }

    /// The nearest file of one of these names, in the folder or in those around it.
    pub(super) fn nearest(&self, from: &str, names: &[&str]) -> Option<String> {
        around(from).find_map(|folder| {
            let mut paths = names.iter().map(|name| inside(folder, name));
            paths.find(|path| self.has(path))
        })
    }
}
