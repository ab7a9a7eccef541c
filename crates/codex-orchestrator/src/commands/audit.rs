//! `audit`: the chain as the server shows it, and its check in the database without the server.

use std::path::PathBuf;

use clap::Subcommand;
use orch_api::client::AuditFilter;
use orch_server::{AuditReport, Database, StoreError};

use super::{Connect, Context, Listing, ids};
use crate::config::{Reader, installation};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Cell, Details, Tone};

/// Arguments of `audit`.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List audit entries, newest first
    List(ListArgs),
    /// Check the chain in the database against the signed heads of data folders; needs no server
    Verify(VerifyArgs),
}

#[derive(clap::Args, Debug)]
struct VerifyArgs {
    /// Folder of a server's signed heads, and of the database unless --database-url names it; once for each server [env: ORCH_DATA_DIR] [default: ~/.local/share/codex-orchestrator]
    #[arg(long, value_name = "FOLDER")]
    data_dir: Vec<String>,
    /// Database [env: ORCH_DATABASE_URL] [default: orchestrator.db in the data folder]
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
}

#[derive(clap::Args, Debug)]
struct ListArgs {
    #[command(flatten)]
    connect: Connect,
    /// Only entries of this project
    #[arg(long, value_name = "ID", value_parser = ids::id())]
    project: Option<i64>,
    /// Only entries of this kind, such as run.started
    #[arg(long)]
    kind: Option<String>,
    /// Only entries of this actor
    #[arg(long)]
    actor: Option<String>,
    #[command(flatten)]
    listing: Listing,
}

/// Runs `audit`.
pub async fn run(args: Args, context: &mut Context<'_>) -> Result<Exit, Failure> {
    match args.action {
        Action::List(args) => {
            let client = context.client(&args.connect)?;
            let filter = AuditFilter {
                project: args.project,
                kind: args.kind,
                actor: args.actor,
            };
            let page = args
                .listing
                .collect(async |paging| client.audit(&filter, &paging).await)
                .await?;
            context.output.page(&page)?;
            Ok(Exit::Done)
        }
        Action::Verify(args) => verify(&args, context).await,
    }
}

const NAME_THE_FOLDER: &str = "name the server's data folder with --data-dir (ORCH_DATA_DIR), or its database with --database-url";

async fn verify(args: &VerifyArgs, context: &mut Context<'_>) -> Result<Exit, Failure> {
    let mut reader = Reader::new(&context.settings);
    let (first, others) = match args.data_dir.split_first() {
        Some((first, others)) => (Some(first.as_str()), others),
        None => (None, [].as_slice()),
    };
    let (folder, database) = installation(&mut reader, first, args.database_url.as_deref());
    reader.finish()?;
    if let Database::Sqlite { file, .. } = &database
        && !file.is_file()
    {
        let message = format!("there is no database at {}", file.display());
        return Err(Failure::usage(message).next_step(NAME_THE_FOLDER));
    }
    let folders: Vec<PathBuf> = std::iter::once(folder)
        .chain(others.iter().map(PathBuf::from))
        .collect();
    let report = orch_server::verify_audit(&database, &folders)
        .await
        .map_err(|error| {
            let step = match &error {
                StoreError::Reach(fault) => fault.next_step(),
                _ => NAME_THE_FOLDER.into(),
            };
            Failure::new(
                Exit::Failed,
                format!("failed to check the audit chain in {database}"),
            )
            .caused_by(&error)
            .next_step(step)
        })?;
    context.output.one(&report)?;
    Ok(if report.first_bad.is_none() {
        Exit::Done
    } else {
        Exit::Failed
    })
}

impl Details for AuditReport {
    fn fields(&self) -> Vec<(&'static str, Cell)> {
        let verdict = match &self.first_bad {
            None => Cell::new("intact").tone(Tone::Good),
            Some(bad) => Cell::new(format!("BROKEN: {bad}")).tone(Tone::Bad),
        };
        let mut fields = vec![
            ("audit chain", verdict),
            ("intact entries", Cell::new(self.entries)),
            ("signed up to", Cell::optional(self.signed_up_to)),
            ("head", Cell::new(&self.head)),
        ];
        fields.extend(self.notes.iter().map(|note| ("note", Cell::new(note))));
        fields
    }
}
