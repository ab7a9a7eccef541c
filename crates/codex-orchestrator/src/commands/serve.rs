//! `serve`: the server alone.

use std::borrow::Cow;
use std::net::SocketAddr;

use orch_server::{Server, ServerConfig, ServerError, StoreError};
use tokio_util::sync::CancellationToken;

use super::shutdown::{self, Signals};
use super::{Context, logging};
use crate::config::{
    LogFlags, LogFormat, LogSettings, Reader, ServerFlags, Start, server_config, warn_of_misspelt,
};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Format, Output};

/// Arguments of `serve`.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    server: ServerFlags,
    #[command(flatten)]
    log: LogFlags,
}

/// Serves until a signal comes.
pub async fn run(args: Args, context: &mut Context<'_>) -> Result<Exit, Failure> {
    let mut reader = Reader::new(&context.settings);
    let config = server_config(&mut reader, &args.server, Start::OnTick);
    let log = log_settings(&mut reader, &args.log, context.output.format());
    reader.finish()?;
    logging::start(&log)?;
    warn_of_misspelt(&context.settings);
    let signals = Signals::catch()?;
    let server = bind(config).await?;
    announce(server.local_addr(), context.output);
    let stop = CancellationToken::new();
    match signals.ending(stop.clone(), server.run(stop)).await {
        Some(served) => served.map(|()| Exit::Done).map_err(|error| failure(&error)),
        None => Err(shutdown::cut_short()),
    }
}

/// The log's settings; `--json` asks for JSON there too.
pub fn log_settings(reader: &mut Reader<'_>, flags: &LogFlags, format: Format) -> LogSettings {
    let settings = LogSettings::read(reader, flags);
    match format {
        Format::Json => LogSettings {
            format: LogFormat::Json,
            ..settings
        },
        Format::Text => settings,
    }
}

/// Opens the data and the port.
pub async fn bind(config: ServerConfig) -> Result<Server, Failure> {
    Server::bind(config).await.map_err(|error| failure(&error))
}

/// The one line that says that requests are taken from now on.
pub fn announce(address: SocketAddr, output: &mut Output) {
    let line = format!("listening on http://{address}\n");
    // Whoever started this may have closed its end; that is no reason to stop serving.
    let _ = output.text(&line).and_then(|()| output.flush());
}

/// What the server says, with the next step.
pub fn failure(error: &ServerError) -> Failure {
    let mut causes =
        std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    let (exit, step): (_, Option<Cow<'static, str>>) = match error {
        ServerError::Exposed { .. }
        | ServerError::Team(_)
        | ServerError::Config(_)
        | ServerError::Inside(_)
        | ServerError::Vault(_)
        | ServerError::Kv(_) => (Exit::Usage, None),
        ServerError::Listen { .. } => (
            Exit::Failed,
            Some(
                "free the address, or choose another with --host and --port (0 picks a free port)"
                    .into(),
            ),
        ),
        ServerError::Store { source, .. } => (Exit::Failed, Some(store_step(source))),
        ServerError::Artifacts(_) => (
            Exit::Failed,
            Some("see `codex-orchestrator doctor`, and the book's chapter on artifacts".into()),
        ),
        ServerError::DataDir { .. } => (Exit::Failed, Some(CHECK_THE_FOLDER.into())),
    };
    let mut failure = Failure::new(exit, error.to_string());
    failure
        .causes
        .extend(causes.by_ref().map(ToString::to_string));
    match step {
        Some(step) => failure.next_step(step),
        None => failure,
    }
}

const CHECK_THE_FOLDER: &str =
    "check the folder and its owner, or choose another with --data-dir (ORCH_DATA_DIR)";

/// What to do about a store that does not open.
fn store_step(error: &StoreError) -> Cow<'static, str> {
    match error {
        StoreError::Schema(fault) => fault.next_step().into(),
        StoreError::Reach(fault) => fault.next_step(),
        error if error.is_of_shared_database() => {
            "check the database and what its user may do there: it needs to create tables".into()
        }
        _ => CHECK_THE_FOLDER.into(),
    }
}
