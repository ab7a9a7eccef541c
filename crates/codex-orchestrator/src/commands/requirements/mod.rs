//! `requirements`: propose, show, diff, edit, approve, comment.

mod approve;
mod choose;
mod comment;
mod diff;
mod edit;
mod editor;
mod form;
mod show;
#[cfg(test)]
mod tests;

use clap::Subcommand;
use orch_api::types::requirements::{ProposeRequirements, ProposedBy};

use super::proposer::{Proposer, by_rules};
use super::{Connect, Context, ids};
use crate::exit::Exit;
use crate::failure::Failure;

/// Arguments of `requirements`.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    connect: Connect,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Propose requirements from the newest vision
    Propose {
        /// The project's id
        #[arg(value_parser = ids::id())]
        project: i64,
        /// Who reads the vision: a model where one is configured, else rules
        #[arg(long, value_enum)]
        by: Option<Proposer>,
    },
    /// Show the current requirements
    Show(show::Args),
    /// Show what changed between two versions
    Diff(diff::Args),
    /// Edit the newest version: a new one is made
    ///
    /// Without an edit on the command line the items are opened as text in $VISUAL or $EDITOR.
    Edit(Box<edit::Args>),
    /// Approve the proposed requirements
    Approve(approve::Args),
    /// List the comments, or add one
    Comment(comment::Args),
}

/// Runs `requirements`.
pub async fn run(args: Args, context: &mut Context<'_>) -> Result<Exit, Failure> {
    let client = context.client(&args.connect)?;
    match args.action {
        Action::Propose { project, by } => {
            let how = ProposeRequirements {
                by: by.map(ProposedBy::from),
            };
            let proposed = client.propose_requirements(project, &how).await;
            let proposed = proposed.map_err(|error| {
                let command = format!("codex-orchestrator requirements propose {project}");
                by_rules(Failure::from(error), &command)
            })?;
            show::print(&proposed, &[], context)?;
            show::next_steps(&proposed, context);
        }
        Action::Show(args) => show::run(args, &client, context).await?,
        Action::Diff(args) => diff::run(args, &client, context).await?,
        Action::Edit(args) => edit::run(*args, &client, context).await?,
        Action::Approve(args) => approve::run(args, &client, context).await?,
        Action::Comment(args) => comment::run(args, &client, context).await?,
    }
    Ok(Exit::Done)
}
