//! Log lines taken in: four runs of an agent that write as fast as they can.

use std::time::Instant;

use super::Measured;
use crate::agent::{Agents, Work};
use crate::figure::Figure;
use crate::load::{create_and_enqueue, finished};
use crate::server::Server;
use crate::setup::Setup;

const RUNS: usize = 4;
const LINES: usize = 250_000;

pub async fn measure(setup: &Setup) -> Measured {
    let mut rates = Vec::new();
    for _ in 0..setup.rounds {
        let server = Server::start(setup).await?;
        let mut wire = server.wire().await?;
        let project = server.project(&mut wire).await?;
        let agents = Agents::one(&server, RUNS, Work::Lines(LINES)).await?;
        let begun = Instant::now();
        create_and_enqueue(&server, project, RUNS).await?;
        let ended = finished(&agents, &mut wire, RUNS, RUNS).await?;
        rates.push((RUNS * LINES) as f64 / (ended - begun).as_secs_f64());
    }
    Ok(vec![Figure::new(
        "log lines taken in (80 characters, 4 runs)",
        "/s",
        ">= 300000",
        rates,
    )])
}
