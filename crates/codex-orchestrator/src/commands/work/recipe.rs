//! `work recipe`: shows or sets the tool recipe.

use orch_api::client::Client;
use orch_api::types::work_item::NewRecipe;

use crate::commands::{Context, ids};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::input;

/// Arguments of `work recipe`; without a file it shows.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The work item's id
    #[arg(value_parser = ids::id())]
    id: i64,
    /// File that holds the recipe (YAML); `-` is standard input
    file: Option<String>,
}

/// Runs `work recipe`.
pub async fn run(args: &Args, client: &Client, context: &mut Context<'_>) -> Result<(), Failure> {
    let id = args.id;
    let recipe = match &args.file {
        Some(file) => {
            client
                .set_recipe(
                    id,
                    &NewRecipe {
                        yaml: input::text(file)?,
                    },
                )
                .await?
        }
        None => {
            // Names the item where it is the item that does not exist.
            client.work_item(id).await?;
            client.recipe(id).await?.ok_or_else(|| {
                Failure::new(Exit::Refused, format!("work item {id} has no recipe"))
                    .next_step(format!("codex-orchestrator work recipe {id} FILE"))
            })?
        }
    };
    Ok(context.output.one(&recipe)?)
}
