//! An agent is gone while it works: how soon its run is started elsewhere.

use std::time::{Duration, Instant};

use anyhow::ensure;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::Measured;
use crate::agent::{Agents, Work};
use crate::figure::Figure;
use crate::load::create_and_enqueue;
use crate::server::Server;
use crate::setup::Setup;
use crate::{process, wire};

/// How an agent goes.
#[derive(Clone, Copy)]
enum Gone {
    /// Its connections are closed by the kernel.
    Killed,
    /// It says nothing any more, as when its host is gone.
    Silent,
}

pub async fn measure(setup: &Setup) -> Measured {
    let (mut killed, mut silent) = (Vec::new(), Vec::new());
    for _ in 0..setup.rounds.min(3) {
        killed.push(once(setup, Gone::Killed).await?);
        silent.push(once(setup, Gone::Silent).await?);
    }
    Ok(vec![
        Figure::new(
            "agent killed -> its run started elsewhere",
            "s",
            "<= 6",
            killed,
        ),
        Figure::new(
            "agent's host gone -> its run started elsewhere",
            "s",
            "<= 16",
            silent,
        ),
    ])
}

async fn once(setup: &Setup, gone: Gone) -> anyhow::Result<f64> {
    let server = Server::start(setup).await?;
    let mut wire = server.wire().await?;
    let project = server.project(&mut wire).await?;
    let mut first = server.agent(setup, 1, "exec sleep 60")?;
    server.connected(&mut wire, 1).await?;
    create_and_enqueue(&server, project, 1).await?;
    let until = Instant::now() + Duration::from_secs(20);
    while process::children(first.pid()) == 0 {
        ensure!(Instant::now() < until, "the step did not start");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let second = Agents::one(&server, 1, Work::Hang).await?;
    let at = Instant::now();
    match gone {
        Gone::Killed => first.kill()?,
        Gone::Silent => kill(Pid::from_raw(first.pid().cast_signed()), Signal::SIGSTOP)?,
    }
    let begun = second.journal.reach(1, Duration::from_secs(60)).await?;
    let run = wire
        .get(&format!("/work-items/runs/{}", begun[0].0))
        .await?;
    ensure!(
        wire::find(run, b"\"bench-0\"").is_some(),
        "the second agent does not hold the run"
    );
    Ok((begun[0].1 - at).as_secs_f64())
}
