//! What runs produced.

use orch_core::engine::Refusal;
use orch_core::ids::{ArtifactId, RunId};
use orch_store::artifact::{self, Artifact};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::{App, AppError, Result, checks, run};

/// The largest artifact, in bytes: 16 MiB.
pub const LARGEST: usize = 16 * 1024 * 1024;

/// An artifact to be.
#[derive(Clone, Debug)]
pub struct New {
    pub name: String,
    pub media_type: Option<String>,
    pub kind: Option<String>,
    pub content: Vec<u8>,
    pub epoch: Option<u64>,
}

/// Stores an artifact of a run.
pub async fn store(app: &App, actor: &str, run_id: RunId, new: New) -> Result<Artifact> {
    let name = checks::text("name", &new.name, 255)?;
    let media_type = checks::optional_text("media_type", new.media_type.as_deref(), 127)?
        .unwrap_or_else(|| "application/octet-stream".to_owned());
    if !media_type.is_ascii()
        || media_type
            .chars()
            .any(|c| c.is_control() || c == ' ' && !media_type.contains(';'))
    {
        return Err(AppError::invalid(
            "media_type",
            "must be a media type such as text/plain",
        ));
    }
    let kind = checks::optional_text("kind", new.kind.as_deref(), 64)?
        .unwrap_or_else(|| "file".to_owned());
    if new.content.len() > LARGEST {
        return Err(AppError::TooLarge(format!(
            "`content_base64` holds {} bytes; at most {LARGEST} (16 MiB) fit",
            new.content.len()
        )));
    }
    run::show(app, run_id)
        .await?
        .check_logger(new.epoch, app.store().now())
        .map_err(Refusal::from)?;
    let sha256 = hex::encode(Sha256::digest(&new.content));
    let size_bytes = i64::try_from(new.content.len()).unwrap_or(i64::MAX);
    app.blobs()
        .write(&sha256, new.content, app.store().now())
        .await?;
    orch_failpoint::pass("server.artifact.stored");
    let mut tx = app.store().begin(actor).await?;
    let run = orch_store::run::find(&mut tx.conn, run_id)
        .await?
        .ok_or_else(|| AppError::not_found("run", run_id.get()))?;
    let now = tx.now();
    run.check_logger(new.epoch, now).map_err(Refusal::from)?;
    let row = Artifact {
        id: 0,
        run_id: run_id.get(),
        name,
        media_type,
        kind,
        size_bytes,
        sha256,
        created_at: now.as_micros(),
    };
    let stored = artifact::insert(&mut tx.conn, &row).await?;
    let data = json!({"run_id": run_id, "artifact_id": stored.id, "name": stored.name, "sha256": stored.sha256, "size_bytes": size_bytes});
    tx.record("artifact.stored", Some(run.project_id), data);
    tx.touch_run(run_id);
    tx.commit().await?;
    Ok(stored)
}

/// The artifacts of a run, oldest first.
pub async fn of_run(app: &App, run_id: RunId) -> Result<Vec<Artifact>> {
    run::show(app, run_id).await?;
    let mut conn = app.store().read().await?;
    Ok(app
        .store()
        .named(artifact::of_run(&mut conn, run_id).await?)
        .rows)
}

/// An artifact with its bytes.
pub async fn open(app: &App, id: ArtifactId) -> Result<(Artifact, artifact::Bytes)> {
    let found = {
        let mut conn = app.store().read().await?;
        artifact::find(&mut conn, id)
            .await?
            .ok_or_else(|| AppError::not_found("artifact", id.get()))?
    };
    let bytes = app.blobs().open(&found.sha256).await?;
    Ok((found, bytes))
}
