//! Stopping requests: one that somebody cancels, and those that nobody works on any more.

use orch_api::types::orchestrate::{Orchestration, OrchestrationError};
use orch_core::time::Timestamp;
use orch_store::orchestration::{self as store, Left};
use serde_json::json;
use tokio::sync::broadcast::error::RecvError;
use uuid::Uuid;

use super::super::{App, AppError, Result};
use super::history;
use super::watch::Event;

/// A request that is told to stop is over within this, unless the store hangs.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(10);

/// Cancels a request and tells how it stands then.
///
/// # Errors
/// When there is none, it is over, or another server works on it.
pub async fn cancel(app: &App, actor: &str, id: Uuid) -> Result<Orchestration> {
    let Some(watch) = app.team().watch(id) else {
        let found = history::show(app, id).await?;
        return Err(match found.status.as_str() {
            "running" => AppError::conflict(
                "worked_on_elsewhere",
                format!(
                    "another server works on request {id}; cancel it there, or wait for its deadline"
                ),
            ),
            status => {
                AppError::conflict("request_over", format!("request {id} is already {status}"))
            }
        });
    };
    let mut tx = app.store().begin(actor).await?;
    tx.record(
        "orchestration.cancelled",
        None,
        json!({"request_id": id.to_string()}),
    );
    tx.commit().await?;
    let mut events = watch.events();
    watch.stop.cancel();
    let ended = async {
        loop {
            match events.recv().await {
                Ok(Event::End(over)) => return Some(*over),
                Ok(_) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    };
    drop(watch);
    match tokio::time::timeout(PATIENCE, ended).await {
        Ok(Some(over)) => Ok(over),
        Ok(None) | Err(_) => history::show(app, id).await,
    }
}

/// Ends what was due by now and is not over, and what began before `begun`: its server died.
pub(crate) async fn end_left(app: &App, begun: Timestamp) -> Result<()> {
    let error = OrchestrationError {
        agent: None,
        reason: "the server that worked on it ended".to_owned(),
        retry_after_seconds: None,
    };
    let error = serde_json::to_string(&error).expect("invariant: errors serialise");
    let left = Left {
        due: app.store().now(),
        begun,
    };
    let mut conn = app.store().read().await?;
    let count = store::count_left(&mut conn, left).await?;
    drop(conn);
    if count == 0 {
        return Ok(());
    }
    let mut tx = app.store().begin("system").await?;
    let now = tx.now();
    let ended = store::end_left(&mut tx.conn, left, &error, now).await?;
    tx.record("orchestration.left", None, json!({"requests": ended}));
    tx.commit().await?;
    Ok(())
}
