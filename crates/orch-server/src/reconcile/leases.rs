//! Keeps the leases of agents with an open stream alive: kept in memory, written three times per
//! lease. An agent that holds nothing costs nothing.

use std::collections::HashMap;
use std::time::Duration;

use orch_store::run;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::app::{App, Result};

const LOOK: Duration = Duration::from_millis(500);

pub async fn run(app: App, shutdown: CancellationToken) {
    let mut renewed: HashMap<orch_core::ids::AgentName, Instant> = HashMap::new();
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
        let holding = app.agents().holding();
        renewed.retain(|agent, _| holding.iter().any(|(name, ..)| name == agent));
        for (agent, ttl, _) in holding {
            let last = renewed.entry(agent.clone()).or_insert_with(Instant::now);
            if last.elapsed() < ttl / 3 {
                continue;
            }
            *last = Instant::now();
            if let Err(error) = renew(&app, &agent).await {
                tracing::error!(error = &error as &dyn std::error::Error, agent.name = %agent, "renewing leases failed");
            }
        }
    }
}

async fn renew(app: &App, agent: &orch_core::ids::AgentName) -> Result<()> {
    let mut tx = app.store().begin("scheduler").await?;
    let now = tx.now();
    run::renew(&mut tx.conn, agent, now).await?;
    orch_failpoint::pass("server.lease.renew");
    tx.commit().await?;
    orch_failpoint::pass("server.lease.renewed");
    Ok(())
}
