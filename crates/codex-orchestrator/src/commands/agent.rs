//! `agent`: runs an agent, or lists those that the server knows.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use nix::fcntl::{Flock, FlockArg};
use orch_agent::AgentError;
use tokio_util::sync::CancellationToken;

use super::serve::log_settings;
use super::shutdown::{self, Signals};
use super::{Connect, Context, logging, workspaces};
use crate::config::{
    AgentFlags, ClientSettings, LogFlags, Reader, agent_config, data_dir, warn_of_misspelt,
};
use crate::exit::Exit;
use crate::failure::Failure;

/// More agents than this on one machine share a name's slots better than its folders.
const MOST_AGENTS: u32 = 1000;

/// Arguments of `agent`; without a subcommand it runs.
#[derive(clap::Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    run: RunArgs,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Start an agent (what `agent` alone does)
    Run(Box<RunArgs>),
    /// List the agents that have registered
    List(Connect),
    /// List the workspaces that stay on this machine after a failure
    Workspaces(workspaces::Args),
}

#[derive(clap::Args, Clone, Debug)]
struct RunArgs {
    /// Address of the server; of several, with commas between them, each is tried in turn [env: ORCH_URL] [default: http://localhost:18080]
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Folder under which the agent keeps its name and its runs [env: ORCH_DATA_DIR] [default: ~/.local/share/codex-orchestrator]
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<String>,
    #[command(flatten)]
    agent: AgentFlags,
    #[command(flatten)]
    log: LogFlags,
}

impl Args {
    /// Whether it runs an agent.
    pub const fn serves(&self) -> bool {
        matches!(self.action, None | Some(Action::Run(_)))
    }
}

/// Runs an agent until a signal comes, or lists agents.
pub async fn run(args: Args, context: &mut Context<'_>) -> Result<Exit, Failure> {
    match args.action {
        None => work(args.run, context).await,
        Some(Action::Run(run)) => work(*run, context).await,
        Some(Action::Workspaces(args)) => workspaces::run(&args, context),
        Some(Action::List(connect)) => {
            let agents = context.client(&connect)?.agents().await?;
            context.output.list(&agents)?;
            Ok(Exit::Done)
        }
    }
}

async fn work(args: RunArgs, context: &mut Context<'_>) -> Result<Exit, Failure> {
    let mut reader = Reader::new(&context.settings);
    let server = ClientSettings::read(&mut reader, context.url(args.url.as_deref()));
    let agents = data_dir(&mut reader, args.data_dir.as_deref()).join("agents");
    let mut config = agent_config(&mut reader, &args.agent, &server.urls, &agents);
    let log = log_settings(&mut reader, &args.log, context.output.format());
    reader.finish()?;
    logging::start(&log)?;
    warn_of_misspelt(&context.settings);
    let signals = Signals::catch()?;
    // Held until the agent is gone.
    let state = if config.state_dir == agents {
        free_state_dir(&agents)
    } else {
        claim_state_dir(&config.state_dir)
    }?;
    config.state_dir.clone_from(&state.path);
    let stop = CancellationToken::new();
    match signals
        .ending(stop.clone(), orch_agent::run(config, stop))
        .await
    {
        Some(worked) => worked.map(|()| Exit::Done).map_err(|error| failure(&error)),
        None => Err(shutdown::cut_short()),
    }
}

/// What the agent says, with the next step.
pub fn failure(error: &AgentError) -> Failure {
    let exit = match error {
        AgentError::Url { .. }
        | AgentError::Token
        | AgentError::Setting { .. }
        | AgentError::NeedsSandbox { .. }
        | AgentError::Missing(_) => Exit::Usage,
        AgentError::Refused { .. } => Exit::Refused,
        AgentError::Identity { .. }
        | AgentError::InvalidIdentity { .. }
        | AgentError::Leftovers(_)
        | AgentError::OwnProgram(_)
        | AgentError::Sandbox(_) => Exit::Failed,
    };
    let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    let mut failure = Failure::new(exit, error.to_string());
    failure.causes.extend(causes.map(ToString::to_string));
    failure
}

/// An agent's folder, which no other agent uses while this is held.
#[derive(Debug)]
pub struct StateDir {
    pub path: PathBuf,
    _lock: Flock<File>,
}

/// Takes the one folder that is meant.
pub fn claim_state_dir(path: &Path) -> Result<StateDir, Failure> {
    take(path)?.ok_or_else(|| {
        Failure::new(
            Exit::Failed,
            format!("another agent uses {}", path.display()),
        )
        .next_step("end it, or choose another data folder with --data-dir (ORCH_DATA_DIR)")
    })
}

/// Takes the first folder below `agents` that nobody uses: an agent clears away what its
/// predecessor left running, so two must never share one.
fn free_state_dir(agents: &Path) -> Result<StateDir, Failure> {
    for number in 1..=MOST_AGENTS {
        if let Some(state) = take(&agents.join(number.to_string()))? {
            return Ok(state);
        }
    }
    Err(Failure::new(
        Exit::Failed,
        format!("{MOST_AGENTS} agents run already with {}", agents.display()),
    ))
}

fn take(path: &Path) -> Result<Option<StateDir>, Failure> {
    let failed = |error: &dyn std::error::Error| {
        Failure::new(
            Exit::Failed,
            format!("failed to use the agent's folder {}", path.display()),
        )
        .caused_by(error)
        .next_step(
            "check the folder and its owner, or choose another with --data-dir (ORCH_DATA_DIR)",
        )
    };
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|error| failed(&error))?;
    let file = File::create(path.join("in-use")).map_err(|error| failed(&error))?;
    match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
        Ok(lock) => Ok(Some(StateDir {
            path: path.to_owned(),
            _lock: lock,
        })),
        Err((_, nix::errno::Errno::EWOULDBLOCK)) => Ok(None),
        Err((_, error)) => Err(failed(&io::Error::from(error))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agents_of_one_machine_never_share_a_folder_and_take_it_again_later() {
        let top = tempfile::tempdir().unwrap();
        let one = free_state_dir(top.path()).unwrap();
        let two = free_state_dir(top.path()).unwrap();
        assert_eq!(
            (&one.path, &two.path),
            (&top.path().join("1"), &top.path().join("2"))
        );
        assert!(
            claim_state_dir(&one.path)
                .unwrap_err()
                .message
                .contains("another agent uses")
        );
        drop(one);
        assert_eq!(
            free_state_dir(top.path()).unwrap().path,
            top.path().join("1")
        );
    }
}
