//! Background reconcilers: idempotent, without input, run on a wake-up and on a timer alike.

mod artifacts;
mod assign;
mod dispatch;
mod hand_over;
mod heads;
mod health;
mod holds;
mod leases;
mod orchestrations;
mod retention;
mod started;
mod sweep;
mod upkeep;

pub(crate) use assign::assignment;
pub(crate) use heads::run as sign_heads;

use std::time::Duration;

use orch_core::time::Timestamp;
use orch_store::retention::Retention;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::app::{App, import};
use crate::config::SchedulingMode;

/// What is kept of runs that are over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kept {
    pub logs: Retention,
    /// For so long; for good where nothing is said.
    pub artifacts: Option<Duration>,
}

/// Starts every reconciler but the one that signs heads; each ends when `shutdown` is cancelled.
pub(crate) fn start(
    app: &App,
    mode: SchedulingMode,
    kept: Kept,
    tasks: &TaskTracker,
    shutdown: &CancellationToken,
) {
    let handed_out = hand_over::open(app);
    tasks.spawn(hand_over::run(app.clone(), handed_out, shutdown.clone()));
    tasks.spawn(dispatch::run(app.clone(), mode, shutdown.clone()));
    tasks.spawn(leases::run(app.clone(), shutdown.clone()));
    tasks.spawn(holds::run(app.clone(), shutdown.clone()));
    tasks.spawn(retention::run(app.clone(), kept.logs, shutdown.clone()));
    tasks.spawn(artifacts::run(
        app.clone(),
        kept.artifacts,
        shutdown.clone(),
    ));
    tasks.spawn(health::run(app.clone(), shutdown.clone()));
    tasks.spawn_blocking(import::remove_left);
    tasks.spawn(sweep::run(app.clone(), shutdown.clone()));
    // What a server has to itself, nobody else works on.
    let begun = match app.store().is_shared() {
        true => Timestamp::from_micros(0),
        false => app.store().now(),
    };
    tasks.spawn(orchestrations::run(app.clone(), begun, shutdown.clone()));
    tasks.spawn(upkeep::run(app.clone(), shutdown.clone()));
}
