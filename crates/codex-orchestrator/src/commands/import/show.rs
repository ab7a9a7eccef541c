//! `project survey`: what imports found.

use clap::Subcommand;
use orch_api::client::Client;
use orch_core::survey::Survey;

use crate::commands::{Context, ids};
use crate::failure::Failure;
use crate::output::{Format, one_line};

/// Arguments of `project survey`.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show what the newest import found
    Show {
        /// The project's id
        #[arg(value_parser = ids::id())]
        project: i64,
        /// An import's id, instead of the newest one
        #[arg(long, value_name = "ID", value_parser = ids::id())]
        import: Option<i64>,
        /// The whole survey as Markdown, and nothing else
        #[arg(long)]
        markdown: bool,
    },
    /// List the imports
    List {
        /// The project's id
        #[arg(value_parser = ids::id())]
        project: i64,
    },
}

pub async fn run(args: Args, client: &Client, context: &mut Context<'_>) -> Result<(), Failure> {
    match args.action {
        Action::List { project } => Ok(context.output.list(&client.imports(project).await?)?),
        Action::Show {
            project,
            import,
            markdown,
        } => show(project, import, markdown.into(), client, context).await,
    }
}

/// How much is said around the survey.
enum Frame {
    Whole,
    MarkdownAlone,
}

impl From<bool> for Frame {
    fn from(markdown: bool) -> Self {
        match markdown {
            true => Self::MarkdownAlone,
            false => Self::Whole,
        }
    }
}

async fn show(
    project: i64,
    import: Option<i64>,
    frame: Frame,
    client: &Client,
    context: &mut Context<'_>,
) -> Result<(), Failure> {
    let id = match import {
        Some(id) => id,
        None => match client.newest_import(project).await? {
            Some(newest) => newest.id,
            None => {
                let message = format!("nothing was imported into project {project} yet");
                return Err(Failure::usage(message)
                    .next_step(format!("codex-orchestrator project import {project}")));
            }
        },
    };
    let found = client.import_shown(project, id).await?;
    if context.output.format() == Format::Json {
        return Ok(context.output.one(&found)?);
    }
    if let Frame::Whole = frame {
        context.output.one(&found)?;
        context.output.text("\n")?;
    }
    let survey = found.survey.unwrap_or_default();
    let survey: Survey = serde_json::from_value(survey).map_err(|error| {
        Failure::usage("the server's survey is none that this program reads".to_owned())
            .caused_by(&error)
            .next_step("read it with --json, or bring this program to the server's version")
    })?;
    for line in survey.markdown().lines() {
        context.output.text(&format!("{}\n", one_line(line)))?;
    }
    Ok(context.output.flush()?)
}
