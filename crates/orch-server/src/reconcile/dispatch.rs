//! What no commit does by itself: fills the slots of agents that come, expires lapsed leases, starts
//! what falls due.

use std::time::Duration;

use orch_core::ids::RunId;
use orch_core::run::Expiry;
use orch_store::{Command, Left, Reply, StoreError, queue, run};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

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
        let woken = tokio::select! {
            () = shutdown.cancelled() => return,
            () = app.store().signals().schedulable() => Woken::Work,
            () = app.store().signals().timers_changed() => Woken::Timers,
            () = tokio::time::sleep_until(next_look) => Woken::Clock,
        };
        if let Err(error) = pass(&app, mode, woken, &mut next_look).await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "dispatching failed"
            );
            next_look = Instant::now() + AFTER_FAILURE;
        }
    }
}

/// What a pass is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Woken {
    /// Something is ready, or somebody free, that was not when slots were filled last.
    Work,
    /// Slots are filled; entries or leases may have come that fall due earlier than any before.
    Timers,
    Clock,
}

/// One pass: fills what is free, and looks at the clock's work where that is due. A wake-up brings
/// the next look near, so that a stream of them costs few looks.
async fn pass(
    app: &App,
    mode: SchedulingMode,
    woken: Woken,
    next_look: &mut Instant,
) -> Result<()> {
    if woken != Woken::Timers {
        fill(app).await?;
    }
    let now = Instant::now();
    if now < *next_look {
        *next_look = (*next_look).min(now + LOOK_SOON);
        return Ok(());
    }
    let lapsed = expire(app).await?;
    // What runs may use the rest of a disk; nothing new is started on it.
    let is_scarce = app.health().disk().is_scarce();
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

/// Fills all free slots with what is ready.
async fn fill(app: &App) -> Result<()> {
    while let Reply::Filled(Left::PerhapsMore) =
        app.store().submit("scheduler", Command::Fill).await?
    {}
    Ok(())
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
