//! How soon the server is ready on an empty database, and what server and agent hold when idle.

use std::time::Duration;

use super::Measured;
use crate::figure::Figure;
use crate::process;
use crate::server::Server;
use crate::setup::Setup;

pub async fn measure(setup: &Setup) -> Measured {
    let (mut ready, mut resident, mut proportional) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..setup.rounds {
        let server = Server::start(setup).await?;
        ready.push(server.ready_after.as_secs_f64() * 1000.0);
        drop(server);
        let up = Server::start_as(setup, "up").await?;
        tokio::time::sleep(Duration::from_secs(2)).await;
        let (rss, pss) = process::memory_mib(up.pid());
        resident.push(rss);
        proportional.push(pss);
    }
    Ok(vec![
        Figure::new("ready to serve, empty database", "ms", "< 300", ready),
        Figure::new("server and agent idle, resident", "MiB", "", resident),
        Figure::new(
            "server and agent idle, proportional",
            "MiB",
            "<= 40",
            proportional,
        ),
    ])
}
