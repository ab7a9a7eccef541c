//! Keeps the leases of agents with an open stream alive: kept in memory, written three times per
//! lease. An agent that holds nothing costs nothing. Where they could not be written, as on a full
//! disk, they are taken up again: the dispatcher takes none away while the stream is open.

use std::collections::HashMap;
use std::time::Duration;

use orch_core::ids::{AgentName, RunId};
use orch_store::{revive, run};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::app::{App, Result};

const LOOK: Duration = Duration::from_millis(500);
/// A renewal that failed is tried again after this.
const AFTER_FAILURE: Duration = Duration::from_secs(2);

pub async fn run(app: App, shutdown: CancellationToken) {
    let mut renewed: HashMap<AgentName, Instant> = HashMap::new();
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
        let holding = app.agents().holding();
        renewed.retain(|agent, _| holding.iter().any(|(name, ..)| name == agent));
        for (agent, ttl, held) in holding {
            let last = renewed.entry(agent.clone()).or_insert_with(Instant::now);
            if last.elapsed() < ttl / 3 {
                continue;
            }
            match renew(&app, &agent, &held).await {
                Ok(()) => *last = Instant::now(),
                Err(error) => {
                    *last += AFTER_FAILURE;
                    tracing::error!(error = &error as &dyn std::error::Error, agent.name = %agent, "renewing leases failed");
                }
            }
        }
    }
}

async fn renew(app: &App, agent: &AgentName, held: &[RunId]) -> Result<()> {
    let mut tx = app.store().begin("scheduler").await?;
    let now = tx.now();
    run::renew(&mut tx.conn, agent, now).await?;
    let held: Vec<RunId> = held
        .iter()
        .copied()
        .filter(|run| app.agents().is_held(*run))
        .collect();
    revive::revive(&mut tx.conn, agent, &held, now).await?;
    orch_failpoint::pass("server.lease.renew");
    tx.commit().await?;
    orch_failpoint::pass("server.lease.renewed");
    Ok(())
}
