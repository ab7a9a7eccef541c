//! Hands work out: fills the free slots of agents, expires lapsed leases, starts what is due.

use std::time::Duration;

use orch_api::proto::{ServerMessage, server_message};
use orch_core::engine::Reach;
use orch_core::ids::RunId;
use orch_core::run::Expiry;
use orch_store::{Command, Reply, StoreError, queue, run};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::assign;
use crate::app::agents::Free;
use crate::app::{App, Result};
use crate::config::SchedulingMode;

/// Looks again after so long, should every wake-up be missed.
const LOOK_AGAIN: Duration = Duration::from_secs(30);
/// After a wake-up, leases and delays are looked at within this.
const LOOK_SOON: Duration = Duration::from_millis(20);
/// After a failure of the store.
const AFTER_FAILURE: Duration = Duration::from_secs(1);
/// Leases expired in one go.
const EXPIRED_AT_ONCE: i64 = 1000;

pub async fn run(app: App, mode: SchedulingMode, shutdown: CancellationToken) {
    let mut next_look = Instant::now();
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = app.store().signals().schedulable() => {}
            () = tokio::time::sleep_until(next_look) => {}
        }
        if let Err(error) = pass(&app, mode, &mut next_look).await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "dispatching failed"
            );
            next_look = Instant::now() + AFTER_FAILURE;
        }
    }
}

/// One pass: fills what is free, and looks at the clock's work where that is due. A wake-up brings
/// the next look near, so that a stream of them costs few looks.
async fn pass(app: &App, mode: SchedulingMode, next_look: &mut Instant) -> Result<()> {
    // What runs may use the rest of a disk; nothing new is started on it.
    let is_scarce = app.health().disk().is_scarce();
    while !is_scarce && fill(app).await? > 0 {}
    let now = Instant::now();
    if now < *next_look {
        *next_look = (*next_look).min(now + LOOK_SOON);
        return Ok(());
    }
    let lapsed = expire(app).await?;
    if lapsed == Lapsed::Some {
        while !is_scarce && fill(app).await? > 0 {}
    }
    let timer = match mode {
        SchedulingMode::Every(interval) if is_scarce => interval,
        SchedulingMode::Every(interval) => {
            app.store().submit("scheduler", Command::Tick).await?;
            interval
        }
        SchedulingMode::OnTick | SchedulingMode::OnWakeUp => LOOK_AGAIN,
    };
    let now = app.store().now();
    let mut conn = app.store().peek().await?;
    let next = [
        queue::next_due(&mut conn, now).await?,
        run::next_lapse(&mut conn).await?,
    ];
    let soonest = next
        .into_iter()
        .flatten()
        .min()
        .map(|at| at.since(now) + Duration::from_millis(1));
    let wait = soonest.unwrap_or(timer).min(timer);
    let least = match lapsed {
        Lapsed::None | Lapsed::Some if !is_scarce => Duration::from_millis(1),
        Lapsed::None | Lapsed::Some | Lapsed::Kept => AFTER_FAILURE,
    };
    *next_look = Instant::now() + wait.max(least);
    Ok(())
}

/// What became of leases that ran out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lapsed {
    None,
    Some,
    /// Some were left with agents that are there.
    Kept,
}

async fn expire(app: &App) -> Result<Lapsed> {
    let now = app.store().now();
    let lapsed = {
        let mut conn = app.store().peek().await?;
        run::lapsed(&mut conn, now, EXPIRED_AT_ONCE).await?
    };
    let mut found = Lapsed::None;
    for id in lapsed {
        if app.agents().is_held(id) || app.store().quarantine().has_run(id) {
            // Its stream is open: it could not be renewed, and will be. Or it cannot be read.
            found = Lapsed::Kept;
            continue;
        }
        if found == Lapsed::None {
            found = Lapsed::Some;
        }
        orch_failpoint::pass("server.lease.expire");
        let expired = app
            .store()
            .submit("scheduler", Command::ExpireLease { run: id })
            .await;
        let reply = match expired {
            Ok(reply) => reply,
            Err(error) if set_aside(app, id, &error).await? => {
                found = Lapsed::Kept;
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        if let Reply::Expiry(Expiry::Released | Expiry::Lost) = reply {
            tracing::warn!(run.id = id.get(), "a lease ran out");
            app.agents().revoke(id, "its lease ran out");
        }
    }
    Ok(found)
}

/// Fills free slots once, until nothing is left that could run; answers how many runs were handed
/// out where more may be.
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
        let left_free = runs.len() < free.slots;
        hand_over(app, &free, runs).await?;
        orch_failpoint::pass("server.dispatch.sent");
        if left_free {
            return Ok(0);
        }
    }
    Ok(handed_out)
}

/// Sets a run aside where it failed because it cannot be read.
async fn set_aside(app: &App, id: RunId, error: &StoreError) -> Result<bool> {
    if !error.is_unreadable() {
        return Ok(false);
    }
    let store = app.store();
    let mut conn = store.read().await?;
    let quarantine = store.quarantine();
    Ok(quarantine.examine_run(&mut conn, store.rules(), id).await?)
}

async fn hand_over(app: &App, free: &Free, runs: Vec<orch_core::run::Run>) -> Result<()> {
    for (run, assignment) in assign::assignments(app, runs, free.answers).await? {
        let sent = match assignment {
            Some(assignment) => {
                let kind = Some(server_message::Kind::Assignment(assignment));
                free.outbox.send(ServerMessage { kind }).await.is_ok()
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
