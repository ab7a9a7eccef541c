//! Ends requests that nobody works on any more: their server died.

use std::time::Duration;

use orch_core::time::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::app::{App, orchestrate};

const PERIOD: Duration = Duration::from_secs(60);

pub async fn run(app: App, left: Timestamp, shutdown: CancellationToken) {
    let mut before = left;
    loop {
        if let Err(error) = orchestrate::end_left(&app, before).await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "requests that were left are not ended"
            );
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(PERIOD) => {}
        }
        before = app.store().now();
    }
}
