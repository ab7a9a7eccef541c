//! What a run's commands may reach and use.

use std::path::{Path, PathBuf};

use super::Without;
use crate::{Limits, egress::Proxy};

/// What a run's commands may reach and use; everything else they may not.
#[derive(Debug, Clone)]
pub struct Confinement {
    /// The workspace: written, but for what is protected in it.
    pub work: PathBuf,
    /// Home and temporary files: written.
    pub home: PathBuf,
    /// See `home`; it is `/tmp` as well where a backend can show it so.
    pub tmp: PathBuf,
    /// The run's secrets, of which nothing else is kept there: read.
    pub secrets: PathBuf,
    /// Read as well: tools. Those that do not exist are passed over, and whom they belong to stays.
    pub readable: Vec<PathBuf>,
    /// The `PATH` of the commands; its folders are read.
    pub path: String,
    /// Names at the top of the workspace that may be written although they are protected.
    pub unprotected: Vec<String>,
    /// The way to what may be reached over the network; nothing without one.
    pub network: Option<Proxy>,
    /// What may be used up.
    pub limits: Limits,
    /// What is left out in tests.
    pub without: Without,
}

impl Confinement {
    /// The folders that are the run's alone.
    pub(super) fn own_folders(&self) -> Vec<&Path> {
        let own = [&self.work, &self.home, &self.tmp, &self.secrets];
        own.map(PathBuf::as_path).to_vec()
    }
}
