//! Looks after the server's health: the disk's space every second, everything else now and then, so
//! that a fault is logged, and has its beginning, though nobody asks.

use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::app::App;

const SPACE: Duration = Duration::from_secs(1);
const EVERYTHING: Duration = Duration::from_secs(15);

pub async fn run(app: App, shutdown: CancellationToken) {
    let mut next = Instant::now();
    loop {
        let was_scarce = app.health().disk().is_scarce();
        app.health().disk().space();
        if was_scarce && !app.health().disk().is_scarce() {
            // What was not started for lack of space.
            app.store().signals().wake_scheduler();
        }
        if let Err(error) = app.store().look_at_suspects().await {
            tracing::debug!(
                error = &error as &dyn std::error::Error,
                "rows that somebody could not read were not looked at"
            );
        }
        if Instant::now() >= next {
            if let Err(error) = app.store().recheck_quarantine().await {
                tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    "rows that could not be read were not looked at"
                );
            }
            app.health().faults(&app).await;
            next = Instant::now() + EVERYTHING;
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(SPACE) => {}
        }
    }
}
