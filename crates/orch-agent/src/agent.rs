//! Starting an agent and keeping it going.
//!
//! Clears away what a killed predecessor left, then stays connected until told to end. Decides
//! nothing about runs.

use std::{sync::Arc, time::Duration};

use orch_sandbox::{
    exec::{reap_leftovers, remove_all},
    sandbox::{self, Backend, Sandbox},
};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use crate::{
    AgentError,
    clock::{self, Now},
    config::AgentConfig,
    connection::Connection,
    desk::Desk,
    identity,
    kept::{self, Upkeep},
    labels,
    outbox::Outbox,
    runs::Runs,
    text::chain,
    tools,
    work::Steps,
    worker::Worker,
};

/// A run's folder that nobody has taken up for so long is removed.
const FORGOTTEN: Duration = Duration::from_secs(7 * 24 * 3600);

/// How often kept workspaces are looked through.
const UPKEEP: Duration = Duration::from_secs(300);

/// Runs an agent until `shutdown`: then its steps end, its runs are given back, all within 5 s.
///
/// # Errors
/// When it cannot start, or the server refuses it for good; never for an outage.
pub async fn run(mut config: AgentConfig, shutdown: CancellationToken) -> Result<(), AgentError> {
    let sandbox = choose_sandbox(&config).await?;
    match sandbox.backend() {
        Backend::Process => tracing::warn!(
            "steps run as plain processes with a cleared environment, without a sandbox: \
             what they may do is what this user may do"
        ),
        backend => tracing::info!(sandbox = %backend, "steps run in a sandbox"),
    }
    config.labels = labels::of(&config, sandbox.backend());
    config.labels.push(labels::tools(&config));
    let worker = Arc::new(Steps::new(config.clone(), sandbox));
    run_with(config, worker, clock::system, shutdown).await
}

/// The sandbox that the settings ask for.
///
/// # Errors
/// When none can be used as it is wanted.
pub async fn choose_sandbox(config: &AgentConfig) -> Result<Arc<dyn Sandbox>, AgentError> {
    let settings = config.sandbox.settings(&config.state_dir)?;
    let wanted = config.sandbox.wanted;
    let chosen = tokio::task::spawn_blocking(move || sandbox::choose(wanted, &settings)).await;
    let chosen = chosen.map_err(|error| AgentError::OwnProgram(std::io::Error::other(error)))?;
    let sandbox = chosen.map_err(AgentError::Sandbox)?;
    config.sandbox.check(sandbox.backend())?;
    config.preflight(sandbox.backend())?;
    Ok(sandbox)
}

/// [`run`] with a worker and a clock of the caller's choice.
///
/// # Errors
/// As for [`run`].
pub async fn run_with(
    config: AgentConfig,
    worker: Arc<dyn Worker>,
    now: Now,
    shutdown: CancellationToken,
) -> Result<(), AgentError> {
    let agent_id = match &config.agent_id {
        Some(name) => name.clone(),
        None => identity::load_or_make(&config.state_dir)?,
    };
    let upkeep = Upkeep {
        runs: config.state_dir.join("runs"),
        keeping: config.workspaces.keeping(),
        now,
    };
    clear_leftovers(&config, now).await?;
    let _upkeep = AbortOnDropHandle::new(tokio::spawn(keep_up(upkeep.clone())));
    let outbox = Arc::new(Outbox::default());
    let desk = Arc::new(Desk::new(agent_id.as_str(), config.secret.as_deref()));
    let runs = Runs::new(
        Arc::clone(&outbox),
        Arc::clone(&desk),
        worker,
        now,
        config.slots,
        config.keep_runs,
        upkeep,
    );
    tracing::info!(agent.id = %agent_id, url = %config.url, slots = config.slots, "agent started");
    let connection = Connection {
        agent_id: agent_id.as_str().to_owned(),
        config,
        outbox,
        desk,
        runs: Arc::new(runs),
    };
    let kept = connection.keep(&shutdown).await;
    tracing::info!(agent.id = %agent_id, "agent ended");
    kept
}

/// Removes kept workspaces when their time is over, from the start on.
async fn keep_up(upkeep: Upkeep) {
    let mut times = tokio::time::interval(UPKEEP);
    loop {
        times.tick().await;
        let upkeep = upkeep.clone();
        if let Err(error) = tokio::task::spawn_blocking(move || upkeep.run()).await {
            tracing::warn!(%error, "the upkeep of kept workspaces broke off");
        }
    }
}

async fn clear_leftovers(config: &AgentConfig, now: Now) -> Result<(), AgentError> {
    let root = config.state_dir.join("runs");
    let state_dir = config.state_dir.clone();
    let cleared = tokio::task::spawn_blocking(move || {
        tools::clear_leftovers(&state_dir);
        let leftovers = reap_leftovers(&root).map_err(AgentError::Leftovers)?;
        for leftover in &leftovers {
            if leftover.commands > 0 {
                tracing::warn!(
                    run.id = leftover.run_id,
                    process.remaining = leftover.remaining,
                    "ended what an earlier agent left running"
                );
            }
            let modified = std::fs::metadata(&leftover.path).and_then(|meta| meta.modified());
            let at = modified
                .ok()
                .and_then(|at| jiff::Timestamp::try_from(at).ok());
            let is_forgotten =
                at.is_some_and(|at| now().duration_since(at).unsigned_abs() > FORGOTTEN);
            if is_forgotten
                && !kept::is_kept(&leftover.path)
                && let Err(error) = remove_all(&leftover.path)
            {
                let error = chain(&error);
                tracing::warn!(path = %leftover.path.display(), %error, "failed to remove an old run's folder");
            }
        }
        Ok(())
    });
    cleared.await.unwrap_or_else(|error| {
        tracing::warn!(%error, "the clearing of leftovers broke off");
        Ok(())
    })
}
