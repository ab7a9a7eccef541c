//! Removes artifacts of runs that ended long ago, and content that nothing refers to any more.
//!
//! Content goes only where it was without a reference ten minutes before as well, and under the
//! writer's turn, in which whoever keeps an artifact looks that its content is there.

use std::collections::HashSet;
use std::time::Duration;

use orch_core::time::Timestamp;
use orch_store::{artifact, shared};
use tokio_util::sync::CancellationToken;

use crate::app::{App, AppError, Result};

const PERIOD: Duration = Duration::from_secs(600);
/// Artifacts that go in one transaction.
const AT_ONCE: i64 = 500;

pub async fn run(app: App, kept: Option<Duration>, shutdown: CancellationToken) {
    let mut idle = HashSet::new();
    loop {
        let passed = tokio::select! {
            () = shutdown.cancelled() => return,
            passed = pass(&app, kept, &mut idle) => passed,
        };
        if let Err(error) = passed {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "removing old artifacts failed"
            );
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(PERIOD) => {}
        }
    }
}

async fn pass(app: &App, kept: Option<Duration>, idle: &mut HashSet<String>) -> Result<()> {
    app.blobs()
        .uploads()
        .sweep()
        .await
        .map_err(AppError::blob)?;
    let Some(_alone) = shared::exclusive(app.store(), "artifact-retention").await? else {
        return Ok(());
    };
    if let Some(kept) = kept {
        while forget(app, kept).await? == AT_ONCE {}
    }
    let content = app.blobs().list().await.map_err(AppError::blob)?;
    let mut found = HashSet::new();
    for sha256 in content {
        let is_idle = {
            let mut conn = app.store().read().await?;
            !artifact::is_referred_to(&mut conn, &sha256).await?
        };
        if !is_idle {
            continue;
        }
        if !idle.contains(&sha256) {
            found.insert(sha256);
            continue;
        }
        let mut tx = app.store().begin("system").await?;
        if !artifact::is_referred_to(&mut tx.conn, &sha256).await? {
            app.blobs().remove(&sha256).await.map_err(AppError::blob)?;
            tracing::info!(
                artifact.sha256 = sha256,
                "content without a reference was removed"
            );
        }
    }
    *idle = found;
    Ok(())
}

async fn forget(app: &App, kept: Duration) -> Result<i64> {
    let mut tx = app.store().begin("system").await?;
    let age = i64::try_from(kept.as_micros()).unwrap_or(i64::MAX);
    let before = Timestamp::from_micros(tx.now().as_micros().saturating_sub(age));
    let removed = artifact::forget_before(&mut tx.conn, before, AT_ONCE).await?;
    if removed.is_empty() {
        return Ok(0);
    }
    let count = i64::try_from(removed.len()).unwrap_or(i64::MAX);
    let data =
        serde_json::json!({"artifacts": removed, "of_runs_ended_before": before.to_string()});
    tx.record("artifact.removed", None, data);
    tx.commit().await?;
    Ok(count)
}

#[cfg(test)]
mod tests {
    use orch_store::blob::Received;

    use super::*;
    use crate::app::testing::World;

    #[tokio::test]
    async fn content_goes_only_when_nothing_referred_to_it_twice() {
        let world = World::open().await;
        let (app, mut idle) = (&world.app, HashSet::new());
        let uploads = app.blobs().uploads();
        let taken = uploads.take("1", 0, b"unused".to_vec()).await.unwrap();
        assert_eq!(taken, Received::UpTo(6));
        let (path, sha256, _) = uploads.whole("1").await.unwrap();
        app.blobs().keep(&sha256, path).await.unwrap();
        pass(app, None, &mut idle).await.unwrap();
        assert!(app.blobs().open(&sha256).await.is_ok());
        pass(app, None, &mut idle).await.unwrap();
        assert!(app.blobs().open(&sha256).await.is_err());
    }
}
