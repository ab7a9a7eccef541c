//! From before the enqueue call to the start of the work, with an idle agent.

use std::time::{Duration, Instant};

use super::Measured;
use crate::agent::{Agents, Work};
use crate::figure::{Figure, quantile};
use crate::load::create;
use crate::server::Server;
use crate::setup::Setup;

const SAMPLES: usize = 1000;

pub async fn measure(setup: &Setup) -> Measured {
    let server = Server::start(setup).await?;
    let mut wire = server.wire().await?;
    let project = server.project(&mut wire).await?;
    let agents = Agents::one(&server, 4, Work::NoOp).await?;
    let (first, _) = create(&mut wire, project, SAMPLES).await?[0];
    let mut taken = Vec::new();
    for n in 0..SAMPLES {
        let body = format!("{{\"work_item_id\":{}}}", first + n as i64);
        let begun = Instant::now();
        wire.post("/scheduler/enqueue", body.as_bytes()).await?;
        let started = agents.journal.reach(n + 1, Duration::from_secs(10)).await?;
        let (_, at) = started[n];
        taken.push(at.saturating_duration_since(begun).as_secs_f64() * 1000.0);
        // The end of this one is not to delay the next.
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
    let late = quantile(&taken, 0.99);
    Ok(vec![
        Figure::new("enqueue -> step start, p50", "ms", "<= 1 fsync + 1", taken),
        Figure::new("enqueue -> step start, p99", "ms", "<= 5", vec![late]),
    ])
}
