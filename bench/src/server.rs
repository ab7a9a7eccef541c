//! A server under measurement: the real binary on a fresh data folder.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;

pub struct Server {
    _folder: TempDir,
    child: Child,
    pub base: String,
    pub ready_after: Duration,
    http: reqwest::Client,
}

impl Server {
    /// Starts `command` (`serve` or `up`) and waits until it listens.
    pub fn start(binary: &str, command: &str) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let begun = Instant::now();
        let mut child = Command::new(binary)
            .arg(command)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", folder.path())
            .env("ORCH_DATA_DIR", folder.path().join("data"))
            .env("ORCH_PORT", "0")
            .env("ORCH_RATE_LIMIT_PER_MIN", "0")
            .env("LOG_LEVEL", "warn")
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .with_context(|| format!("failed to start {binary}"))?;
        let mut line = String::new();
        let stdout = child.stdout.take().context("its output is piped")?;
        BufReader::new(stdout).read_line(&mut line)?;
        let ready_after = begun.elapsed();
        let base = line
            .trim()
            .strip_prefix("listening on ")
            .context("it did not say that it listens")?;
        let http = reqwest::Client::builder().no_proxy().build()?;
        Ok(Self {
            _folder: folder,
            child,
            base: base.to_owned(),
            ready_after,
            http,
        })
    }

    pub async fn post(&self, path: &str, body: Value) -> anyhow::Result<Value> {
        let response = self
            .http
            .post(format!("{}{path}", self.base))
            .json(&body)
            .send()
            .await?;
        let status = response.status();
        let text = response.text().await?;
        ensure!(status.is_success(), "POST {path}: {status} {text}");
        Ok(serde_json::from_str(&text)?)
    }

    pub async fn get(&self, path: &str) -> anyhow::Result<Value> {
        let response = self.http.get(format!("{}{path}", self.base)).send().await?;
        Ok(response.error_for_status()?.json().await?)
    }

    pub async fn project(&self) -> anyhow::Result<i64> {
        self.post("/projects", json!({"name": "bench"})).await?["id"]
            .as_i64()
            .context("an id")
    }

    /// Memory in MiB: resident, and proportional (shared pages counted in part).
    pub fn memory_mib(&self) -> anyhow::Result<(f64, f64)> {
        let text = std::fs::read_to_string(format!("/proc/{}/smaps_rollup", self.child.id()))?;
        let field = |name: &str| -> f64 {
            let line = text
                .lines()
                .find(|line| line.starts_with(name))
                .unwrap_or_default();
            let kib = line
                .split_whitespace()
                .nth(1)
                .and_then(|kib| kib.parse::<f64>().ok());
            kib.unwrap_or(f64::NAN) / 1024.0
        };
        Ok((field("Rss:"), field("Pss:")))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
