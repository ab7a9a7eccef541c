//! `enqueue`: puts a work item into the queue.

use orch_api::types::queue::Enqueue;

use super::{Connect, Context, ids};
use crate::exit::Exit;
use crate::failure::Failure;

/// Arguments of `enqueue`.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    connect: Connect,
    /// The work item's id
    #[arg(value_parser = ids::id())]
    work_item: i64,
    /// Wait until this work item is done; may be given more than once
    #[arg(long, value_name = "WORK_ITEM", value_parser = ids::id())]
    after: Vec<i64>,
    /// Higher runs earlier
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    priority: Option<i32>,
    /// Start no sooner than in so many seconds
    #[arg(long, value_name = "SECONDS", value_parser = ids::seconds)]
    delay: Option<f64>,
}

/// Runs `enqueue`.
pub async fn run(args: Args, context: &mut Context<'_>) -> Result<Exit, Failure> {
    let entry = Enqueue {
        work_item_id: args.work_item,
        depends_on: (!args.after.is_empty()).then_some(args.after),
        priority: args.priority,
        delay_seconds: args.delay,
        ..Enqueue::default()
    };
    let queued = context.client(&args.connect)?.enqueue(&entry).await?;
    context.output.one(&queued)?;
    Ok(Exit::Done)
}
