//! The shape of a valid recipe.
//!
//! Values of these types come out of the reader and have passed its rules, also when they come from
//! JSON. They hold no defaults of the platform: a step without a timeout has none.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::offer::Offer;
use super::outputs::Output;
use super::rules;
use crate::secret::SecretUse;

/// What a work item needs and runs; at least one tool or one step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recipe {
    /// Name in the catalog, where the recipe describes a tool.
    pub name: Option<String>,
    /// Version in the catalog, as it was written (`2.17.x`, `1.10`).
    pub version: Option<String>,
    /// Where the catalog's tool is fetched from.
    pub source: Option<Source>,
    /// What the steps may reach; none where the recipe does not say.
    pub permissions: Option<Permissions>,
    /// Tools that the steps need, at most [`super::MAX_TOOLS`].
    pub tools: Vec<Tool>,
    /// What runs, in this order, at most [`super::MAX_STEPS`].
    pub steps: Vec<Step>,
    /// What a catalog entry says beyond that.
    pub offer: Offer,
    /// What is kept of the workspace at the run's end, at most [`super::MAX_ARTIFACTS`].
    pub artifacts: Vec<Output>,
}

/// Where a tool is fetched from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// `https://`, `http://` or `file:///`.
    pub url: String,
    /// What the fetched bytes must hash to.
    pub checksum: Option<Checksum>,
}

/// What a catalog recipe's steps may reach.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Permissions {
    /// Hosts that may be reached.
    pub network: Network,
    /// Folders that may be written.
    pub filesystem: Vec<String>,
    /// Capabilities that the executing agent must grant.
    pub capabilities: Vec<String>,
}

/// A tool that must be there before the first step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tool {
    /// Its name in the catalog, such as `awscli`.
    pub name: String,
    /// The version, as it was written.
    pub version: Option<String>,
    /// What the tool's bytes must hash to.
    pub checksum: Option<Checksum>,
    /// Variables that the tool needs in every step.
    pub env: BTreeMap<String, String>,
    /// What the tool may reach.
    pub network: Network,
}

/// Which hosts may be reached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Network {
    /// None.
    #[default]
    Denied,
    /// Every one.
    Open,
    /// These, in lower case; `*.` stands for any subdomain, `:port` limits to one port.
    Hosts(Vec<String>),
}

/// One shell command of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// What people call it.
    pub name: Option<String>,
    /// The command line for the shell; never blank.
    pub run: String,
    /// Variables for this step alone.
    pub env: BTreeMap<String, String>,
    /// How long it may take, to the millisecond, at most [`super::MAX_TIMEOUT`].
    pub timeout: Option<Duration>,
    /// Folder relative to the workspace, as it was written; see [`Step::folder`].
    pub cwd: Option<String>,
    /// Whether it may run again although it may have run before; see [`Step::is_idempotent`].
    pub idempotent: Option<bool>,
    /// Secrets that this step alone gets, no variable twice.
    pub secrets: Vec<SecretUse>,
    /// What is kept of the workspace at the step's end.
    pub artifacts: Vec<Output>,
}

impl Step {
    /// A step that runs `command` in the workspace.
    #[must_use]
    pub fn command(command: impl Into<String>) -> Self {
        Self {
            run: command.into(),
            ..Self::default()
        }
    }

    /// Whether it may be repeated without a person's word; so it is unless the step says otherwise.
    #[must_use]
    pub fn is_idempotent(&self) -> bool {
        self.idempotent.unwrap_or(true)
    }

    /// The folder without `.` and `..`, relative to the workspace (`.` is the workspace itself).
    ///
    /// Judged by text alone: whoever executes must still refuse a symbolic link that leads out.
    #[must_use]
    pub fn folder(&self) -> String {
        let cwd = self.cwd.as_deref().unwrap_or(".");
        rules::inside_workspace(cwd).unwrap_or_else(|| ".".to_owned())
    }
}

/// A SHA-256 or the beginning of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checksum {
    hex: String,
}

impl Checksum {
    /// `hex` must be 1 to 64 lower-case hex digits.
    pub(super) fn from_valid_hex(hex: String) -> Self {
        Self { hex }
    }

    /// The hex digits in lower case, 1 to 64 of them.
    #[must_use]
    pub fn hex(&self) -> &str {
        &self.hex
    }

    /// Whether all 64 digits are given; fewer identify, but do not prove.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.hex.len() == 64
    }
}

impl std::str::FromStr for Checksum {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        rules::parse_checksum(text)
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", self.hex)
    }
}
