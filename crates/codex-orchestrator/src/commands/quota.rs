//! `quota`: what all projects use, or the quota of one.

use orch_api::client::Client;
use orch_api::types::project::SetQuota;

use super::{Connect, Context, ids};
use crate::exit::Exit;
use crate::failure::Failure;

/// Arguments of `quota`.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    connect: Connect,
    /// A project's id; without one, what every project uses
    #[arg(value_parser = ids::id())]
    project: Option<i64>,
    #[command(flatten)]
    change: Change,
}

/// A quota to be.
#[derive(clap::Args, Debug)]
pub struct Change {
    /// Let at most so many runs start a day (UTC)
    #[arg(long, value_name = "N", conflicts_with = "unlimited")]
    max_runs_per_day: Option<u32>,
    /// Remove the limit
    #[arg(long)]
    unlimited: bool,
}

/// Runs `quota`.
pub async fn run(args: Args, context: &mut Context<'_>) -> Result<Exit, Failure> {
    let client = context.client(&args.connect)?;
    match args.project {
        Some(project) => show_or_set(&client, project, &args.change, context).await?,
        None if args.change.wanted().is_some() => {
            let failure = Failure::usage("a quota belongs to a project, and none is named");
            return Err(failure.next_step("codex-orchestrator quota PROJECT --max-runs-per-day N"));
        }
        None => context.output.list(&client.usage().await?)?,
    }
    Ok(Exit::Done)
}

/// Sets the quota of a project where a change is wanted, and shows it.
pub async fn show_or_set(
    client: &Client,
    project: i64,
    change: &Change,
    context: &mut Context<'_>,
) -> Result<(), Failure> {
    let quota = match change.wanted() {
        Some(quota) => client.set_quota(project, &quota).await?,
        None => client.quota(project).await?,
    };
    Ok(context.output.one(&quota)?)
}

impl Change {
    fn wanted(&self) -> Option<SetQuota> {
        let max_runs_per_day = self.max_runs_per_day;
        (max_runs_per_day.is_some() || self.unlimited).then_some(SetQuota { max_runs_per_day })
    }
}
