//! Shell steps (`sh -c 'echo hello'`, log kept) by the real agent program, 8 at once.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

use super::Measured;
use crate::figure::Figure;
use crate::load::{create_and_enqueue, items_body};
use crate::server::{Server, has_succeeded};
use crate::setup::Setup;
use crate::{process, wire};

const ITEMS: usize = 2000;
const AT_ONCE: usize = 8;

pub async fn measure(setup: &Setup) -> Measured {
    let (mut rates, mut servers, mut agents) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..setup.rounds {
        let server = Server::start(setup).await?;
        let mut wire = server.wire().await?;
        let project = server.project(&mut wire).await?;
        let agent = server.agent(setup, AT_ONCE, "echo hello")?;
        server.connected(&mut wire, 1).await?;
        // One beforehand, so that nothing is measured for the first time.
        wire.post("/work-items/batch", &items_body(project, 1))
            .await?;
        let before = (server.cpu_seconds(), process::cpu_seconds(agent.pid()));
        let begun = Instant::now();
        create_and_enqueue(&server, project, ITEMS).await?;
        let until = begun + Duration::from_secs(300);
        loop {
            let metrics = wire.get("/observability/metrics").await?;
            let at = wire::find(metrics, b"\"runs_by_status\"").context("counts of runs")?;
            if wire::number_after(&metrics[at..], b"\"succeeded\":") == Some(ITEMS as i64) {
                break;
            }
            ensure!(Instant::now() < until, "the steps take too long");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        rates.push(ITEMS as f64 / begun.elapsed().as_secs_f64());
        ensure!(
            has_succeeded(wire.get("/work-items/runs/1").await?),
            "a run failed"
        );
        let thousands = ITEMS as f64 / 1000.0;
        servers.push((server.cpu_seconds() - before.0) / thousands);
        agents.push((process::cpu_seconds(agent.pid()) - before.1) / thousands);
    }
    Ok(vec![
        Figure::new(
            "shell steps (echo hello), 8 at once",
            "/s",
            ">= 60 % of fork + exec",
            rates,
        ),
        Figure::new("cost of 1,000 shell steps: server", "CPU s", "", servers),
        Figure::new(
            "cost of 1,000 shell steps: agent without children",
            "CPU s",
            "",
            agents,
        ),
    ])
}
