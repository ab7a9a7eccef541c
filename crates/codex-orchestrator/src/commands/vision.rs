//! `vision`: submit, show.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Subcommand;
use orch_api::types::vision::{FirstVision, NewAttachment, NewVision};

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
    /// Submit a version of the vision; without a project, one is created for it
    Submit {
        /// The project's id; a project named by the vision's first line is created where it is left out
        #[arg(value_name = "PROJECT", required_unless_present = "text")]
        first: Option<String>,
        /// File that holds the vision; `-` is standard input, as is no file beside a project [a file whose name is a number: ./7]
        #[arg(value_name = "FILE", conflicts_with = "text")]
        second: Option<String>,
        /// The vision itself
        #[arg(long, short)]
        text: Option<String>,
        /// The name of the project that is created
        #[arg(long)]
        name: Option<String>,
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
            first,
            second,
            text,
            name,
            attach,
        } => {
            let (project, file) = addressed(first, second, text.is_some())?;
            if project.is_some() && name.is_some() {
                let message = "--name is for a project that is created; leave out the project's id";
                return Err(Failure::usage(message));
            }
            let content = text.map_or_else(|| input::text(&file), Ok)?;
            let attachments = attach.iter().map(|path| attachment(path));
            let attachments = attachments.collect::<Result<_, Failure>>()?;
            let vision = match project {
                Some(project) => {
                    let new = NewVision {
                        content,
                        attachments,
                    };
                    client.submit_vision(project, &new).await?
                }
                None => {
                    let new = FirstVision {
                        name,
                        content,
                        attachments,
                    };
                    let vision = client.submit_first_vision(&new).await?;
                    let made = client.project(vision.project_id).await?;
                    let note = format!("created project {}: {}", made.id, made.name);
                    context.output.note(&note);
                    vision
                }
            };
            context.output.one(&vision)?;
            context.output.note(&format!(
                "next: codex-orchestrator requirements propose {}",
                vision.project_id
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

/// The project, where one is named, and the file.
fn addressed(
    first: Option<String>,
    second: Option<String>,
    has_text: bool,
) -> Result<(Option<i64>, String), Failure> {
    let stdin = || "-".to_owned();
    let id = first.as_deref().and_then(|first| first.parse().ok());
    match (id, first, second) {
        (Some(id), _, file) if id >= 1 => Ok((Some(id), file.unwrap_or_else(stdin))),
        (_, Some(first), Some(_)) => Err(Failure::usage(format!(
            "`{first}` is no project: expected its id, a whole number from 1, before the file"
        ))),
        (_, Some(first), None) if has_text => Err(Failure::usage(format!(
            "`{first}` is no project: expected its id, a whole number from 1, beside --text"
        ))),
        (_, Some(file), None) => Ok((None, file)),
        (_, None, _) => Ok((None, stdin())),
    }
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
