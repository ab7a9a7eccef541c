//! `plan approve`: a person's word on exactly what was read; the work begins.

use orch_api::client::Client;
use orch_api::types::plan::ApprovePlan;

use super::refusal::refusal;
use super::show::print;
use crate::commands::{Context, ids};
use crate::failure::Failure;
use crate::output::Format;

/// Arguments of `plan approve`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The project's id
    #[arg(value_parser = ids::id())]
    project: i64,
    /// Approve this version, and no other
    #[arg(long, value_name = "ID", value_parser = ids::id())]
    version: Option<i64>,
    /// Approve only what has this digest, as `plan show` shows it
    #[arg(long, value_name = "SHA256")]
    digest: Option<String>,
}

pub async fn run(args: Args, client: &Client, context: &mut Context<'_>) -> Result<(), Failure> {
    let project = args.project;
    let approval = ApprovePlan {
        digest: args.digest,
    };
    let approved = match args.version {
        Some(version) => client.approve_plan(project, version, &approval).await,
        None => client.approve_newest_plan(project, &approval).await,
    };
    let approved = approved.map_err(|error| refusal(project, error))?;
    if context.output.format() == Format::Json {
        return Ok(context.output.document(&approved)?);
    }
    print(&approved.plan, context)?;
    context.output.done(&format!(
        "work items: {} made, {} changed, {} cancelled",
        approved.created.len(),
        approved.rewritten.len(),
        approved.cancelled.len()
    ));
    Ok(())
}
