//! `plan impact`: what a change of the requirements touches.

use orch_api::client::Client;
use orch_api::types::plan::PlanImpact;

use super::refusal::refusal;
use crate::commands::{Context, ids};
use crate::failure::Failure;
use crate::output::{Format, one_line};

/// Arguments of `plan impact`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The project's id
    #[arg(value_parser = ids::id())]
    project: i64,
    /// The older version of the requirements; the one that the plan serves where it is absent
    #[arg(long, value_name = "ID", value_parser = ids::id())]
    from: Option<i64>,
    /// The newer version; the approved one where it is absent
    #[arg(long, value_name = "ID", value_parser = ids::id())]
    to: Option<i64>,
}

pub async fn run(args: Args, client: &Client, context: &mut Context<'_>) -> Result<(), Failure> {
    let project = args.project;
    let found = client.plan_impact(project, args.from, args.to).await;
    let found = found.map_err(|error| refusal(project, error))?;
    context.output.one(&found)?;
    if context.output.format() == Format::Text {
        context.output.section("Tasks", &found.tasks)?;
        context.output.section("Runs", &found.runs)?;
        context.output.section("Changes", &found.changes)?;
        context.output.section("Tests", &found.tests)?;
        next_step(project, &found, context);
    }
    Ok(())
}

fn next_step(project: i64, found: &PlanImpact, context: &mut Context<'_>) {
    if found.from == found.to {
        context
            .output
            .note("these are the requirements that the plan serves");
    } else {
        let next = format!("next: codex-orchestrator plan propose {project}");
        context.output.note(&one_line(&next));
    }
}
