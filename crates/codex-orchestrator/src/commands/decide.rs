//! `approve` and `deny`: one decision, or what waits for one.

use orch_api::client::Client;
use orch_api::types::approval::{Approval, DecideRun, ReasonBody};
use orch_core::approval::Status;

use super::{Connect, Context, ids};
use crate::exit::Exit;
use crate::failure::Failure;

/// How it is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Approve,
    Deny,
}

/// Arguments of `approve` and `deny`.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    connect: Connect,
    /// The approval's id
    #[arg(value_parser = ids::id(), conflicts_with_all = ["work_item", "run"])]
    approval: Option<i64>,
    /// Decide the one pending approval of this work item
    #[arg(long, value_name = "ID", value_parser = ids::id(), conflicts_with = "run")]
    work_item: Option<i64>,
    /// Decide the one pending approval of this run
    #[arg(long, value_name = "ID", value_parser = ids::id())]
    run: Option<i64>,
    /// Why
    #[arg(long)]
    reason: Option<String>,
}

/// Runs `approve` or `deny`.
pub async fn run(args: Args, verdict: Verdict, context: &mut Context<'_>) -> Result<Exit, Failure> {
    let client = context.client(&args.connect)?;
    let reason = args.reason;
    let decided = match (args.approval, args.work_item, args.run) {
        (Some(approval), _, _) => decide(&client, approval, verdict, reason).await?,
        (None, Some(item), _) => {
            let approval = pending_of_item(&client, item).await?;
            decide(&client, approval, verdict, reason).await?
        }
        (None, None, Some(run)) => {
            let approve = Some(verdict == Verdict::Approve);
            client
                .decide_run(run, &DecideRun { approve, reason })
                .await?
        }
        (None, None, None) => {
            let pending = orch_api::client::collect(
                orch_api::client::Order::OldestFirst,
                1000,
                async |paging| {
                    client
                        .approvals(Some(Status::Pending.as_str()), &paging)
                        .await
                },
            );
            context.output.page(&pending.await?)?;
            return Ok(Exit::Done);
        }
    };
    context.output.one(&decided)?;
    Ok(Exit::Done)
}

async fn decide(
    client: &Client,
    approval: i64,
    verdict: Verdict,
    reason: Option<String>,
) -> Result<Approval, Failure> {
    let reason = ReasonBody { reason };
    Ok(match verdict {
        Verdict::Approve => client.approve(approval, &reason).await?,
        Verdict::Deny => client.deny(approval, &reason).await?,
    })
}

async fn pending_of_item(client: &Client, item: i64) -> Result<i64, Failure> {
    let approvals = client.work_item_approvals(item).await?;
    let pending: Vec<i64> = approvals
        .iter()
        .filter(|approval| approval.status == Status::Pending)
        .map(|approval| approval.id)
        .collect();
    match pending.as_slice() {
        [one] => Ok(*one),
        [] => Err(Failure::new(
            Exit::Failed,
            format!("work item {item} has no pending approval"),
        )
        .next_step(format!(
            "ask for one: codex-orchestrator work request-approval {item}"
        ))),
        several => {
            let ids: Vec<String> = several.iter().map(ToString::to_string).collect();
            Err(Failure::new(
                Exit::Failed,
                format!("work item {item} has several pending approvals"),
            )
            .next_step(format!("decide one by its id: {}", ids.join(", "))))
        }
    }
}
