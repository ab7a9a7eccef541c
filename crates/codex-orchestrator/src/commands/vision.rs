//! `vision`: submit, show.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Subcommand;
use orch_api::types::vision::{NewAttachment, NewVision};

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
        /// A file that says more: Markdown, text, PDF, an OpenAPI description or a source archive; may be repeated
        #[arg(long, value_name = "FILE")]
        attach: Vec<PathBuf>,
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
            attach,
        } => {
            let content = text.map_or_else(|| input::text(&file), Ok)?;
            let attachments = attach.iter().map(|path| attachment(path));
            let new = NewVision {
                content,
                attachments: attachments.collect::<Result<_, Failure>>()?,
            };
            let vision = client.submit_vision(project, &new).await?;
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

/// The file as it is sent.
fn attachment(path: &Path) -> Result<NewAttachment, Failure> {
    let name = path.file_name().and_then(|name| name.to_str());
    let name =
        name.ok_or_else(|| Failure::usage(format!("`{}` names no file in UTF-8", path.display())))?;
    Ok(NewAttachment {
        name: name.to_owned(),
        content: None,
        content_base64: Some(STANDARD.encode(input::bytes(path)?)),
    })
}
