//! `run`: list, show, watch, steer, cancel.

use clap::Subcommand;
use clap::builder::PossibleValuesParser;
use orch_api::client::{Client, RunFilter};
use orch_api::types::info_request::InfoRequest;
use orch_api::types::run::{Artifact, Run, Step};
use serde::Serialize;

use super::{Connect, Context, Listing, ids, watch};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Format;

const STATUSES: [&str; 6] = [
    "running",
    "waiting",
    "succeeded",
    "failed",
    "cancelled",
    "lost",
];

/// Arguments of `run`.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    connect: Connect,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List runs, newest first
    List {
        /// Only runs in this status
        #[arg(long, value_parser = PossibleValuesParser::new(STATUSES))]
        status: Option<String>,
        /// Only runs of this project
        #[arg(long, value_name = "ID", value_parser = ids::id())]
        project: Option<i64>,
        /// Only runs of this work item
        #[arg(long, value_name = "ID", value_parser = ids::id())]
        work_item: Option<i64>,
        #[command(flatten)]
        listing: Listing,
    },
    /// Show a run with its steps, artifacts and open questions
    Show {
        /// The run's id
        #[arg(value_parser = ids::id())]
        id: i64,
    },
    /// Follow a run until it is over
    Watch {
        /// The run's id
        #[arg(value_parser = ids::id())]
        id: i64,
        /// End with 0 where it succeeded, 10 failed, 11 cancelled, 12 lost
        #[arg(long)]
        exit_status: bool,
    },
    /// Say something to a coding agent while it works on a run
    Steer {
        /// The run's id
        #[arg(value_parser = ids::id())]
        id: i64,
        /// What to say; several words need no quotes
        #[arg(required = true, num_args = 1..)]
        text: Vec<String>,
    },
    /// Cancel a run; what it started is ended
    Cancel {
        /// The run's id
        #[arg(value_parser = ids::id())]
        id: i64,
    },
}

#[derive(Serialize)]
struct Whole {
    run: Run,
    steps: Vec<Step>,
    artifacts: Vec<Artifact>,
    info_requests: Vec<InfoRequest>,
}

/// Runs `run`.
pub async fn run(args: Args, context: &mut Context<'_>) -> Result<Exit, Failure> {
    let client = context.client(&args.connect)?;
    match args.action {
        Action::List {
            status,
            project,
            work_item,
            listing,
        } => {
            let filter = RunFilter {
                status,
                project_id: project,
                work_item_id: work_item,
            };
            let page = listing
                .collect(async |paging| client.runs(&filter, &paging).await)
                .await?;
            context.output.page(&page)?;
        }
        Action::Show { id } => show(&client, id, context).await?,
        Action::Watch { id, exit_status } => {
            let ended = watch::watch(&client, id, context).await?;
            context.output.one(&ended)?;
            return Ok(if exit_status {
                watch::exit_of(&ended.status)
            } else {
                Exit::Done
            });
        }
        Action::Steer { id, text } => {
            let run = client.steer_run(id, &text.join(" ")).await?;
            context.output.one(&run)?;
        }
        Action::Cancel { id } => context.output.one(&client.cancel_run(id).await?)?,
    }
    Ok(Exit::Done)
}

async fn show(client: &Client, id: i64, context: &mut Context<'_>) -> Result<(), Failure> {
    let whole = Whole {
        run: client.run(id).await?,
        steps: client.steps(id).await?,
        artifacts: client.artifacts(id).await?,
        info_requests: client.run_info_requests(id).await?,
    };
    let output = &mut context.output;
    if output.format() == Format::Json {
        return Ok(output.document(&whole)?);
    }
    output.one(&whole.run)?;
    output.section("Steps", &whole.steps)?;
    output.section("Artifacts", &whole.artifacts)?;
    output.section("Costs of models", &whole.run.costs)?;
    output.section("Reports", &whole.run.reports)?;
    output.section("Not kept", &whole.run.artifacts_omitted)?;
    Ok(output.section("Questions", &whole.info_requests)?)
}
