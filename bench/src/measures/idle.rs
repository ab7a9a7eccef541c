//! What a server does while 100 agents are connected and nothing is to be done.

use std::time::{Duration, Instant};

use super::Measured;
use crate::agent::{Agents, Work};
use crate::figure::Figure;
use crate::process;
use crate::server::Server;
use crate::setup::Setup;

const AGENTS: usize = 100;
const WATCHED: Duration = Duration::from_secs(10);

pub async fn measure(setup: &Setup) -> Measured {
    let server = Server::start(setup).await?;
    let _agents = Agents::many(&server, AGENTS, 4, Work::NoOp).await?;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let before = (server.cpu_seconds(), process::sleeps(server.pid()));
    let begun = Instant::now();
    tokio::time::sleep(WATCHED).await;
    let seconds = begun.elapsed().as_secs_f64();
    let cpu = (server.cpu_seconds() - before.0) / seconds * 100.0;
    let sleeps = (process::sleeps(server.pid()) - before.1) / seconds;
    let (_, pss) = process::memory_mib(server.pid());
    Ok(vec![
        Figure::new(
            "idle, 100 agents connected: server",
            "% CPU",
            "< 1",
            vec![cpu],
        ),
        Figure::new(
            "idle, 100 agents connected: wake-ups of threads",
            "/s",
            "",
            vec![sleeps],
        ),
        Figure::new(
            "idle, 100 agents connected: proportional",
            "MiB",
            "",
            vec![pss],
        ),
    ])
}
