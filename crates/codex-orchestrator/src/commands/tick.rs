//! `tick`: starts all that is eligible.

use super::{Connect, Context};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Format;

/// Arguments of `tick`.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    connect: Connect,
}

/// Runs `tick`.
pub async fn run(args: Args, context: &mut Context<'_>) -> Result<Exit, Failure> {
    let ticked = context.client(&args.connect)?.tick().await?;
    match context.output.format() {
        Format::Json => context.output.document(&ticked)?,
        Format::Text => {
            for run in &ticked.run_ids {
                context.output.text(&format!("started run {run}\n"))?;
            }
            context.output.flush()?;
            if ticked.run_ids.is_empty() {
                context
                    .output
                    .note("nothing was eligible; `codex-orchestrator queue` says why");
            }
        }
    }
    Ok(Exit::Done)
}
