//! `work create`: an item, with its recipe and its place in the queue where those are wanted.

use orch_api::client::Client;
use orch_api::types::queue::Enqueue;
use orch_api::types::work_item::{NewRecipe, NewWorkItem};
use orch_core::work_item::Kind;

use crate::commands::{Context, ids};
use crate::failure::Failure;
use crate::input;

/// Arguments of `work create`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// What is to be done, in one line
    title: String,
    /// The project's id
    #[arg(long, value_name = "ID", value_parser = ids::id())]
    project: i64,
    /// What is to be done, in full
    #[arg(long, short)]
    description: Option<String>,
    /// What sort of work it is
    #[arg(long, value_parser = ids::kind())]
    kind: Option<Kind>,
    /// At most one run of the project is open for each key
    #[arg(long, value_name = "KEY")]
    concurrency_key: Option<String>,
    /// What of the project's repository it works on: a branch, a tag or a full commit
    #[arg(long = "ref", value_name = "REF")]
    reference: Option<String>,
    /// The environment that it concerns, such as staging
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
    /// How often a failed attempt is tried again
    #[arg(long, value_name = "N")]
    max_retries: Option<u32>,
    /// The first wait before a retry; it doubles
    #[arg(long, value_name = "SECONDS", value_parser = ids::seconds)]
    backoff_base_seconds: Option<f64>,
    /// At most so much is added to each wait
    #[arg(long, value_name = "SECONDS", value_parser = ids::seconds)]
    backoff_jitter_seconds: Option<f64>,
    /// File that holds its tool recipe; `-` is standard input
    #[arg(long, value_name = "FILE")]
    recipe: Option<String>,
    /// Put it into the queue at once
    #[arg(long)]
    enqueue: bool,
}

/// Runs `work create`.
pub async fn run(args: Args, client: &Client, context: &mut Context<'_>) -> Result<(), Failure> {
    // Before anything is created: a missing file or a bad recipe must not leave half of it behind.
    let yaml = args.recipe.as_deref().map(input::text).transpose()?;
    if let Some(Err(error)) = yaml.as_deref().map(orch_core::recipe::parse) {
        let message = format!("the recipe is not valid: {error}");
        return Err(Failure::usage(message).next_step("mend it; nothing was created"));
    }
    let new = NewWorkItem {
        project_id: args.project,
        title: args.title,
        description: args.description,
        kind: args.kind,
        environment: args.environment,
        concurrency_key: args.concurrency_key,
        reference: args.reference,
        max_retries: args.max_retries,
        backoff_base_seconds: args.backoff_base_seconds,
        backoff_jitter_seconds: args.backoff_jitter_seconds,
    };
    let mut item = client.create_work_item(&new).await?;
    let id = item.id;
    let kept = |failure: Failure| match failure.next_step {
        Some(_) => failure,
        None => failure.next_step(format!(
            "work item {id} was created; see codex-orchestrator work show {id}"
        )),
    };
    if let Some(yaml) = yaml {
        client
            .set_recipe(id, &NewRecipe { yaml })
            .await
            .map_err(|error| kept(error.into()))?;
        // Its digest covers the recipe.
        item = client
            .work_item(id)
            .await
            .map_err(|error| kept(error.into()))?;
    }
    if args.enqueue {
        let entry = Enqueue {
            work_item_id: id,
            ..Enqueue::default()
        };
        let queued = client
            .enqueue(&entry)
            .await
            .map_err(|error| kept(error.into()))?;
        context
            .output
            .note(&format!("queued as entry {}", queued.id));
    }
    Ok(context.output.one(&item)?)
}
