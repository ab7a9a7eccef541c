//! A private PostgreSQL 15 cluster of the system's package: made, killed, started again.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};

use crate::installation::PATIENCE;

const BIN: &str = "/usr/lib/postgresql/15/bin";

/// A cluster that syncs what it commits, as the system's user `postgres`.
pub struct Cluster {
    folder: tempfile::TempDir,
    port: u16,
}

impl Cluster {
    pub fn make() -> anyhow::Result<Self> {
        ensure!(
            Path::new(BIN).is_dir(),
            "{BIN} is missing: install postgresql-15"
        );
        let folder = tempfile::TempDir::new().context("failed to make a folder")?;
        let owned = Command::new("chown")
            .arg("postgres")
            .arg(folder.path())
            .status()?;
        ensure!(
            owned.success(),
            "failed to give the folder to the user postgres: this wants root"
        );
        let port = std::net::TcpListener::bind("127.0.0.1:0")?
            .local_addr()?
            .port();
        let cluster = Self { folder, port };
        let data = cluster.data();
        as_postgres(&format!(
            "{BIN}/initdb -D {data} -A trust -U postgres --no-sync >/dev/null"
        ))?;
        cluster.start()?;
        Ok(cluster)
    }

    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    fn data(&self) -> String {
        self.folder.path().join("data").display().to_string()
    }

    /// Starts it; after a kill, as soon as the last of its old processes is gone.
    pub fn start(&self) -> anyhow::Result<()> {
        let (data, port, folder) = (self.data(), self.port, self.folder.path().display());
        let flags = format!("-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=on");
        let command =
            format!("{BIN}/pg_ctl -D {data} -w -l {data}.log -o '{flags}' start >/dev/null 2>&1");
        let begun = Instant::now();
        while let Err(error) = as_postgres(&command) {
            if begun.elapsed() > PATIENCE {
                return Err(error);
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    /// Ends every process of it with SIGKILL.
    pub fn kill(&self) {
        let file = Path::new(&self.data()).join("postmaster.pid");
        let text = std::fs::read_to_string(file).unwrap_or_default();
        let Some(postmaster) = text
            .lines()
            .next()
            .filter(|pid| pid.parse::<u32>().is_ok_and(|pid| pid > 1))
        else {
            return;
        };
        let children =
            std::fs::read_to_string(format!("/proc/{postmaster}/task/{postmaster}/children"));
        let children = children.unwrap_or_default();
        let all = std::iter::once(postmaster).chain(children.split_whitespace());
        let _ = Command::new("kill")
            .arg("-KILL")
            .args(all)
            .stderr(std::process::Stdio::null())
            .status();
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.kill();
    }
}

fn as_postgres(command: &str) -> anyhow::Result<()> {
    let status = Command::new("su")
        .args(["postgres", "-c", command])
        .current_dir("/")
        .status()
        .context("failed to run su")?;
    if !status.success() {
        bail!("`{command}` ended with {status}");
    }
    Ok(())
}
