//! 1,000 runs at once on one node, each a process that sleeps.

use std::time::{Duration, Instant};

use anyhow::ensure;

use super::Measured;
use crate::figure::Figure;
use crate::load::create_and_enqueue;
use crate::process;
use crate::server::Server;
use crate::setup::Setup;

const RUNS: usize = 1000;
const WITHIN: Duration = Duration::from_secs(90);

pub async fn measure(setup: &Setup) -> Measured {
    let server = Server::start(setup).await?;
    let mut wire = server.wire().await?;
    let project = server.project(&mut wire).await?;
    let agent = server.agent(setup, RUNS, "exec sleep 120")?;
    server.connected(&mut wire, 1).await?;
    let begun = Instant::now();
    create_and_enqueue(&server, project, RUNS).await?;
    let mut alive = 0;
    while alive < RUNS && begun.elapsed() < WITHIN {
        tokio::time::sleep(Duration::from_millis(100)).await;
        alive = process::children(agent.pid());
    }
    ensure!(alive > 0, "no step was started");
    let taken = begun.elapsed().as_secs_f64();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let (_, server_pss) = process::memory_mib(server.pid());
    let (_, agent_pss) = process::memory_mib(agent.pid());
    Ok(vec![
        Figure::new(
            "1,000 runs at once: alive",
            "runs",
            "1000",
            vec![alive as f64],
        ),
        Figure::new(
            "1,000 runs at once: all started after",
            "s",
            "",
            vec![taken],
        ),
        Figure::new(
            "1,000 runs at once: server, proportional",
            "MiB",
            "< 300",
            vec![server_pss],
        ),
        Figure::new(
            "1,000 runs at once: agent, proportional",
            "MiB",
            "",
            vec![agent_pss],
        ),
    ])
}
