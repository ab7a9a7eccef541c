//! `mcp`: the platform's tools over standard input and output.
//!
//! Standard output carries the protocol and nothing else; the log goes to standard error.

use std::os::fd::AsFd;
use std::time::Duration;

use orch_api::client::Client;
use orch_mcp::{ServeError, Visitor, Who};
use tokio_util::sync::CancellationToken;

use super::serve::log_settings;
use super::shutdown::{self, Signals};
use super::{Connect, Context, logging};
use crate::config::{CallerSettings, LogFlags, Reader};
use crate::exit::Exit;
use crate::failure::Failure;

/// How long the server may take to say whose token it is: clients wait for a start about so long.
const PATIENCE: Duration = Duration::from_secs(5);

/// Arguments of `mcp`.
#[derive(clap::Args, Debug)]
#[command(after_help = HELP)]
pub struct Args {
    #[command(flatten)]
    connect: Connect,
    #[command(flatten)]
    log: LogFlags,
}

const HELP: &str = "\
It speaks the Model Context Protocol on standard input and output until its input ends; whoever starts it is
Codex, Claude Code, an IDE or another client of the protocol. It works with ORCH_API_TOKEN, or, inside of a
run, with ORCH_RUN_TOKEN for that run alone. No tool approves, answers a question or shows a secret.

  claude mcp add orchestrator -- codex-orchestrator mcp
  codex mcp add orchestrator -- codex-orchestrator mcp

The server offers the same tools at /mcp. See the book's chapter on MCP.";

/// Runs `mcp`.
pub async fn run(args: Args, context: &mut Context<'_>) -> Result<Exit, Failure> {
    let mut reader = Reader::new(&context.settings);
    let caller = CallerSettings::read(&mut reader, context.url(args.connect.url.as_deref()));
    let log = log_settings(&mut reader, &args.log, context.output.format());
    reader.finish()?;
    logging::start(&log)?;
    let client = Client::new(&caller.url, caller.token.as_deref())?;
    let who = proven(&client, caller.who).await?;
    let visitor = Visitor { client, who };
    let signals = Signals::catch()?;
    let stop = CancellationToken::new();
    let (input, output) = (file(std::io::stdin())?, file(std::io::stdout())?);
    let serving = orch_mcp::stdio(visitor, input, output, stop.clone());
    match signals.ending(stop, serving).await {
        Some(served) => served.map(|()| Exit::Done).map_err(|error| failure(&error)),
        None => Err(shutdown::cut_short()),
    }
}

/// Whose token it is, as the server says; what the environment says where it does not answer, for then the
/// calls say why.
async fn proven(client: &Client, who: Who) -> Result<Who, Failure> {
    let Who::Run { run: said, .. } = who else {
        return Ok(who);
    };
    let own = match tokio::time::timeout(PATIENCE, client.own_run()).await {
        Ok(Ok(own)) => own,
        Ok(Err(error)) => {
            tracing::warn!(%error, "the run of this token is not known yet");
            return Ok(who);
        }
        Err(_) => {
            tracing::warn!("the run of this token is not known yet: the server does not answer");
            return Ok(who);
        }
    };
    match said.filter(|said| *said != own.id) {
        Some(said) => Err(Failure::usage(format!(
            "ORCH_RUN_ID is {said}, and the token is that of run {}",
            own.id
        ))
        .next_step("leave ORCH_RUN_ID out: the token says which run it is")),
        None => Ok(Who::Run {
            run: Some(own.id),
            work_item: Some(own.work_item_id),
        }),
    }
}

/// A standard stream, unbuffered, whether it is a pipe, a socket or a file.
fn file(stream: impl AsFd) -> Result<tokio::fs::File, Failure> {
    let descriptor = stream.as_fd().try_clone_to_owned().map_err(|error| {
        Failure::new(Exit::Failed, "standard input or output cannot be used").caused_by(&error)
    })?;
    Ok(tokio::fs::File::from_std(descriptor.into()))
}

fn failure(error: &ServeError) -> Failure {
    let step = "this command is for clients of the Model Context Protocol to start; see `codex-orchestrator mcp --help`";
    let failure = Failure::new(Exit::Failed, error.to_string());
    match std::error::Error::source(error) {
        Some(cause) => failure.caused_by(cause),
        None => failure,
    }
    .next_step(step)
}
