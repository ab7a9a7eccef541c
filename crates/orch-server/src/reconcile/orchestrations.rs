//! Ends requests that nobody works on any more: their server died.

use std::time::Duration;

use orch_core::time::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::app::{App, orchestrate};

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
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(PERIOD) => {}
        }
    }
}
