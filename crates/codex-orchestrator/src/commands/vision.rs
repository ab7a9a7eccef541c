//! `vision`: submit, show.

use clap::Subcommand;
use orch_api::types::vision::NewVision;

use super::{Connect, Context, ids};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::input;

/// Arguments of `vision`.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    connect: Connect,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Submit a version of the vision
    Submit {
        /// The project's id
        #[arg(value_parser = ids::id())]
        project: i64,
        /// File that holds the vision; `-` is standard input
        #[arg(default_value = "-", conflicts_with = "text")]
        file: String,
        /// The vision itself
        #[arg(long, short)]
        text: Option<String>,
    },
    /// Show the newest version
    Show {
        /// The project's id
        #[arg(value_parser = ids::id())]
        project: i64,
        /// List all versions
        #[arg(long)]
        all: bool,
    },
}

/// Runs `vision`.
pub async fn run(args: Args, context: &mut Context<'_>) -> Result<Exit, Failure> {
    let client = context.client(&args.connect)?;
    match args.action {
        Action::Submit {
            project,
            file,
            text,
        } => {
            let content = text.map_or_else(|| input::text(&file), Ok)?;
            let vision = client
                .submit_vision(project, &NewVision { content })
                .await?;
            context.output.one(&vision)?;
            context.output.note(&format!(
                "next: codex-orchestrator requirements propose {project}"
            ));
        }
        Action::Show { project, all: true } => {
            context.output.list(&client.visions(project).await?)?
        }
        Action::Show {
            project,
            all: false,
        } => context.output.one(&client.vision(project).await?)?,
    }
    Ok(Exit::Done)
}
