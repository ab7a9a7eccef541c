//! `plan approve`: a person's word on exactly what was read; the work begins.

use orch_api::client::Client;
use orch_api::types::plan::ApprovePlan;

use super::choose::choose;
use super::refusal::refusal;
use super::show::print;
use crate::commands::agreement::{Shown, ask, at_terminal};
use crate::commands::{Context, ids};
use crate::failure::Failure;
use crate::output::Format;

/// Arguments of `plan approve`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The project's id
    #[arg(value_parser = ids::id())]
    project: i64,
    /// Approve this version, and no other; without it and without --digest the newest is shown and asked about
    #[arg(long, value_name = "ID", value_parser = ids::id())]
    version: Option<i64>,
    /// Approve only what has this digest, as `plan show` shows it
    #[arg(long, value_name = "SHA256")]
    digest: Option<String>,
}

pub async fn run(args: Args, client: &Client, context: &mut Context<'_>) -> Result<(), Failure> {
    let project = args.project;
    let (version, digest) = match (args.version, args.digest) {
        (None, None) => {
            let newest = choose(client, project, None).await?;
            let newest = client.plan(project, newest).await?;
            let shown = Shown {
                noun: "plan",
                project,
                version: newest.version.id,
                digest: &newest.version.digest,
            };
            let mut terminal = at_terminal(context, &shown)?;
            print(&newest, context)?;
            ask(&mut terminal, &shown)?;
            (Some(newest.version.id), Some(newest.version.digest))
        }
        named => named,
    };
    let approval = ApprovePlan { digest };
    let approved = match version {
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
