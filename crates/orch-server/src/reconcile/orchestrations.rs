//! Ends requests that nobody works on any more, and lets go of what was set aside for calls: their server died.

use std::time::Duration;

use orch_core::time::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::app::{App, budget, orchestrate};

const PERIOD: Duration = Duration::from_secs(60);

/// `begun`: what began earlier, nobody works on.
pub async fn run(app: App, begun: Timestamp, shutdown: CancellationToken) {
    loop {
        if let Err(error) = orchestrate::end_left(&app, begun).await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "requests that were left are not ended"
            );
        }
        if let Err(error) = budget::let_go_expired(&app, begun).await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "money that was set aside and expired is not let go"
            );
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(PERIOD) => {}
        }
    }
}
