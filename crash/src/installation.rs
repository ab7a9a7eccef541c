//! The processes: a server, a real agent, and the folder that they live in.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use reqwest::StatusCode;
use serde_json::Value;

/// Nothing that is waited for takes longer.
pub const PATIENCE: Duration = Duration::from_secs(60);
const ANSWER_WITHIN: Duration = Duration::from_secs(15);

/// The API as a client sees it.
#[derive(Clone)]
pub struct Api {
    base: String,
    http: reqwest::Client,
}

impl Api {
    /// An answer, or `None` where none came: then nothing is known.
    pub async fn send(
        &self,
        method: reqwest::Method,
        path: &str,
        body: Option<Value>,
    ) -> Option<(StatusCode, Value)> {
        let mut request = self
            .http
            .request(method, format!("{}{path}", self.base))
            .timeout(ANSWER_WITHIN);
        if let Some(body) = body {
            if let (Some(title), "/work-items") = (body["title"].as_str(), path) {
                request = request.header("idempotency-key", title);
            }
            request = request.json(&body);
        }
        let response = request.send().await.ok()?;
        let status = response.status();
        let text = response.text().await.ok()?;
        Some((
            status,
            serde_json::from_str(&text).unwrap_or(Value::String(text)),
        ))
    }

    pub async fn get(&self, path: &str) -> Option<(StatusCode, Value)> {
        self.send(reqwest::Method::GET, path, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Option<(StatusCode, Value)> {
        self.send(reqwest::Method::POST, path, Some(body)).await
    }
}

/// Server and agent on one data folder.
pub struct Installation {
    binary: PathBuf,
    folder: tempfile::TempDir,
    env: Vec<(String, String)>,
    server: Option<Child>,
    agent: Option<Child>,
    base: String,
    http: reqwest::Client,
}

impl Installation {
    pub fn new(binary: &Path, env: Vec<(String, String)>) -> anyhow::Result<Self> {
        // Process-wide: whoever comes second finds it installed.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Ok(Self {
            binary: binary.to_owned(),
            folder: tempfile::TempDir::new().context("failed to make a folder")?,
            env,
            server: None,
            agent: None,
            base: String::new(),
            http: reqwest::Client::builder()
                .no_proxy()
                .build()
                .context("failed to make a client")?,
        })
    }

    pub fn api(&self) -> Api {
        Api {
            base: self.base.clone(),
            http: self.http.clone(),
        }
    }

    fn command(&self, args: &[&str]) -> anyhow::Result<Command> {
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log_file())
            .context("failed to open the log")?;
        let mut command = Command::new(&self.binary);
        command
            .args(args)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.folder.path())
            .env("ORCH_DATA_DIR", self.folder.path().join("data"))
            .env("ORCH_RATE_LIMIT_PER_MIN", "0")
            .env("NO_COLOR", "1")
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stderr(log);
        Ok(command)
    }

    fn log_file(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// The end of what the programs said.
    pub fn log(&self) -> String {
        let text = std::fs::read_to_string(self.log_file()).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }

    /// Starts the server; answers whether it lived long enough to listen.
    pub fn start_server(&mut self, failpoints: &str) -> anyhow::Result<bool> {
        let port = self
            .base
            .rsplit(':')
            .next()
            .filter(|port| !port.is_empty())
            .unwrap_or("0")
            .to_owned();
        let mut child = self
            .command(&["serve"])?
            .env("ORCH_PORT", port)
            .env("ORCH_FAILPOINTS", failpoints)
            .stdout(Stdio::piped())
            .spawn()
            .context("failed to start the server")?;
        let mut line = String::new();
        let stdout = child.stdout.take().context("its output is piped")?;
        BufReader::new(stdout)
            .read_line(&mut line)
            .context("failed to read its first line")?;
        self.server = Some(child);
        match line.trim().strip_prefix("listening on ") {
            Some(base) => {
                base.clone_into(&mut self.base);
                Ok(true)
            }
            None => {
                self.kill_server();
                Ok(false)
            }
        }
    }

    pub fn start_agent(&mut self, failpoints: &str) -> anyhow::Result<()> {
        self.kill_agent();
        let state = self.folder.path().join("agent");
        let child = self
            .command(&["agent", "--url", &self.base])?
            .env("AGENT_ID", "real")
            .env("AGENT_CLAIM_TTL", "2")
            .env("AGENT_STATE_DIR", state)
            .env("ORCH_FAILPOINTS", failpoints)
            .stdout(Stdio::null())
            .spawn()
            .context("failed to start the agent")?;
        self.agent = Some(child);
        Ok(())
    }

    /// Whether both are still alive.
    pub fn server_lives(&mut self) -> bool {
        self.server
            .as_mut()
            .is_some_and(|child| matches!(child.try_wait(), Ok(None)))
    }

    pub fn agent_lives(&mut self) -> bool {
        self.agent
            .as_mut()
            .is_some_and(|child| matches!(child.try_wait(), Ok(None)))
    }

    pub fn kill_server(&mut self) {
        end(&mut self.server);
    }

    pub fn kill_agent(&mut self) {
        end(&mut self.agent);
    }

    /// Ends the server as a supervisor would.
    pub fn stop_server(&mut self) -> anyhow::Result<()> {
        let Some(server) = self.server.as_mut() else {
            return Ok(());
        };
        let pid = server.id().to_string();
        Command::new("kill")
            .args(["-TERM", &pid])
            .status()
            .context("failed to run kill")?;
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if server.try_wait()?.is_some() {
                self.server = None;
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        bail!("the server did not end by itself")
    }

    /// What `audit verify` finds wrong, if anything.
    pub fn audit(&self) -> anyhow::Result<Option<String>> {
        let data = self.folder.path().join("data").display().to_string();
        let output = self
            .command(&["audit", "verify", "--data-dir", &data])?
            .output()
            .context("failed to run audit verify")?;
        Ok(
            (!output.status.success())
                .then(|| String::from_utf8_lossy(&output.stdout).into_owned()),
        )
    }
}

fn end(child: &mut Option<Child>) {
    if let Some(mut child) = child.take() {
        let _ = child.kill();
        let _ = child.wait();
    }
}

impl Drop for Installation {
    fn drop(&mut self) {
        end(&mut self.server);
        end(&mut self.agent);
    }
}
