//! A chain of 1,000 items, each of which waits for the one before: what a hop costs.

use std::time::Instant;

use super::Measured;
use crate::agent::{Agents, Work};
use crate::figure::Figure;
use crate::load::{create, finished};
use crate::server::Server;
use crate::setup::Setup;

const LINKS: usize = 1000;

pub async fn measure(setup: &Setup) -> Measured {
    let mut hops = Vec::new();
    for _ in 0..setup.rounds {
        let server = Server::start(setup).await?;
        let mut wire = server.wire().await?;
        let project = server.project(&mut wire).await?;
        let agents = Agents::one(&server, 4, Work::NoOp).await?;
        let (first, _) = create(&mut wire, project, LINKS).await?[0];
        // The first one last: nothing runs before all are queued.
        let entries: Vec<String> = (1..LINKS as i64)
            .map(|n| {
                let (id, before) = (first + n, first + n - 1);
                format!("{{\"work_item_id\":{id},\"depends_on\":[{before}]}}")
            })
            .collect();
        let body = format!("{{\"entries\":[{}]}}", entries.join(","));
        wire.post("/scheduler/enqueue/batch", body.as_bytes())
            .await?;
        let begun = Instant::now();
        let body = format!("{{\"work_item_id\":{first}}}");
        wire.post("/scheduler/enqueue", body.as_bytes()).await?;
        let ended = finished(&agents, &mut wire, LINKS, 1).await?;
        hops.push((ended - begun).as_secs_f64() * 1000.0 / LINKS as f64);
    }
    Ok(vec![Figure::new(
        "chain of 1,000, a hop",
        "ms",
        "<= 1.2 fsync + 0.3",
        hops,
    )])
}
