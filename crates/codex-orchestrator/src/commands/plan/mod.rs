//! `plan`: propose, show, list, graph, diff, edit, approve, replan, impact.

mod accept;
mod approve;
mod choose;
mod diff;
mod edit;
mod field_change;
mod fields;
mod graph;
mod impact;
mod origin;
mod refusal;
mod show;
#[cfg(test)]
mod tests;

use clap::Subcommand;
use orch_api::types::plan::{ProposePlan, Replan};
use orch_api::types::requirements::ProposedBy;

use refusal::refusal;

use super::proposer::{Proposer, by_rules, quoted};
use super::{Connect, Context, ids};
use crate::exit::Exit;
use crate::failure::Failure;

/// Arguments of `plan`.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    connect: Connect,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Propose a plan for the approved requirements
    Propose {
        /// The project's id
        #[arg(value_parser = ids::id())]
        project: i64,
        /// Who breaks the requirements down: a model where one is configured, else rules
        #[arg(long, value_enum)]
        by: Option<Proposer>,
    },
    /// Show the newest plan, and where its work stands
    Show(show::Args),
    /// List the versions
    List {
        /// The project's id
        #[arg(value_parser = ids::id())]
        project: i64,
    },
    /// Draw what waits for what
    Graph(graph::Args),
    /// Show what changed between two versions
    Diff(diff::Args),
    /// Edit the newest version: a new one is made
    Edit(Box<edit::Args>),
    /// Approve a version: its tasks become work items and are queued
    Approve(approve::Args),
    /// Make the plan anew, because work failed or for what people say
    Replan {
        /// The project's id
        #[arg(value_parser = ids::id())]
        project: i64,
        /// Why it is made anew
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// A task that failed, instead of those that are known to; may be given several times
        #[arg(long, value_name = "T-N")]
        failed: Vec<String>,
        /// Who plans anew: a model where one is configured, else rules
        #[arg(long, value_enum)]
        by: Option<Proposer>,
    },
    /// Show what a change of the requirements touches
    Impact(impact::Args),
}

/// Runs `plan`.
pub async fn run(args: Args, context: &mut Context<'_>) -> Result<Exit, Failure> {
    let client = context.client(&args.connect)?;
    match args.action {
        Action::Propose { project, by } => {
            let how = ProposePlan {
                by: by.map(ProposedBy::from),
            };
            let proposed = client.propose_plan(project, &how).await.map_err(|error| {
                let command = format!("codex-orchestrator plan propose {project}");
                by_rules(refusal(project, error), &command)
            });
            show::print(&proposed?, context)?;
        }
        Action::Show(args) => show::run(args, &client, context).await?,
        Action::List { project } => {
            let versions = client.plans(project).await?;
            context.output.list(&versions)?;
        }
        Action::Graph(args) => graph::run(args, &client, context).await?,
        Action::Diff(args) => diff::run(args, &client, context).await?,
        Action::Edit(args) => edit::run(*args, &client, context).await?,
        Action::Approve(args) => approve::run(args, &client, context).await?,
        Action::Replan {
            project,
            reason,
            failed,
            by,
        } => {
            let how = Replan {
                reason,
                failed: Some(failed).filter(|named| !named.is_empty()),
                by: by.map(ProposedBy::from),
            };
            let made = client.replan(project, &how).await.map_err(|error| {
                let failed = how.failed.iter().flatten();
                let failed = failed.map(|task| format!(" --failed {}", quoted(task)));
                let failed: String = failed.collect();
                let reason = quoted(&how.reason);
                let command =
                    format!("codex-orchestrator plan replan {project} --reason {reason}{failed}");
                by_rules(refusal(project, error), &command)
            });
            show::print(&made?, context)?;
        }
        Action::Impact(args) => impact::run(args, &client, context).await?,
    }
    Ok(Exit::Done)
}
