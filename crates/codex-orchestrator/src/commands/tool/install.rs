//! `tool install`.

use std::path::PathBuf;
use std::sync::Arc;

use orch_agent::SandboxWorkshop;
use orch_tools::{Came, Installed, Lock, Want};
use serde::Serialize;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::command::Place;
use super::opened::{Opened, failure, open, platform, wants};
use crate::commands::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Cell, Row};

/// Arguments of `tool install`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The tools, and which versions of them
    #[arg(value_name = "NAME[@RANGE]", required_unless_present = "lock")]
    tools: Vec<String>,
    /// Install exactly what this lock says
    #[arg(long, value_name = "FILE", conflicts_with = "tools")]
    lock: Option<PathBuf>,
}

#[derive(Debug, Serialize)]
struct Made {
    name: String,
    version: String,
    from: &'static str,
    milliseconds: u128,
    bytes: u64,
    folder: String,
    programs: std::collections::BTreeMap<String, PathBuf>,
}

impl Made {
    fn of(installed: &Installed) -> Self {
        Self {
            name: installed.tool.name.clone(),
            version: installed.tool.version.clone(),
            from: match installed.from {
                Came::Cache => "cache",
                Came::Source => "source",
            },
            milliseconds: installed.took.as_millis(),
            bytes: installed.stored.manifest.bytes,
            folder: installed.stored.folder.display().to_string(),
            programs: installed.programs(),
        }
    }
}

impl Row for Made {
    const HEAD: &'static [&'static str] = &["name", "version", "from", "ms", "bytes", "programs"];
    const NAME: &'static str = "tools";

    fn cells(&self) -> Vec<Cell> {
        let programs: Vec<String> = self
            .programs
            .values()
            .map(|path| path.display().to_string())
            .collect();
        vec![
            Cell::new(&self.name),
            Cell::new(&self.version),
            Cell::new(self.from),
            Cell::new(self.milliseconds),
            Cell::new(self.bytes),
            Cell::new(programs.join(" ")),
        ]
    }
}

/// Runs `tool install`.
pub async fn run(place: &Place, args: &Args, context: &mut Context<'_>) -> Result<Exit, Failure> {
    let opened = open(place, context)?;
    opened.needs_catalog()?;
    let lock = match &args.lock {
        Some(path) => read_lock(path)?,
        None => {
            let wants: Vec<Want> = wants(&args.tools)?;
            let resolved = opened.toolbox.resolve(&wants, platform(None)?).await;
            resolved.map_err(|error| failure(&error))?
        }
    };
    if Some(lock.platform) != orch_tools::Platform::here() {
        let message = format!(
            "the lock is for {}, and this machine is another",
            lock.platform
        );
        return Err(Failure::usage(message).next_step("resolve again on this machine"));
    }
    let mut made = Vec::new();
    for tool in &lock.tools {
        let installed = install(&opened, tool, &lock, context).await?;
        made.push(Made::of(&installed));
    }
    context.output.list(&made)?;
    Ok(Exit::Done)
}

async fn install(
    opened: &Opened,
    tool: &orch_tools::Locked,
    lock: &Lock,
    context: &mut Context<'_>,
) -> Result<Installed, Failure> {
    let config = &opened.config;
    let sandbox = orch_agent::choose_sandbox(config)
        .await
        .map_err(|error| crate::commands::agent::failure(&error))?;
    let (said, mut lines) = mpsc::unbounded_channel();
    let workshop =
        SandboxWorkshop::new(config, Arc::clone(&sandbox), CancellationToken::new(), said);
    let installing = async {
        let installed = opened.toolbox.install(tool, lock.platform, &workshop).await;
        // Ends the lines below.
        drop(workshop);
        installed
    };
    let telling = async {
        while let Some(line) = lines.recv().await {
            context.output.note(&line);
        }
    };
    let (installed, ()) = tokio::join!(installing, telling);
    installed.map_err(|error| failure(&error))
}

fn read_lock(path: &std::path::Path) -> Result<Lock, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Failure::usage(format!("failed to read the lock {}", path.display())).caused_by(&error)
    })?;
    Lock::parse(&text).map_err(|why| {
        Failure::usage(format!("{} is no lock: {why}", path.display()))
            .next_step("`codex-orchestrator tool resolve --lock FILE` writes one")
    })
}
