//! Forgets what is kept for a time only.

use std::time::Duration;

use orch_core::time::Timestamp;
use orch_store::{idempotency, model_call, orchestration, role_memory};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::app::{App, Result};

const PERIOD: Duration = Duration::from_secs(3600);
/// Answers are kept by idempotency key for a day.
const KEPT_US: i64 = DAY_US;
const DAY_US: i64 = 24 * 3600 * 1_000_000;

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
    let days = app.team().memory.days;
    let then = Timestamp::from_micros(tx.now().as_micros() - i64::from(days) * DAY_US);
    role_memory::forget_before(&mut tx.conn, then).await?;
    tx.commit().await?;
    if let Some(keep) = app.team().keep {
        forget_requests(app, keep).await?;
    }
    Ok(())
}

/// Requests that are over go, and the texts of calls; what calls cost stays.
async fn forget_requests(app: &App, keep: Duration) -> Result<()> {
    let mut tx = app.store().begin("system").await?;
    let keep_us = i64::try_from(keep.as_micros()).unwrap_or(i64::MAX);
    let then = Timestamp::from_micros(tx.now().as_micros().saturating_sub(keep_us));
    let texts = model_call::forget_texts_before(&mut tx.conn, then).await?;
    let requests = orchestration::forget_before(&mut tx.conn, then).await?;
    if texts + requests > 0 {
        let data = json!({"requests": requests, "calls": texts, "before": then.to_string()});
        tx.record("orchestration.forgotten", None, data);
    }
    tx.commit().await?;
    Ok(())
}
