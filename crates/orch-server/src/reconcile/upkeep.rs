//! Forgets what is kept for a time only.

use std::time::Duration;

use orch_core::time::Timestamp;
use orch_store::idempotency;
use tokio_util::sync::CancellationToken;

use crate::app::{App, Result};

const PERIOD: Duration = Duration::from_secs(3600);
/// Answers are kept by idempotency key for a day.
const KEPT_US: i64 = 24 * 3600 * 1_000_000;

pub async fn run(app: App, shutdown: CancellationToken) {
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(PERIOD) => {}
        }
        if let Err(error) = forget(&app).await {
            tracing::error!(error = &error as &dyn std::error::Error, "upkeep failed");
        }
    }
}

async fn forget(app: &App) -> Result<()> {
    let mut tx = app.store().begin("system").await?;
    let then = Timestamp::from_micros(tx.now().as_micros() - KEPT_US);
    idempotency::forget_before(&mut tx.conn, then).await?;
    tx.commit().await?;
    Ok(())
}
