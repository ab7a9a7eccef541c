//! A server under measurement: the real binary on a fresh data folder, and on a fresh database
//! where a PostgreSQL is given.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::database::Database;
use crate::setup::Setup;
use crate::wire::{Wire, first_id};
use crate::{process, wire};

pub struct Server {
    folder: TempDir,
    child: Child,
    pub base: String,
    pub ready_after: Duration,
    _database: Option<Database>,
}

impl Server {
    /// Starts the server alone and waits until it listens.
    pub async fn start(setup: &Setup) -> anyhow::Result<Self> {
        Self::start_as(setup, "serve").await
    }

    /// Starts `command` (`serve` or `up`) and waits until it listens.
    pub async fn start_as(setup: &Setup, command: &str) -> anyhow::Result<Self> {
        Self::start_with(setup, command, &[]).await
    }

    /// With settings of its own.
    pub async fn start_with(
        setup: &Setup,
        command: &str,
        env: &[(&str, &str)],
    ) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let database = match &setup.database_url {
            Some(url) => Some(Database::create(url).await?),
            None => None,
        };
        let begun = Instant::now();
        let mut starting = program(setup, command, &folder);
        starting
            .env("ORCH_DATA_DIR", folder.path().join("data"))
            .env("ORCH_PORT", "0")
            .env("ORCH_RATE_LIMIT_PER_MIN", "0")
            .envs(env.iter().copied())
            .stdout(Stdio::piped());
        if let Some(database) = &database {
            starting.env("ORCH_DATABASE_URL", &database.url);
        }
        let mut child = starting
            .spawn()
            .with_context(|| format!("failed to start {}", setup.binary))?;
        let mut line = String::new();
        let stdout = child.stdout.take().context("its output is piped")?;
        BufReader::new(stdout).read_line(&mut line)?;
        let ready_after = begun.elapsed();
        let base = line
            .trim()
            .strip_prefix("listening on ")
            .context("it did not say that it listens")?
            .to_owned();
        Ok(Self {
            folder,
            child,
            base,
            ready_after,
            _database: database,
        })
    }

    pub async fn wire(&self) -> anyhow::Result<Wire> {
        Wire::open(&self.base).await
    }

    /// A new project's id.
    pub async fn project(&self, wire: &mut Wire) -> anyhow::Result<i64> {
        let body = json!({"name": "bench"}).to_string();
        first_id(wire.post("/projects", body.as_bytes()).await?)
    }

    pub async fn health(&self, wire: &mut Wire) -> anyhow::Result<Value> {
        Ok(serde_json::from_slice(
            wire.get("/observability/health").await?,
        )?)
    }

    /// Waits until so many agents are connected.
    pub async fn connected(&self, wire: &mut Wire, agents: u64) -> anyhow::Result<()> {
        let begun = Instant::now();
        while self.health(wire).await?["connected_agents"].as_u64() != Some(agents) {
            ensure!(
                begun.elapsed() < Duration::from_secs(60),
                "{agents} agents did not connect"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn cpu_seconds(&self) -> f64 {
        process::cpu_seconds(self.pid())
    }

    /// A real agent in a process of its own.
    pub fn agent(&self, setup: &Setup, slots: usize, steps: &str) -> anyhow::Result<AgentProcess> {
        let folder = tempfile::tempdir_in(self.folder.path())?;
        let child = program(setup, "agent", &folder)
            .env("ORCH_URL", &self.base)
            .env("AGENT_STATE_DIR", folder.path().join("agent"))
            .env("AGENT_SLOTS", slots.to_string())
            .env("AGENT_STEPS", steps)
            // Measured beside bare processes; what sandboxes cost has a measure of its own.
            .env("AGENT_SANDBOX", "process")
            .stdout(Stdio::null())
            .spawn()?;
        Ok(AgentProcess {
            child,
            _folder: folder,
        })
    }
}

fn program(setup: &Setup, command: &str, home: &TempDir) -> Command {
    let mut program = Command::new(&setup.binary);
    program
        .arg(command)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", home.path())
        .env("LOG_LEVEL", "error")
        .current_dir(home.path())
        .stderr(Stdio::inherit());
    program
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An agent in a process of its own; it ends with this.
pub struct AgentProcess {
    child: Child,
    _folder: TempDir,
}

impl AgentProcess {
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// As `kill -9`.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        Ok(self.child.kill()?)
    }
}

impl Drop for AgentProcess {
    fn drop(&mut self) {
        let pid = nix::unistd::Pid::from_raw(self.child.id().cast_signed());
        // Asked first, so that it ends its steps.
        let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGCONT);
        let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM);
        let until = Instant::now() + Duration::from_secs(8);
        while Instant::now() < until {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether an answer about a run says that it succeeded.
pub fn has_succeeded(answer: &[u8]) -> bool {
    wire::find(answer, b"\"status\":\"succeeded\"").is_some()
}
