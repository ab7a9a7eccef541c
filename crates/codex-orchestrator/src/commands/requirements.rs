//! `requirements`: propose, show, approve.

use clap::Subcommand;
use orch_api::types::requirements::{Requirements, RequirementsStatus};

use super::{Connect, Context, ids};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Format, one_line};

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
    },
    /// Show the current requirements
    Show {
        /// The project's id
        #[arg(value_parser = ids::id())]
        project: i64,
        /// A version's id, instead of the current one
        #[arg(long, value_name = "ID", value_parser = ids::id())]
        version: Option<i64>,
        /// List all versions
        #[arg(long, conflicts_with_all = ["version", "markdown"])]
        all: bool,
        /// The draft as Markdown, and nothing else
        #[arg(long)]
        markdown: bool,
    },
    /// Approve the proposed requirements
    Approve {
        /// The project's id
        #[arg(value_parser = ids::id())]
        project: i64,
        /// Approve this version, and no other
        #[arg(long, value_name = "ID", value_parser = ids::id())]
        version: Option<i64>,
    },
}

/// Runs `requirements`.
pub async fn run(args: Args, context: &mut Context<'_>) -> Result<Exit, Failure> {
    let client = context.client(&args.connect)?;
    match args.action {
        Action::Propose { project } => {
            let proposed = client.propose_requirements(project).await?;
            show(&proposed, context)?;
            let version = proposed.id;
            context.output.note(&format!(
                "next: codex-orchestrator requirements approve {project} --version {version}"
            ));
        }
        Action::Show {
            project, all: true, ..
        } => context.output.list(&client.requirements(project).await?)?,
        Action::Show {
            project,
            version,
            markdown,
            all: false,
        } => {
            let chosen = choose(client.requirements(project).await?, project, version)?;
            match context.output.format() {
                Format::Text if markdown => markdown_lines(&chosen, context)?,
                Format::Text | Format::Json => show(&chosen, context)?,
            }
        }
        Action::Approve { project, version } => {
            let approved = match version {
                Some(version) => client.approve_requirements(project, version).await?,
                None => client.approve_current_requirements(project).await?,
            };
            show(&approved, context)?;
        }
    }
    Ok(Exit::Done)
}

/// The named version; else the newest that is not superseded.
fn choose(
    versions: Vec<Requirements>,
    project: i64,
    version: Option<i64>,
) -> Result<Requirements, Failure> {
    let is_chosen = |requirements: &Requirements| match version {
        Some(version) => requirements.id == version,
        None => requirements.status != RequirementsStatus::Superseded,
    };
    versions.into_iter().rev().find(is_chosen).ok_or_else(|| {
        let what = version.map_or_else(
            || "no requirements".to_owned(),
            |id| format!("no requirements {id}"),
        );
        Failure::new(Exit::Refused, format!("project {project} has {what}"))
            .next_step(format!("codex-orchestrator requirements propose {project}"))
    })
}

fn show(requirements: &Requirements, context: &mut Context<'_>) -> Result<(), Failure> {
    context.output.one(requirements)?;
    if context.output.format() == Format::Text {
        context
            .output
            .section("Requirements", &requirements.items)?;
    }
    Ok(())
}

fn markdown_lines(requirements: &Requirements, context: &mut Context<'_>) -> Result<(), Failure> {
    for line in requirements.draft.lines() {
        context.output.text(&format!("{}\n", one_line(line)))?;
    }
    Ok(context.output.flush()?)
}
