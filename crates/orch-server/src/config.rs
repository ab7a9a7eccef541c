//! What the control plane is told at start. Values come parsed; where they came from is the
//! binary's business.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use orch_core::rules::Rules;
use orch_store::Database;
use orch_store::blob::BucketAddress;
use orch_store::retention::Retention;

use crate::app::orchestrate::TeamSettings;
use crate::vault::KvAddress;

/// Settings of the server.
#[derive(Clone)]
pub struct ServerConfig {
    /// The address or name to listen on.
    pub host: String,
    /// 0 picks a free one.
    pub port: u16,
    /// Keys, logs, artifacts; and the database, unless it is elsewhere.
    pub data_dir: PathBuf,
    pub database: Database,
    pub rules: Rules,
    pub scheduling: SchedulingMode,
    /// How long logs of finished runs are kept, and how much of them.
    pub log_retention: Retention,
    /// Artifacts of runs that ended longer ago are removed; none where nothing is said.
    pub artifact_retention: Option<std::time::Duration>,
    /// Where the bytes of artifacts are, if not with the database (`ORCH_ARTIFACTS`).
    pub bucket: Option<BucketAddress>,
    /// `ORCH_API_TOKEN`.
    pub api_token: Option<String>,
    pub exposure: Exposure,
    /// `ORCH_ALLOWED_HOSTS`.
    pub allowed_hosts: Vec<String>,
    /// `ORCH_CORS_ORIGINS`: a comma-separated list, or `*`.
    pub cors_origins: String,
    /// Requests a minute for each client; 0 is without a limit.
    pub rate_limit_per_min: u32,
    /// `ORCH_SECRET_KEY`: a Fernet key, or several; the first seals.
    pub secret_key: Option<String>,
    /// `ORCH_SECRET_KEY_FILE`: the same in a file.
    pub secret_key_file: Option<PathBuf>,
    /// Where secrets' values are kept, if not in the database (`ORCH_VAULT_*`).
    pub vault: Option<KvAddress>,
    /// `AGENT_SECRET_KEY`: what agents present to read answers in clear.
    pub agent_secret: Option<String>,
    /// `ORCH_MIN_FREE_BYTES`: with less on a disk of its data, new work is refused.
    pub min_free_bytes: u64,
    /// Who answers `/api/orchestrate`.
    pub team: TeamSettings,
}

impl fmt::Debug for ServerConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerConfig")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("data_dir", &self.data_dir)
            .field("database", &self.database.to_string())
            .field("scheduling", &self.scheduling)
            .field("exposure", &self.exposure)
            .finish_non_exhaustive()
    }
}

/// Who starts eligible work besides an explicit tick and connected agents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchedulingMode {
    /// Nobody.
    OnTick,
    /// A timer (`ORCH_SCHEDULER_BACKGROUND_INTERVAL`).
    Every(Duration),
    /// Every wake-up: `up`, which has an agent of its own.
    OnWakeUp,
}

/// Whether listening beyond loopback without a token was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exposure {
    LoopbackOnly,
    Unauthenticated,
}
