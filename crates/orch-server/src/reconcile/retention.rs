//! Removes logs that are too old or too much, on one server at a time.

use std::time::Duration;

use orch_store::retention::{self, Retention};
use orch_store::shared;
use tokio_util::sync::CancellationToken;

use crate::app::{App, Result};

const PERIOD: Duration = Duration::from_secs(600);

pub async fn run(app: App, retention: Retention, shutdown: CancellationToken) {
    if retention.is_off() {
        return;
    }
    loop {
        let passing = pass(&app, retention);
        let passed = tokio::select! {
            () = shutdown.cancelled() => return,
            passed = passing => passed,
        };
        if let Err(error) = passed {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "removing old logs failed"
            );
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(PERIOD) => {}
        }
    }
}

async fn pass(app: &App, retention: Retention) -> Result<()> {
    let Some(_alone) = shared::exclusive(app.store(), "log-retention").await? else {
        return Ok(());
    };
    let removed = retention::apply(app.store(), retention).await?;
    if removed != retention::Removed::default() {
        tracing::info!(
            log.runs = removed.runs,
            log.lines = removed.lines,
            log.bytes = removed.bytes,
            log.segments = removed.segments,
            "logs were removed by retention"
        );
    }
    Ok(())
}
