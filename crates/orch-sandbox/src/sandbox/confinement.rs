//! What a run's commands may reach and use.

use std::path::PathBuf;

use crate::Limits;

/// What a run's commands may reach and use; everything else they may not.
#[derive(Debug, Clone)]
pub struct Confinement {
    /// The workspace: written, but for what is protected in it.
    pub work: PathBuf,
    /// Home and temporary files: written.
    pub home: PathBuf,
    /// See `home`; it is `/tmp` as well where a backend can show it so.
    pub tmp: PathBuf,
    /// Read: secrets of the run, tools. Those that do not exist are passed over.
    pub readable: Vec<PathBuf>,
    /// The `PATH` of the commands; its folders are read.
    pub path: String,
    /// Names at the top of the workspace that may be written although they are protected.
    pub unprotected: Vec<String>,
    /// What may be reached beyond the machine.
    pub network: Network,
    /// What may be used up.
    pub limits: Limits,
}

/// What may be reached beyond the machine.
#[derive(Debug, Clone, Default)]
pub enum Network {
    /// Nothing.
    #[default]
    Denied,
}
