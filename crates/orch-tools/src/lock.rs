//! What a list of wanted tools was resolved to: exactly these files, by their hashes.
//!
//! Pure. The same wants over the same catalog give the same bytes. A lock is read back as strictly as
//! it is written, for it decides what is installed.

use std::collections::BTreeMap;

use orch_core::recipe::check_program;
use serde::{Deserialize, Serialize};

use crate::{Digest, Platform};

/// The format that is written.
const FORMAT: u32 = 1;
/// Longest lock that is read.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// Tools as they are installed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// The format, 1.
    lock: u32,
    /// The platform that it is for.
    pub platform: Platform,
    /// In the order of their names.
    pub tools: Vec<Locked>,
}

/// One tool of a lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Locked {
    /// Its name in the catalog.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The digest of the catalog entry's text.
    pub entry: Digest,
    /// How its files are to be taken.
    pub kind: Kind,
    /// What is fetched; the first is the tool itself, what follows is what it needs.
    pub files: Vec<Pinned>,
    /// Programs by name, with their paths inside; found at the installation where none are given.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub bin: BTreeMap<String, String>,
    /// Leading folders that are left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strip: Option<u8>,
    /// The key that signed the entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_by: Option<String>,
}

/// How fetched files become a tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// An archive or a program.
    Source,
    /// A tarball of npm and those that it depends on.
    Npm,
    /// A wheel and those that it depends on.
    Pypi,
    /// The source of a crate.
    Crate,
    /// Debian packages.
    Apt,
}

/// One file, by its hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pinned {
    /// The package, where it is one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Its version there.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// Where it is fetched from.
    pub url: String,
    /// What its bytes hash to.
    pub sha256: Digest,
    /// How many bytes it has, where that is known beforehand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// The registry's own hash, such as `sha512-…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub integrity: Option<String>,
    /// What it needs of the others: the name that it calls it by, and its place among `files`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub needs: BTreeMap<String, usize>,
}

impl Lock {
    /// A lock of these tools.
    #[must_use]
    pub fn new(platform: Platform, mut tools: Vec<Locked>) -> Self {
        tools.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
        tools.dedup();
        Self {
            lock: FORMAT,
            platform,
            tools,
        }
    }

    /// As it is kept.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut json = serde_json::to_string_pretty(self).expect("invariant: a lock is plain data");
        json.push('\n');
        json
    }

    /// Reads one back.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(json: &str) -> Result<Self, String> {
        if json.len() > MAX_BYTES {
            return Err(format!("it is longer than {MAX_BYTES} bytes"));
        }
        let lock: Self = serde_json::from_str(json).map_err(|error| error.to_string())?;
        if lock.lock != FORMAT {
            return Err(format!(
                "its format is {}, and this program reads {FORMAT}",
                lock.lock
            ));
        }
        for tool in &lock.tools {
            tool.check()
                .map_err(|why| format!("tool `{}`: {why}", tool.name))?;
        }
        Ok(lock)
    }

    /// The digest of the lock.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(self.to_json().as_bytes())
    }
}

impl Locked {
    /// What its installation is called in a cache: the same input has the same one.
    #[must_use]
    pub fn digest(&self, platform: Platform) -> Digest {
        let json = serde_json::to_string(self).expect("invariant: a locked tool is plain data");
        Digest::of(format!("orch-tool 1\n{platform}\n{json}").as_bytes())
    }

    fn check(&self) -> Result<(), String> {
        if self.files.is_empty() {
            return Err("nothing is fetched for it".to_owned());
        }
        for (name, inside) in &self.bin {
            check_program(name)?;
            if inside.starts_with('/') || inside.split('/').any(|part| part == "..") {
                return Err(format!("program `{name}` leads out of the tool"));
            }
        }
        let needs = self.files.iter().flat_map(|file| &file.needs);
        for (name, place) in needs {
            if *place >= self.files.len() {
                return Err(format!("`{name}` is not among its files"));
            }
            orch_archive::check_relative(name)?;
        }
        Ok(())
    }
}
