//! Hands work out: expires lapsed leases, starts what is eligible, fills the free slots of agents.

use std::time::Duration;

use orch_api::proto::{ServerMessage, server_message};
use orch_core::engine::Reach;
use orch_core::run::Expiry;
use orch_store::{Command, Reply, queue, run};
use tokio_util::sync::CancellationToken;

use super::assign;
use crate::app::agents::Free;
use crate::app::{App, Result};
use crate::config::SchedulingMode;

/// Looks again after so long, should every wake-up be missed.
const LOOK_AGAIN: Duration = Duration::from_secs(30);
/// After a failure of the store.
const AFTER_FAILURE: Duration = Duration::from_secs(1);
/// Leases expired in one go.
const EXPIRED_AT_ONCE: i64 = 1000;

pub async fn run(app: App, mode: SchedulingMode, shutdown: CancellationToken) {
    let mut wait = Duration::ZERO;
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = app.store().signals().schedulable() => {}
            () = tokio::time::sleep(wait) => {}
        }
        wait = match pass(&app, mode).await {
            Ok(wait) => wait,
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "dispatching failed"
                );
                AFTER_FAILURE
            }
        };
    }
}

/// One pass; answers when the next is due at the latest.
async fn pass(app: &App, mode: SchedulingMode) -> Result<Duration> {
    expire(app).await?;
    while fill(app).await? > 0 {}
    let timer = match mode {
        SchedulingMode::Every(interval) => {
            app.store().submit("scheduler", Command::Tick).await?;
            interval
        }
        SchedulingMode::OnTick | SchedulingMode::OnWakeUp => LOOK_AGAIN,
    };
    let now = app.store().now();
    let mut conn = app.store().read().await?;
    let next = [
        queue::next_due(&mut conn, now).await?,
        run::next_lapse(&mut conn).await?,
    ];
    let soonest = next
        .into_iter()
        .flatten()
        .min()
        .map(|at| at.since(now) + Duration::from_millis(1));
    Ok(soonest
        .unwrap_or(timer)
        .min(timer)
        .max(Duration::from_millis(1)))
}

async fn expire(app: &App) -> Result<()> {
    let now = app.store().now();
    let lapsed = {
        let mut conn = app.store().read().await?;
        run::lapsed(&mut conn, now, EXPIRED_AT_ONCE).await?
    };
    for id in lapsed {
        orch_failpoint::pass("server.lease.expire");
        let reply = app
            .store()
            .submit("scheduler", Command::ExpireLease { run: id })
            .await?;
        if let Reply::Expiry(Expiry::Released | Expiry::Lost) = reply {
            tracing::warn!(run.id = id.get(), "a lease ran out");
            app.agents().revoke(id, "its lease ran out");
        }
    }
    Ok(())
}

/// Fills free slots once; answers how many runs were handed out.
async fn fill(app: &App) -> Result<usize> {
    let mut handed_out = 0;
    for free in app.agents().free() {
        let command = Command::Dispatch {
            agent: free.agent.clone(),
            slots: free.slots,
            ttl: free.ttl,
            reach: Reach::QueueToo,
        };
        let actor = format!("agent:{}", free.agent);
        let Reply::Runs(runs) = app.store().submit(&actor, command).await? else {
            continue;
        };
        orch_failpoint::pass("server.dispatch.committed");
        for run in &runs {
            app.agents().hold(&free.agent, run.id, run.epoch);
        }
        handed_out += runs.len();
        hand_over(app, &free, runs).await?;
        orch_failpoint::pass("server.dispatch.sent");
    }
    Ok(handed_out)
}

async fn hand_over(app: &App, free: &Free, runs: Vec<orch_core::run::Run>) -> Result<()> {
    for (run, assignment) in assign::assignments(app, runs, free.answers).await? {
        let sent = match assignment {
            Some(assignment) => {
                let kind = Some(server_message::Kind::Assignment(assignment));
                free.outbox.send(Ok(ServerMessage { kind })).await.is_ok()
            }
            None => false,
        };
        if !sent {
            // The stream is gone, or the item changed while it was handed out: look again.
            app.agents().drop_hold(&free.agent, run.id);
            let _ = crate::app::run::release(app, "scheduler", run.id, Some(run.epoch)).await;
        }
    }
    Ok(())
}
