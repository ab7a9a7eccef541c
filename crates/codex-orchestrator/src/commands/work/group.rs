//! The commands of `work`.

use clap::Subcommand;
use orch_api::client::WorkItemFilter;
use orch_api::types::approval::ReasonBody;
use orch_api::types::queue::RequeueWorkItem;
use orch_core::work_item::State;

use super::{create, policy, recipe, show};
use crate::commands::{Connect, Context, Listing, ids};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Format;
use crate::view;

/// Arguments of `work`.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    connect: Connect,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Create a work item
    Create(create::Args),
    /// List work items, newest first
    List {
        /// Only those of this project
        #[arg(long, value_name = "ID", value_parser = ids::id())]
        project: Option<i64>,
        /// Only those in this state
        #[arg(long, value_parser = ids::state())]
        state: Option<State>,
        #[command(flatten)]
        listing: Listing,
    },
    /// Show a work item with its recipe, approvals and runs
    Show {
        /// The work item's id
        #[arg(value_parser = ids::id())]
        id: i64,
    },
    /// Start a run now, past the queue
    Start {
        /// The work item's id
        #[arg(value_parser = ids::id())]
        id: i64,
    },
    /// Queue a work item again
    Requeue {
        /// The work item's id
        #[arg(value_parser = ids::id())]
        id: i64,
        /// Start no sooner than in so many seconds
        #[arg(long, value_name = "SECONDS", value_parser = ids::seconds)]
        delay: Option<f64>,
        /// Higher runs earlier
        #[arg(long, value_name = "N", allow_negative_numbers = true)]
        priority: Option<i32>,
        /// Wait as long as a retry would
        #[arg(long, conflicts_with = "delay")]
        backoff: bool,
    },
    /// Show what a run would do, and with what rights; starts nothing
    DryRun {
        /// The work item's id
        #[arg(value_parser = ids::id())]
        id: i64,
    },
    /// Show or change how failed attempts are tried again
    Policy(policy::Args),
    /// Show or set the tool recipe
    Recipe(recipe::Args),
    /// Ask that a work item be approved before it runs
    RequestApproval {
        /// The work item's id
        #[arg(value_parser = ids::id())]
        id: i64,
        /// Why
        #[arg(long)]
        reason: Option<String>,
    },
    /// Cancel a work item, with its run or its place in the queue
    Cancel {
        /// The work item's id
        #[arg(value_parser = ids::id())]
        id: i64,
    },
}

/// Runs `work`.
pub async fn run(args: Args, context: &mut Context<'_>) -> Result<Exit, Failure> {
    let client = context.client(&args.connect)?;
    match args.action {
        Action::Create(args) => create::run(args, &client, context).await?,
        Action::List {
            project,
            state,
            listing,
        } => {
            let filter = WorkItemFilter {
                project_id: project,
                state: state.map(|state| state.as_str().to_owned()),
            };
            let page = listing
                .collect(async |paging| client.work_items(&filter, &paging).await)
                .await?;
            context.output.page(&page)?;
        }
        Action::Show { id } => show::run(id, &client, context).await?,
        Action::Start { id } => {
            let run = client
                .start_work_item(id)
                .await
                .map_err(|error| approval_missing(error.into(), id))?;
            context.output.one(&run)?;
            context
                .output
                .note(&format!("next: codex-orchestrator run watch {}", run.id));
        }
        Action::Requeue {
            id,
            delay,
            priority,
            backoff,
        } => {
            let requeue = RequeueWorkItem {
                work_item_id: id,
                delay_seconds: delay,
                priority,
                backoff: backoff.then_some(true),
            };
            context
                .output
                .one(&client.requeue_work_item(&requeue).await?)?;
        }
        Action::DryRun { id } => {
            let shown = client.dry_run(id).await?;
            match context.output.format() {
                Format::Json => context.output.document(&shown)?,
                Format::Text => context.output.text(&view::dry_run::text(&shown))?,
            }
        }
        Action::Policy(args) => policy::run(&args, &client, context).await?,
        Action::Recipe(args) => recipe::run(&args, &client, context).await?,
        Action::RequestApproval { id, reason } => {
            let approval = client.request_approval(id, &ReasonBody { reason }).await?;
            context.output.one(&approval)?;
        }
        Action::Cancel { id } => context.output.one(&client.cancel_work_item(id).await?)?,
    }
    Ok(Exit::Done)
}

/// A start that is forbidden lacks an approval.
fn approval_missing(failure: Failure, id: i64) -> Failure {
    let forbidden = failure
        .problem
        .as_ref()
        .is_some_and(|problem| problem.status == 403);
    if forbidden && failure.next_step.is_none() {
        return failure.next_step(format!(
            "codex-orchestrator approve --work-item {id}; where nobody has asked for an approval yet: \
             codex-orchestrator work request-approval {id}"
        ));
    }
    failure
}
