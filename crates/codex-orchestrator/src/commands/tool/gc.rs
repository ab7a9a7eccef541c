//! `tool gc`.

use std::time::{Duration, SystemTime};

use serde::Serialize;

use super::command::Place;
use super::opened::open;
use crate::clock;
use crate::commands::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Cell, Details};

/// Arguments of `tool gc`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Remove whatever is not in use
    #[arg(long)]
    all: bool,
}

#[derive(Debug, Serialize)]
struct Removed {
    removed: Vec<String>,
    freed_bytes: u64,
    in_use: u64,
    left: u64,
    left_bytes: u64,
}

impl Details for Removed {
    fn fields(&self) -> Vec<(&'static str, Cell)> {
        vec![
            ("removed", Cell::new(self.removed.len())),
            ("freed bytes", Cell::new(self.freed_bytes)),
            ("in use, kept", Cell::new(self.in_use)),
            ("left", Cell::new(self.left)),
            ("left bytes", Cell::new(self.left_bytes)),
        ]
    }
}

/// Runs `tool gc`.
pub async fn run(place: &Place, args: &Args, context: &mut Context<'_>) -> Result<Exit, Failure> {
    let opened = open(place, context)?;
    let (age, bytes) = match args.all {
        true => (Duration::MAX, 0),
        false => (
            opened.config.tools.cache_age,
            opened.config.tools.cache_bytes,
        ),
    };
    let micros = u64::try_from(clock::now().as_micros()).unwrap_or(0);
    let now = SystemTime::UNIX_EPOCH + Duration::from_micros(micros);
    let cache = opened.toolbox.cache().clone();
    let collected = tokio::task::spawn_blocking(move || cache.collect(now, age, bytes)).await;
    let failed = |error: &dyn std::error::Error| {
        Failure::new(Exit::Failed, "failed to remove unused tools").caused_by(error)
    };
    let collected = collected.map_err(|error| failed(&error))?;
    let collected = collected.map_err(|error| failed(&error))?;
    context.output.one(&Removed {
        removed: collected.removed.iter().map(ToString::to_string).collect(),
        freed_bytes: collected.freed,
        in_use: collected.in_use,
        left: collected.left.tools,
        left_bytes: collected.left.bytes,
    })?;
    Ok(Exit::Done)
}
