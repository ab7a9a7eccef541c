//! `work show`: an item and everything that hangs on it.

use orch_api::client::{Client, Order, Paging};
use orch_api::types::approval::Approval;
use orch_api::types::run::Run;
use orch_api::types::work_item::{Recipe, WorkItem};
use serde::Serialize;

use crate::commands::Context;
use crate::failure::Failure;
use crate::output::{Format, Tone, one_line};

/// The newest runs are enough to see how it stands.
const RUNS_SHOWN: usize = 10;

#[derive(Serialize)]
struct Whole {
    work_item: WorkItem,
    recipe: Option<Recipe>,
    approvals: Vec<Approval>,
    /// Newest first.
    runs: Vec<Run>,
}

/// Runs `work show`.
pub async fn run(id: i64, client: &Client, context: &mut Context<'_>) -> Result<(), Failure> {
    let newest = Paging {
        order: Order::NewestFirst,
        limit: Some(RUNS_SHOWN),
        cursor: None,
    };
    let whole = Whole {
        work_item: client.work_item(id).await?,
        recipe: client.recipe(id).await?,
        approvals: client.work_item_approvals(id).await?,
        runs: client.work_item_runs(id, &newest).await?.items,
    };
    let output = &mut context.output;
    if output.format() == Format::Json {
        return Ok(output.document(&whole)?);
    }
    output.one(&whole.work_item)?;
    if let Some(recipe) = &whole.recipe {
        let heading = output.paint().text("Recipe", Tone::Heading);
        output.text(&format!("\n{heading}\n"))?;
        for line in recipe.yaml.trim_end().lines() {
            output.text(&format!("{}\n", one_line(line)))?;
        }
    }
    output.section("Costs of models", &whole.work_item.costs)?;
    output.section("Approvals", &whole.approvals)?;
    output.section("Runs", &whole.runs)?;
    Ok(output.flush()?)
}
