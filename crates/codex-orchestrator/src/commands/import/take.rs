//! `project import`.

use std::path::Path;
use std::sync::{Arc, Mutex};

use orch_api::client::{Client, Watch};
use orch_api::types::import::{Import, NewImport, SourceArchive};
use orch_api::types::project::Repository;

use super::packed::{self, Checkout};
use super::source::{Source, find};
use crate::commands::{Context, ids};
use crate::failure::Failure;
use crate::output::Progress;

/// Arguments of `project import`.
#[derive(clap::Args, Debug)]
#[command(after_help = HELP)]
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
    /// Have the server read the git folder where it lies, and make it the project's repository
    #[arg(long, requires = "source")]
    link: bool,
}

const HELP: &str = "\
A folder is packed and sent. Of one that is a git repository that is the last commit, or what --ref names:
tracked files alone, and what is not committed is named. It is read where it lies, and becomes the project's
repository, with --link, and where the server is on this machine and the project has no repository yet. An
import that fails changes nothing of the project.";

pub async fn run(args: Args, client: &Client, context: &mut Context<'_>) -> Result<(), Failure> {
    let source = args.source.as_deref().map(find).transpose()?;
    let is_checkout = matches!(source, Some(Source::Checkout(_)));
    if args.link && !is_checkout {
        let message = "--link is for a folder that is a git repository";
        return Err(Failure::usage(message).next_step("codex-orchestrator project import ID DIR"));
    }
    let named = args.source.as_deref().unwrap_or_default();
    let made = match source {
        Some(Source::Checkout(path)) => checkout(&args, named, &path, client, context).await?,
        Some(Source::Address(url)) => {
            let own = own_repository(&args, client).await?;
            by_address(&args, url, own.as_deref(), client, context).await?
        }
        Some(Source::Archive(_) | Source::Folder(_)) if args.reference.is_some() => {
            let message = format!("--ref names a part of a repository, and `{named}` is none");
            let step = format!("codex-orchestrator project import {} {named}", args.project);
            return Err(Failure::usage(message).next_step(step));
        }
        Some(Source::Archive(path)) => send(&args, packed::archive(&path)?, client).await?,
        Some(Source::Folder(path)) => {
            let archive = packed::folder(&path, named, context.output)?;
            send(&args, archive, client).await?
        }
        None => {
            let new = NewImport {
                reference: args.reference.clone(),
                ..NewImport::default()
            };
            client.import(args.project, &new).await?
        }
    };
    context.output.one(&made)?;
    let project = args.project;
    context.output.note(&format!(
        "next: codex-orchestrator project survey show {project}, then codex-orchestrator requirements propose {project}"
    ));
    Ok(())
}

async fn send(args: &Args, archive: SourceArchive, client: &Client) -> Result<Import, Failure> {
    let new = NewImport {
        archive: Some(archive),
        ..NewImport::default()
    };
    let whole = new
        .archive
        .as_ref()
        .map_or(0, |archive| archive.content_base64.len());
    let progress = Mutex::new(Progress::bytes("sending", whole as u64));
    let watch: Watch = Arc::new(move |sent, _| {
        if let Ok(mut progress) = progress.lock() {
            progress.at(sent);
        }
    });
    Ok(client.import_watched(args.project, &new, &watch).await?)
}

async fn by_address(
    args: &Args,
    url: String,
    own: Option<&str>,
    client: &Client,
    context: &mut Context<'_>,
) -> Result<Import, Failure> {
    let new = NewImport {
        repository: Some(Repository {
            url,
            reference: args.reference.clone(),
        }),
        ..NewImport::default()
    };
    let made = client.import(args.project, &new).await?;
    if own.is_none_or(|own| own != made.name) {
        let word = format!("project {} works on {} now", args.project, made.name);
        context.output.note(&word);
    }
    Ok(made)
}

/// Reads a repository of this machine where it lies, or packs and sends it.
async fn checkout(
    args: &Args,
    named: &str,
    path: &Path,
    client: &Client,
    context: &mut Context<'_>,
) -> Result<Import, Failure> {
    let own = own_repository(args, client).await?;
    let own = own.as_deref();
    let read = Checkout::read(path, named, args.reference.as_deref());
    if let Ok(read) = &read {
        read.tell_uncommitted(context.output);
    }
    let address = orch_git::address(path)
        .map_err(|why| Failure::usage(format!("`{named}` cannot be linked: its path {why}")));
    if args.link {
        return by_address(args, address?.to_string(), own, client, context).await;
    }
    let read = read?;
    if let Ok(address) = address
        && client.is_on_this_machine()
        && own.is_none_or(|own| own == address.as_str())
    {
        match by_address(args, address.to_string(), own, client, context).await {
            // A server in a container is reached by loopback and sees none of this machine's folders.
            Err(failure) if is_unreadable(&failure) => context.output.note(&format!(
                "the server does not read `{named}` where it lies; it is packed instead"
            )),
            taken => return taken,
        }
    }
    let archive = read.pack(context.output)?;
    send(args, archive, client).await
}

/// The address of the project's own repository, before anything is imported.
async fn own_repository(args: &Args, client: &Client) -> Result<Option<String>, Failure> {
    let own = client.project(args.project).await?.repository;
    Ok(own.map(|repository| repository.url))
}

fn is_unreadable(failure: &Failure) -> bool {
    let problem = failure.problem.as_ref();
    problem.is_some_and(|problem| problem.extra.get("code") == Some(&"import_failed".into()))
}
