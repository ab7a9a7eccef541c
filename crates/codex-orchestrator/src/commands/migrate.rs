//! `migrate`: the schema brought forward, and an installation carried to the other kind of
//! database. Needs no server; the source of a move must have none.

use std::path::{Path, PathBuf};

use orch_server::carry::{self, Carried, CarryError, Counted, Progress, Side};
use orch_server::schema::{self, Moved, Status};
use orch_server::{Database, StoreError};
use serde_json::json;

use super::Context;
use orch_core::plural::counted;

use crate::config::{Named, Reader, installation, named_database};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Cell, Details, Format, Row, Tone};

/// Arguments of `migrate`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Folder of database, logs and keys [env: ORCH_DATA_DIR] [default: ~/.local/share/codex-orchestrator]
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<String>,
    /// Database [env: ORCH_DATABASE_URL] [default: orchestrator.db in the data folder]
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
    /// Show the versions of database and program, and change nothing
    #[arg(long, conflicts_with_all = ["from", "to", "logs"])]
    status: bool,
    /// Carry the whole installation from this database, such as sqlite:////var/lib/orch.db [default with --to: the configured database]
    #[arg(long, value_name = "URL")]
    from: Option<String>,
    /// Carry it into this empty database, such as postgres://user:password@host/name [default with --from: the configured database]
    #[arg(long, value_name = "URL")]
    to: Option<String>,
    /// Log folder of the SQLite side; artifacts are beside it [default: logs beside the file, else in the data folder]
    #[arg(long, value_name = "FOLDER", visible_alias = "from-logs")]
    logs: Option<PathBuf>,
}

/// Runs `migrate`.
pub async fn run(args: Args, context: &mut Context<'_>) -> Result<Exit, Failure> {
    let mut reader = Reader::new(&context.settings);
    let (data_dir, database) = installation(
        &mut reader,
        args.data_dir.as_deref(),
        args.database_url.as_deref(),
    );
    reader.finish()?;
    if args.from.is_some() || args.to.is_some() {
        let side = |flag: &str, url: Option<&str>| match url {
            None => Ok(configured(&database, &data_dir, args.logs.as_deref())),
            Some(url) => named(flag, url, &data_dir, args.logs.as_deref()),
        };
        let from = side("--from", args.from.as_deref())?;
        let to = side("--to", args.to.as_deref())?;
        return move_over(&from, &to, context).await;
    }
    if args.logs.is_some() {
        return Err(Failure::usage("--logs belongs to --from or --to"));
    }
    if args.status {
        status(&database, context).await
    } else {
        forward(&database, context).await
    }
}

fn configured(database: &Database, data_dir: &Path, logs: Option<&Path>) -> Side {
    let mut database = database.clone();
    let mut artifacts = data_dir.join("artifacts");
    if let (Database::Sqlite { logs: place, .. }, Some(logs)) = (&mut database, logs) {
        logs.clone_into(place);
        artifacts = beside(logs);
    }
    Side {
        database,
        artifacts,
    }
}

fn named(flag: &str, url: &str, data_dir: &Path, logs: Option<&Path>) -> Result<Side, Failure> {
    let named = named_database(url.trim())
        .map_err(|fault| Failure::usage(format!("{flag} cannot be used: {fault}")))?;
    let Named::File(file) = named else {
        return Ok(Side {
            database: named.beside(data_dir),
            artifacts: data_dir.join("artifacts"),
        });
    };
    let near = file.parent().unwrap_or(Path::new("")).join("logs");
    let logs = match logs {
        Some(logs) => logs.to_owned(),
        None if near.is_dir() || !data_dir.join("logs").is_dir() => near,
        None => data_dir.join("logs"),
    };
    Ok(Side {
        artifacts: beside(&logs),
        database: Database::Sqlite { file, logs },
    })
}

/// The artifacts of the installation whose log folder this is.
fn beside(logs: &Path) -> PathBuf {
    logs.parent().unwrap_or(Path::new("")).join("artifacts")
}

async fn forward(database: &Database, context: &mut Context<'_>) -> Result<Exit, Failure> {
    let moved = schema::migrate(database)
        .await
        .map_err(|error| store_failure(database, &error))?;
    let Moved { from, to } = moved;
    if context.output.format() == Format::Json {
        let kind = database.kind();
        context.output.document(
            &json!({"database": database.to_string(), "kind": kind, "from": from, "to": to}),
        )?;
        return Ok(Exit::Done);
    }
    let told = if from == to {
        format!("the schema of {database} is version {to} already")
    } else {
        format!("the schema of {database} was brought from version {from} to version {to}")
    };
    context.output.text(&format!("{told}\n"))?;
    context.output.flush()?;
    Ok(Exit::Done)
}

async fn status(database: &Database, context: &mut Context<'_>) -> Result<Exit, Failure> {
    let status = schema::status(database)
        .await
        .map_err(|error| store_failure(database, &error))?;
    let Status {
        database: version,
        program,
        pending,
        fault,
    } = status;
    let pending = pending
        .into_iter()
        .map(|(version, name)| format!("{version} {name}"))
        .collect();
    let shown = Versions {
        database: database.to_string(),
        kind: database.kind(),
        version,
        program,
        pending,
        fault: fault.as_ref().map(ToString::to_string),
        next_step: fault.as_ref().map(schema::SchemaError::next_step),
    };
    context.output.one(&shown)?;
    Ok(if shown.fault.is_none() {
        Exit::Done
    } else {
        Exit::Failed
    })
}

/// What `--status` shows; version 0 is a database without a schema.
#[derive(serde::Serialize)]
struct Versions {
    database: String,
    kind: &'static str,
    version: i64,
    program: i64,
    pending: Vec<String>,
    fault: Option<String>,
    next_step: Option<&'static str>,
}

impl Details for Versions {
    fn fields(&self) -> Vec<(&'static str, Cell)> {
        let state = match (&self.fault, self.pending.as_slice()) {
            (Some(fault), _) => Cell::new(fault).tone(Tone::Bad),
            (None, []) => Cell::new("current").tone(Tone::Good),
            (None, pending) => {
                Cell::new(format!("to come: {}", pending.join(", "))).tone(Tone::Waiting)
            }
        };
        let mut fields = vec![
            ("database", Cell::new(&self.database)),
            ("its schema", Cell::new(self.version)),
            ("this program's", Cell::new(self.program)),
            ("state", state),
        ];
        fields.extend(self.next_step.map(|step| ("next", Cell::new(step))));
        fields
    }
}

async fn move_over(from: &Side, to: &Side, context: &mut Context<'_>) -> Result<Exit, Failure> {
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let mut progress = |at: Progress<'_>| {
        // Whoever reads the words may be gone; the rows go on.
        let _ = tell.send(format!("{}: {} of {}", at.table, at.done, at.of));
    };
    let mut carrying = std::pin::pin!(carry::carry(from, to, &mut progress));
    let carried = loop {
        tokio::select! {
            biased;
            Some(word) = told.recv() => context.output.note(&word),
            carried = &mut carrying => break carried,
        }
    };
    while let Ok(word) = told.try_recv() {
        context.output.note(&word);
    }
    let carried = carried.map_err(|error| carry_failure(&error))?;
    show(from, to, &carried, context)?;
    Ok(Exit::Done)
}

fn show(
    from: &Side,
    to: &Side,
    carried: &Carried,
    context: &mut Context<'_>,
) -> Result<(), Failure> {
    let (from, to) = (from.database.to_string(), to.database.to_string());
    if context.output.format() == Format::Json {
        let report = json!({
            "from": from, "to": to, "tables": carried.tables, "audit_entries": carried.audit_entries,
            "audit_head": carried.audit_head, "notes": carried.notes,
        });
        return Ok(context.output.document(&report)?);
    }
    context.output.list(&carried.tables)?;
    context.output.text("\n")?;
    context.output.one(&Summary { from, to, carried })?;
    Ok(())
}

impl Row for Counted {
    const HEAD: &'static [&'static str] = &["table", "source", "target"];
    const NAME: &'static str = "tables";

    fn cells(&self) -> Vec<Cell> {
        vec![
            Cell::new(&self.table),
            Cell::new(self.source),
            Cell::new(self.target),
        ]
    }
}

#[derive(serde::Serialize)]
struct Summary<'a> {
    from: String,
    to: String,
    carried: &'a Carried,
}

impl Details for Summary<'_> {
    fn fields(&self) -> Vec<(&'static str, Cell)> {
        let chain = format!(
            "intact, {}",
            counted(self.carried.audit_entries as u64, "entry")
        );
        let mut fields = vec![
            ("from", Cell::new(&self.from)),
            ("to", Cell::new(&self.to)),
            ("audit chain", Cell::new(chain).tone(Tone::Good)),
            ("head", Cell::new(&self.carried.audit_head)),
        ];
        let notes = &self.carried.notes;
        fields.extend(notes.iter().map(|note| ("note", Cell::new(note))));
        fields
    }
}

fn store_failure(database: &Database, error: &StoreError) -> Failure {
    let message = format!("failed to bring the schema of {database} forward");
    let step = match error {
        StoreError::Schema(fault) => fault.next_step().into(),
        StoreError::Reach(fault) => fault.next_step(),
        StoreError::Log(_) => "stop the server first".into(),
        _ => match database {
            Database::Sqlite { .. } => "check the database with --database-url (ORCH_DATABASE_URL) or --data-dir (ORCH_DATA_DIR)",
            Database::Postgres { .. } => "check the database, and what its user may do",
        }
        .into(),
    };
    Failure::new(Exit::Failed, message)
        .caused_by(error)
        .next_step(step)
}

fn carry_failure(error: &CarryError) -> Failure {
    let is_usage = matches!(
        error,
        CarryError::SameKind { .. } | CarryError::NoSource { .. }
    );
    let exit = if is_usage { Exit::Usage } else { Exit::Failed };
    let failure = Failure::new(exit, "the installation was not carried over").caused_by(error);
    match error.next_step() {
        Some(step) => failure.next_step(step),
        None => failure,
    }
}
