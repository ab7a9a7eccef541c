//! What is known of an installed tool, kept beside it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Digest, Locked, Platform};

/// An installed tool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// What it was made from.
    pub tool: Locked,
    /// For what platform.
    pub platform: Platform,
    /// Its programs, with their paths inside its `root`.
    pub programs: BTreeMap<String, String>,
    /// Files.
    pub files: u64,
    /// Bytes of all files.
    pub bytes: u64,
    /// Where its list of parts lies, relative to its folder.
    pub sbom: String,
    /// The digest of every file, by path.
    pub contents: BTreeMap<String, Digest>,
}
