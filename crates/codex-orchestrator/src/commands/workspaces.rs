//! `agent workspaces`: what stays on this machine after a failure, where, and until when.

use std::fs;
use std::path::{Path, PathBuf};

use orch_agent::{Kept, kept_workspaces};

use super::Context;
use crate::config::{Reader, data_dir, state_dir};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Cell, Row};

/// Arguments of `agent workspaces`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Folder of the agent's name and runs; else all agents' in the data folder [env: AGENT_STATE_DIR]
    #[arg(long, value_name = "FOLDER")]
    state_dir: Option<String>,
    /// Folder under which agents keep their runs [env: ORCH_DATA_DIR]
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<String>,
}

/// Runs `agent workspaces`.
pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Exit, Failure> {
    let mut reader = Reader::new(&context.settings);
    let states = match state_dir(&mut reader, args.state_dir.as_deref()) {
        Some(state_dir) => vec![state_dir],
        None => states(&data_dir(&mut reader, args.data_dir.as_deref())),
    };
    reader.finish()?;
    let kept = states
        .iter()
        .map(|state| kept_workspaces(&state.join("runs")));
    let kept: Vec<Kept> = kept.flatten().collect();
    context.output.list(&kept)?;
    if kept.is_empty() {
        let looked: Vec<String> = states
            .iter()
            .map(|state| state.display().to_string())
            .collect();
        context.output.note(&format!(
            "looked in {}; agents with another data folder are found by --data-dir or --state-dir",
            looked.join(", ")
        ));
    }
    Ok(Exit::Done)
}

/// The folder of the agent of `up`, and those of all others.
fn states(data: &Path) -> Vec<PathBuf> {
    let others = fs::read_dir(data.join("agents"))
        .into_iter()
        .flatten()
        .flatten();
    let mut all: Vec<PathBuf> = others.map(|entry| entry.path()).collect();
    all.sort();
    all.insert(0, data.join("agent"));
    all
}

impl Row for Kept {
    const HEAD: &'static [&'static str] = &["run", "item", "until", "bytes", "workspace", "reason"];
    const NAME: &'static str = "kept workspaces";

    fn cells(&self) -> Vec<Cell> {
        vec![
            Cell::new(self.note.run_id),
            Cell::new(self.note.work_item_id),
            Cell::time(&self.note.until.to_string()),
            Cell::new(self.bytes),
            Cell::new(self.workspace.display()),
            Cell::new(&self.note.reason),
        ]
    }
}
