//! The agent against a server that the test plays: what it tells, when, and what it does when the
//! server goes away, takes a run back or refuses to listen.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod acceptance;
mod asks;
mod batches;
mod holds;
mod models;
mod server;
mod steps;

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use orch_agent::{AgentConfig, AgentError};
use server::{DEADLINE, Server, Session, soon};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// An agent under test, with its server and its folder.
struct Stage {
    server: Server,
    shutdown: CancellationToken,
    agent: JoinHandle<Result<(), AgentError>>,
    top: tempfile::TempDir,
}

impl Stage {
    async fn start() -> (Self, Session) {
        Self::with(|_| {}).await
    }

    /// Starts an agent with other settings than the defaults, and takes its first stream.
    async fn with(change: impl FnOnce(&mut AgentConfig)) -> (Self, Session) {
        let mut stage = Self::prepare(change).await;
        let session = stage.server.session().await;
        (stage, session)
    }

    async fn prepare(change: impl FnOnce(&mut AgentConfig)) -> Self {
        let top = tempfile::tempdir().unwrap();
        let server = Server::start().await;
        let mut config = AgentConfig::new(&server.url, top.path().join("state"));
        config.path = std::env::var("PATH").unwrap();
        config.interval = Duration::from_millis(50);
        change(&mut config);
        let shutdown = CancellationToken::new();
        let agent = tokio::spawn(orch_agent::run(config, shutdown.clone()));
        Self {
            server,
            shutdown,
            agent,
            top,
        }
    }

    /// Ends the agent as SIGTERM does.
    async fn end(mut self) {
        self.shutdown.cancel();
        soon("the agent's end", &mut self.agent)
            .await
            .unwrap()
            .unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.top.path().join(name)
    }

    /// The folders of runs that are on disk.
    fn folders(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path("state/runs")).into_iter().flatten();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.filter(|name| name.starts_with("run-")).collect();
        names.sort();
        names
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

/// Waits for something that another process does.
async fn poll<T>(what: &str, mut attempt: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(value) = attempt() {
            return value;
        }
        assert!(begun.elapsed() < DEADLINE, "{what} did not happen");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn gone(pid: &str) {
    poll("the end of the process", || (!is_alive(pid)).then_some(())).await;
}

fn is_alive(pid: &str) -> bool {
    let stat = fs::read_to_string(Path::new("/proc").join(pid).join("stat"));
    stat.is_ok_and(|stat| {
        !stat
            .rsplit(')')
            .next()
            .unwrap_or_default()
            .trim_start()
            .starts_with('Z')
    })
}
