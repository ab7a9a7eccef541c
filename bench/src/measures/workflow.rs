//! A workflow of three steps, one at a time: from before the enqueue call until the run is seen
//! finished. Once as three steps of one run, once as three items that follow each other.

use std::time::{Duration, Instant};

use super::Measured;
use crate::agent::{Agents, Work};
use crate::figure::Figure;
use crate::load::{create, finished};
use crate::server::Server;
use crate::setup::Setup;
use crate::wire::Wire;

const SAMPLES: usize = 200;

pub async fn measure(setup: &Setup) -> Measured {
    Ok(vec![
        Figure::new(
            "3-step workflow, one at a time, p50",
            "ms",
            "<= 5 fsync + 2",
            steps(setup).await?,
        ),
        Figure::new(
            "the same as 3 items that follow each other, p50",
            "ms",
            "",
            items(setup).await?,
        ),
    ])
}

async fn steps(setup: &Setup) -> anyhow::Result<Vec<f64>> {
    let server = Server::start(setup).await?;
    let mut wire = server.wire().await?;
    let project = server.project(&mut wire).await?;
    let agents = Agents::one(&server, 4, Work::ThreeSteps).await?;
    let (first, _) = create(&mut wire, project, SAMPLES).await?[0];
    let mut taken = Vec::new();
    for n in 0..SAMPLES {
        let body = format!("{{\"work_item_id\":{}}}", first + n as i64);
        let begun = Instant::now();
        wire.post("/scheduler/enqueue", body.as_bytes()).await?;
        taken.push(until_done(&agents, &mut wire, n + 1, begun).await?);
    }
    Ok(taken)
}

async fn items(setup: &Setup) -> anyhow::Result<Vec<f64>> {
    let server = Server::start(setup).await?;
    let mut wire = server.wire().await?;
    let project = server.project(&mut wire).await?;
    let agents = Agents::one(&server, 4, Work::NoOp).await?;
    let made = create(&mut wire, project, 3 * SAMPLES).await?;
    let mut taken = Vec::new();
    for n in 0..SAMPLES {
        let a = made[0].0 + 3 * n as i64;
        let (b, c) = (a + 1, a + 2);
        let body = format!(
            "{{\"entries\":[{{\"work_item_id\":{a}}},\
             {{\"work_item_id\":{b},\"depends_on\":[{a}]}},{{\"work_item_id\":{c},\"depends_on\":[{b}]}}]}}"
        );
        let begun = Instant::now();
        wire.post("/scheduler/enqueue/batch", body.as_bytes())
            .await?;
        taken.push(until_done(&agents, &mut wire, 3 * (n + 1), begun).await?);
    }
    Ok(taken)
}

/// Milliseconds; what follows is given a moment, so that rounds do not overlap.
async fn until_done(
    agents: &Agents,
    wire: &mut Wire,
    runs: usize,
    begun: Instant,
) -> anyhow::Result<f64> {
    let ended = finished(agents, wire, runs, 1).await?;
    tokio::time::sleep(Duration::from_millis(2)).await;
    Ok((ended - begun).as_secs_f64() * 1000.0)
}
