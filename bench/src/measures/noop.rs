//! Independent no-op items, all in all: created, queued, claimed, logged, completed. No process,
//! but queue, lease, log line, audit and completion are real.

use std::time::Instant;

use super::Measured;
use crate::agent::{Agents, Work};
use crate::figure::Figure;
use crate::load::{Cost, create_and_enqueue, finished};
use crate::server::Server;
use crate::setup::Setup;

/// Runs that the agent works at once.
pub const SLOTS: usize = 1024;

pub async fn measure(setup: &Setup) -> Measured {
    let (mut whole, mut queued) = (Vec::new(), Vec::new());
    let mut costs = Vec::new();
    for _ in 0..setup.rounds {
        let server = Server::start(setup).await?;
        let mut wire = server.wire().await?;
        let project = server.project(&mut wire).await?;
        let agents = Agents::one(&server, SLOTS, Work::NoOp).await?;
        let before = Cost::now(&server);
        let begun = Instant::now();
        create_and_enqueue(&server, project, setup.items).await?;
        queued.push(setup.items as f64 / begun.elapsed().as_secs_f64());
        let ended = finished(&agents, &mut wire, setup.items, SLOTS).await?;
        whole.push(setup.items as f64 / (ended - begun).as_secs_f64());
        costs.push(before.since(&server, setup.items));
    }
    let name = format!("{} no-op items, all in all", setup.items);
    let cost = |part: fn(&Cost) -> f64| costs.iter().map(part).collect();
    Ok(vec![
        Figure::new(name, "/s", ">= 30000", whole),
        Figure::new(
            "of it: created and queued in batches",
            "/s",
            "beside the work",
            queued,
        ),
        Figure::new(
            "cost of 1,000 no-op items: server",
            "CPU s",
            "",
            cost(|cost| cost.server),
        ),
        Figure::new(
            "cost of 1,000 no-op items: agent",
            "CPU s",
            "",
            cost(|cost| cost.agent),
        ),
        Figure::new(
            "cost of 1,000 no-op items: load generator",
            "CPU s",
            "not ours",
            cost(|cost| cost.generator),
        ),
    ])
}
