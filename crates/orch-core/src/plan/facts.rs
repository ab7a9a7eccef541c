//! What the planner may know of a workspace: the names of files and the text of a few manifests.
//!
//! Whoever gathers the facts reads the disk; here they are only asked. Names are relative, with `/`,
//! at most two levels deep.

use std::collections::{BTreeMap, BTreeSet};

use super::verb::Verb;

/// Names and manifests of a workspace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WorkspaceFacts {
    /// Files of the top level (`Cargo.toml`) and of one level below (`api/go.mod`).
    pub files: BTreeSet<String>,
    /// Text of those files for which [`WorkspaceFacts::wants_content`] says so, by name.
    pub contents: BTreeMap<String, String>,
}

/// Files whose text decides what runs.
const READ: &[&str] = &[
    "Cargo.toml",
    "GNUmakefile",
    "Makefile",
    "makefile",
    "package.json",
    "pyproject.toml",
    "requirements.txt",
    ".terraform.lock.hcl",
];

impl WorkspaceFacts {
    /// How many levels of folders are looked at: the top one and the one below.
    pub const LEVELS: usize = 2;
    /// How much of one file is read at most, in bytes; a longer one counts as unread.
    pub const MAX_CONTENT_BYTES: usize = 256 * 1024;

    /// Whether the text of the file called `path` is of use.
    #[must_use]
    pub fn wants_content(path: &str) -> bool {
        let name = path.rsplit('/').next().unwrap_or(path);
        let is_script = name
            .strip_suffix(".sh")
            .is_some_and(|verb| Verb::of(verb).is_some());
        (READ.contains(&name) || is_script) && path.split('/').count() <= Self::LEVELS
    }

    /// Adds a file, with its text where it was read.
    pub fn add(&mut self, path: impl Into<String>, content: Option<String>) {
        let path = path.into();
        if let Some(content) = content {
            self.contents.insert(path.clone(), content);
        }
        self.files.insert(path);
    }

    /// The folders of the top level that hold files.
    pub(super) fn folders(&self) -> BTreeSet<&str> {
        let paths = self.files.iter();
        paths
            .filter_map(|path| path.split_once('/'))
            .map(|(folder, _)| folder)
            .collect()
    }

    /// What can be seen from inside `folder`; none is the workspace itself.
    pub(super) fn seen_from<'f>(&'f self, folder: Option<&'f str>) -> View<'f> {
        View {
            facts: self,
            folder,
        }
    }
}

/// The facts as one folder sees them.
#[derive(Clone, Copy)]
pub(super) struct View<'f> {
    facts: &'f WorkspaceFacts,
    folder: Option<&'f str>,
}

impl<'f> View<'f> {
    pub(super) fn folder(&self) -> Option<&'f str> {
        self.folder
    }

    /// Names relative to the folder.
    pub(super) fn files(&self) -> impl Iterator<Item = &'f str> {
        let folder = self.folder;
        self.facts
            .files
            .iter()
            .filter_map(move |path| match folder {
                None => Some(path.as_str()),
                Some(folder) => path.strip_prefix(folder)?.strip_prefix('/'),
            })
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.facts.files.contains(&self.path(name))
    }

    /// The first of `names` that is there.
    pub(super) fn first(&self, names: &[&'static str]) -> Option<&'static str> {
        names.iter().copied().find(|name| self.has(name))
    }

    /// Whether a file of this very folder ends with one of `suffixes`.
    pub(super) fn any_ending(&self, suffixes: &[&str]) -> Option<&'f str> {
        self.files()
            .find(|name| !name.contains('/') && suffixes.iter().any(|end| name.ends_with(end)))
    }

    pub(super) fn content(&self, name: &str) -> &'f str {
        let content = self.facts.contents.get(&self.path(name));
        content.map(String::as_str).unwrap_or_default()
    }

    fn path(&self, name: &str) -> String {
        match self.folder {
            None => name.to_owned(),
            Some(folder) => format!("{folder}/{name}"),
        }
    }
}
