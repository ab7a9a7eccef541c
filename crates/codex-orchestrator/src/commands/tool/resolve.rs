//! `tool resolve`.

use std::path::PathBuf;

use super::command::Place;
use super::opened::{failure, open, platform, wants};
use crate::commands::Context;
use crate::exit::Exit;
use crate::failure::Failure;

/// Arguments of `tool resolve`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The tools, and which versions of them
    #[arg(value_name = "NAME[@RANGE]", required = true)]
    tools: Vec<String>,
    /// Write the lock here [default: standard output]
    #[arg(long, value_name = "FILE")]
    lock: Option<PathBuf>,
    /// For another platform than this one
    #[arg(long, value_name = "PLATFORM")]
    platform: Option<String>,
}

/// Runs `tool resolve`.
pub async fn run(place: &Place, args: &Args, context: &mut Context<'_>) -> Result<Exit, Failure> {
    let opened = open(place, context)?;
    opened.needs_catalog()?;
    let wants = wants(&args.tools)?;
    let resolved = opened
        .toolbox
        .resolve(&wants, platform(args.platform.as_deref())?)
        .await;
    let lock = resolved.map_err(|error| failure(&error))?;
    match &args.lock {
        None => context.output.text(&lock.to_json())?,
        Some(path) => {
            std::fs::write(path, lock.to_json()).map_err(|error| {
                let message = format!("failed to write the lock {}", path.display());
                Failure::new(Exit::Failed, message).caused_by(&error)
            })?;
            let count = lock.tools.len();
            context.output.done(&format!(
                "{count} tools locked in {} ({})",
                path.display(),
                lock.digest()
            ));
        }
    }
    context.output.flush()?;
    Ok(Exit::Done)
}
