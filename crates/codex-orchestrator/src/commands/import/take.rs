//! `project import`.

use orch_api::client::Client;
use orch_api::types::import::NewImport;
use orch_api::types::project::{Repository, UpdateProject};

use super::source::{Source, read};
use crate::commands::{Context, ids};
use crate::failure::Failure;

/// Arguments of `project import`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The project's id
    #[arg(value_parser = ids::id())]
    project: i64,
    /// A folder, an archive, or a repository's address, which becomes the project's [default: the
    /// project's repository]
    #[arg(value_name = "DIR|URL|ARCHIVE")]
    source: Option<String>,
    /// A branch, a tag or a full commit of the repository
    #[arg(long = "ref", value_name = "REF")]
    reference: Option<String>,
}

pub async fn run(args: Args, client: &Client, context: &mut Context<'_>) -> Result<(), Failure> {
    let source = match &args.source {
        Some(named) => Some(read(named, &mut |word| context.output.note(word))?),
        None => None,
    };
    let new = match source {
        Some(Source::Archive(_)) if args.reference.is_some() => {
            let message = "--ref names a part of a repository, and an archive is none";
            return Err(
                Failure::usage(message).next_step("codex-orchestrator project import ID ARCHIVE")
            );
        }
        Some(Source::Archive(archive)) => NewImport {
            archive: Some(archive),
            reference: None,
        },
        Some(Source::Repository(url)) => {
            let repository = Repository {
                url,
                reference: args.reference.clone(),
            };
            let change = UpdateProject {
                repository: Some(Some(repository)),
                ..UpdateProject::default()
            };
            let project = client.update_project(args.project, &change).await?;
            if let Some(repository) = project.repository {
                let word = format!("project {} works on {} now", project.id, repository.url);
                context.output.note(&word);
            }
            NewImport::default()
        }
        None => NewImport {
            reference: args.reference,
            archive: None,
        },
    };
    let made = client.import(args.project, &new).await?;
    context.output.one(&made)?;
    let project = args.project;
    context.output.note(&format!(
        "next: codex-orchestrator project survey show {project}, then codex-orchestrator requirements propose {project}"
    ));
    Ok(())
}
