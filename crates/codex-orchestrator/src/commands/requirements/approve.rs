//! `requirements approve`: a person's word on exactly what was read.

use orch_api::client::Client;
use orch_api::types::requirements::ApproveRequirements;

use super::choose::choose;
use super::show::print;
use crate::commands::agreement::{Shown, ask, at_terminal};
use crate::commands::{Context, ids};
use crate::exit::Exit;
use crate::failure::Failure;

/// Arguments of `requirements approve`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The project's id
    #[arg(value_parser = ids::id())]
    project: i64,
    /// Approve this version, and no other; without it and without --digest the newest is shown and asked about
    #[arg(long, value_name = "ID", value_parser = ids::id())]
    version: Option<i64>,
    /// Approve only what has this digest, as `requirements show` shows it
    #[arg(long, value_name = "SHA256")]
    digest: Option<String>,
}

pub async fn run(args: Args, client: &Client, context: &mut Context<'_>) -> Result<(), Failure> {
    let project = args.project;
    let (version, digest) = match (args.version, args.digest) {
        (None, None) => {
            let newest = choose(client, project, None).await?;
            let shown = Shown {
                noun: "requirements",
                project,
                version: newest.id,
                digest: &newest.digest,
            };
            let mut terminal = at_terminal(context, &shown)?;
            print(&newest, &[], context)?;
            ask(&mut terminal, &shown)?;
            (Some(newest.id), Some(newest.digest))
        }
        named => named,
    };
    let approval = ApproveRequirements { digest };
    let approved = match version {
        Some(version) => {
            client
                .approve_requirements(project, version, &approval)
                .await
        }
        None => {
            client
                .approve_current_requirements(project, &approval)
                .await
        }
    };
    let approved = approved.map_err(|error| {
        let failure = Failure::from(error);
        match failure.exit {
            Exit::Conflict => {
                failure.next_step(format!("codex-orchestrator requirements show {project}"))
            }
            _ => failure,
        }
    })?;
    print(&approved, &[], context)
}
