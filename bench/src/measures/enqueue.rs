//! Queueing with one HTTP call for each item, 16 calls in flight; no agent is connected.

use std::time::Instant;

use super::Measured;
use crate::figure::Figure;
use crate::load::{Cost, create};
use crate::server::Server;
use crate::setup::Setup;

const IN_FLIGHT: usize = 16;

pub async fn measure(setup: &Setup) -> Measured {
    let (mut rates, mut costs, mut load) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..setup.rounds {
        let server = Server::start(setup).await?;
        let mut wire = server.wire().await?;
        let project = server.project(&mut wire).await?;
        let mut bodies: Vec<Vec<u8>> = Vec::new();
        for (first, size) in create(&mut wire, project, setup.items).await? {
            let ids = first..first + size as i64;
            bodies.extend(ids.map(|id| format!("{{\"work_item_id\":{id}}}").into_bytes()));
        }
        let mut wires = Vec::new();
        for _ in 0..IN_FLIGHT {
            wires.push(server.wire().await?);
        }
        let before = Cost::now(&server);
        let begun = Instant::now();
        let share = bodies.len().div_ceil(IN_FLIGHT);
        let calls = bodies
            .chunks(share)
            .zip(&mut wires)
            .map(|(bodies, wire)| async move {
                for body in bodies {
                    wire.post("/scheduler/enqueue", body).await?;
                }
                anyhow::Ok(())
            });
        futures::future::try_join_all(calls).await?;
        rates.push(bodies.len() as f64 / begun.elapsed().as_secs_f64());
        let cost = before.since(&server, bodies.len());
        costs.push(cost.server);
        load.push(cost.generator);
    }
    Ok(vec![
        Figure::new(
            "enqueue, one call each, 16 in flight",
            "/s",
            ">= 15000",
            rates,
        ),
        Figure::new("cost of 1,000 such calls: server", "CPU s", "", costs),
        Figure::new(
            "cost of 1,000 such calls: load generator",
            "CPU s",
            "not ours",
            load,
        ),
    ])
}
