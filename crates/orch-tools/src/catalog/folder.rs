//! Reading a catalog's folder. What is wrong with one entry never hides the others.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use orch_core::recipe::MAX_YAML_BYTES;
use walkdir::WalkDir;

use super::{Entry, Trust};
use crate::signature::PublicKey;

/// Most files that are looked at.
const MAX_FILES: usize = 20_000;
/// Deepest folder.
const MAX_DEPTH: usize = 8;

/// The entries of a folder.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    pub(super) entries: Vec<Entry>,
    faults: Vec<Fault>,
}

/// A file that is no entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The file.
    pub file: PathBuf,
    /// What is wrong with it.
    pub why: String,
    /// The tools that it may be about, as far as its name and its text tell: neither can be trusted.
    about: Vec<String>,
}

impl Fault {
    /// Whether the file is, or may be, that of this tool.
    #[must_use]
    pub fn is_about(&self, tool: &str) -> bool {
        self.about.iter().any(|name| name == tool)
    }
}

impl Catalog {
    /// Reads every `*.yaml` and `*.yml`, with the `*.minisig` beside each.
    ///
    /// # Errors
    /// When the folder itself cannot be read.
    pub fn read(folder: &Path, keys: &[PublicKey]) -> io::Result<Self> {
        fs::read_dir(folder)?;
        let mut catalog = Self::default();
        let walk = WalkDir::new(folder)
            .max_depth(MAX_DEPTH)
            .sort_by_file_name();
        let files = walk.into_iter().filter_entry(|entry| {
            let hidden = entry.file_name().to_string_lossy().starts_with('.');
            entry.depth() == 0 || !hidden
        });
        for (count, found) in files.enumerate() {
            if count == MAX_FILES {
                let why = format!("more than {MAX_FILES} files: the rest was passed over");
                catalog.fault(folder, why);
                break;
            }
            let path = match found {
                Ok(found) => found.into_path(),
                Err(error) => {
                    catalog.fault(error.path().unwrap_or(folder), error.to_string());
                    continue;
                }
            };
            let ends = path.extension().and_then(|end| end.to_str());
            if !matches!(ends, Some("yaml" | "yml")) {
                continue;
            }
            match read_entry(&path, keys) {
                Ok(entry) => catalog.entries.push(entry),
                Err(why) => catalog.fault(&path, why),
            }
        }
        catalog.find_doubles();
        Ok(catalog)
    }

    /// All entries, in the order of their files.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// What could not be read.
    #[must_use]
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    fn fault(&mut self, file: &Path, why: String) {
        let text = read_text(file, MAX_YAML_BYTES).unwrap_or_default();
        let named = text.lines().filter_map(|line| {
            let (_, name) = line.split_once("name:")?;
            Some(
                name.trim()
                    .trim_matches(['"', '\'', '}', ',', ' '])
                    .to_owned(),
            )
        });
        let stem = file
            .file_stem()
            .map(|stem| stem.to_string_lossy().into_owned());
        self.faults.push(Fault {
            file: file.to_owned(),
            why,
            about: named.chain(stem).collect(),
        });
    }

    /// Of two entries with one name and version neither counts: nobody could tell which is meant.
    fn find_doubles(&mut self) {
        let key = |entry: &Entry| (entry.name.clone(), entry.version.clone());
        let keys: Vec<_> = self.entries.iter().map(key).collect();
        let (kept, doubled): (Vec<Entry>, Vec<Entry>) = std::mem::take(&mut self.entries)
            .into_iter()
            .partition(|entry| keys.iter().filter(|other| **other == key(entry)).count() == 1);
        self.entries = kept;
        for entry in doubled {
            let version = entry.version.as_deref().unwrap_or("any version");
            let why = format!("`{}` {version} stands in two files; keep one", entry.name);
            self.fault(&entry.file, why);
        }
    }
}

fn read_entry(path: &Path, keys: &[PublicKey]) -> Result<Entry, String> {
    let text = read_text(path, MAX_YAML_BYTES)?;
    let mut beside = path.as_os_str().to_owned();
    beside.push(".minisig");
    let beside = PathBuf::from(beside);
    let signature = match beside.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        _ => Some(read_text(&beside, 8 * 1024)?),
    };
    let entry = Entry::parse(&text, signature.as_deref(), keys, path.to_owned())?;
    match &entry.trust {
        Trust::Forged { why } => Err(why.clone()),
        Trust::Signed { .. } | Trust::Unsigned { .. } => Ok(entry),
    }
}

fn read_text(path: &Path, most: usize) -> Result<String, String> {
    let found = fs::metadata(path).map_err(|error| error.to_string())?;
    if !found.is_file() {
        return Err("it is no file".to_owned());
    }
    if found.len() > most as u64 {
        return Err(format!("it is longer than {most} bytes"));
    }
    fs::read_to_string(path).map_err(|error| error.to_string())
}
