//! `queue`: what waits and what runs, and why each entry waits.

use clap::Subcommand;
use clap::builder::PossibleValuesParser;
use orch_api::client::{Client, ClientError, Page, QueueFilter};
use orch_api::types::queue::QueueEntry;

use super::{Connect, Context, Listing, ids};
use crate::exit::Exit;
use crate::failure::Failure;

/// Arguments of `queue`.
#[derive(clap::Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    connect: Connect,
    /// Only entries in this status; without it, those that are running or queued
    #[arg(long, value_parser = PossibleValuesParser::new(["queued", "running", "done", "failed", "cancelled"]))]
    status: Option<String>,
    /// Only entries of this project
    #[arg(long, value_name = "ID", value_parser = ids::id())]
    project: Option<i64>,
    #[command(flatten)]
    listing: Listing,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Take an entry that has not started out of the queue
    Remove {
        /// The queue entry's id
        #[arg(value_parser = ids::id())]
        id: i64,
        #[command(flatten)]
        connect: Connect,
    },
}

/// Runs `queue`.
pub async fn run(args: Args, context: &mut Context<'_>) -> Result<Exit, Failure> {
    if let Some(Action::Remove { id, connect }) = args.action {
        context.client(&connect)?.remove_from_queue(id).await?;
        context.output.done(&format!("queue entry {id} removed"));
        return Ok(Exit::Done);
    }
    let client = context.client(&args.connect)?;
    let statuses: Vec<&str> = match &args.status {
        Some(status) => vec![status],
        None => vec!["running", "queued"],
    };
    let mut all = Page {
        items: Vec::new(),
        next: None,
    };
    for status in statuses {
        let page = entries(&client, status, &args).await?;
        all.items.extend(page.items);
        all.next = all.next.or(page.next);
    }
    context.output.page(&all)?;
    Ok(Exit::Done)
}

async fn entries(
    client: &Client,
    status: &str,
    args: &Args,
) -> Result<Page<QueueEntry>, ClientError> {
    let filter = QueueFilter {
        status: Some(status.to_owned()),
        project_id: args.project,
    };
    args.listing
        .collect(async |paging| client.queue(&filter, &paging).await)
        .await
}
