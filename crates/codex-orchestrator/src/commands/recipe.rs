//! `recipe check`: whether a recipe is valid, and what it would run. Needs no server.

use clap::Subcommand;
use orch_api::types::dry_run::DryRun;
use serde::Serialize;

use super::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::input;
use crate::output::Format;
use crate::view;

/// Arguments of `recipe`.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Check a recipe file
    Check {
        /// File that holds the recipe (YAML); `-` is standard input
        file: String,
        /// Print what would run, and with what rights
        #[arg(long)]
        dry_run: bool,
    },
}

#[derive(Serialize)]
struct Checked {
    valid: bool,
    steps: usize,
    tools: usize,
    /// What every agent with a sandbox refuses.
    refused: Vec<String>,
}

/// Runs `recipe`.
pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Exit, Failure> {
    let Action::Check { file, dry_run } = &args.action;
    let recipe = orch_core::recipe::parse(&input::text(file)?).map_err(|error| {
        Failure::new(Exit::Refused, format!("the recipe is not valid: {error}"))
    })?;
    let mut shown = DryRun::of(&recipe);
    let output = &mut context.output;
    let is_json = output.format() == Format::Json;
    if *dry_run {
        let why = "the agent's sandbox, limits and policy: a recipe alone was looked at";
        shown.unknown.push(why.to_owned());
        match is_json {
            true => output.document(&shown)?,
            false => output.text(&view::dry_run::text(&shown))?,
        }
    } else if is_json {
        output.document(&Checked {
            valid: true,
            steps: recipe.steps.len(),
            tools: recipe.tools.len(),
            refused: shown.rights.refused,
        })?;
    } else {
        output.done(&format!(
            "the recipe is valid: {} steps, {} tools",
            recipe.steps.len(),
            recipe.tools.len()
        ));
        for what in &shown.rights.refused {
            output.warn(&format!("an agent with a sandbox will not run it: {what}"));
        }
    }
    output.flush()?;
    Ok(Exit::Done)
}
