//! Tells agents of this server when another server ended what they hold: cancelled, completed by
//! hand, taken over.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use orch_core::ids::RunId;
use orch_store::{Database, Heard, run};
use tokio_util::sync::CancellationToken;

use crate::app::{App, Result};

/// Looks at everything that is held, should news have been missed.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

pub async fn run(app: App, shutdown: CancellationToken) {
    if let Database::Sqlite { .. } = app.store().database() {
        return;
    }
    loop {
        let heard = tokio::select! {
            () = shutdown.cancelled() => return,
            heard = app.store().signals().heard_from_elsewhere() => heard,
            () = tokio::time::sleep(LOOK_AGAIN) => Heard::AnyRun,
        };
        if let Err(error) = pass(&app, &heard).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "what agents hold was not compared"
            );
        }
    }
}

async fn pass(app: &App, heard: &Heard) -> Result<()> {
    let held: BTreeMap<RunId, u64> = app
        .agents()
        .held()
        .into_iter()
        .filter(|(id, _)| match heard {
            Heard::AnyRun => true,
            Heard::Runs(runs) => runs.contains(id),
        })
        .collect();
    if held.is_empty() {
        return Ok(());
    }
    let ids: BTreeSet<RunId> = held.keys().copied().collect();
    let mut conn = app.store().read().await?;
    let found = run::find_all(&mut conn, &ids).await?;
    for run in app.store().named(found).rows {
        let ours = held.get(&run.id).copied();
        if run.lease().is_none() || ours != Some(run.epoch) {
            let reason = format!("it is {} now", run.status());
            app.agents().revoke_epoch(run.id, ours, &reason);
        }
    }
    Ok(())
}
