//! What runs produced.

use std::path::{Path, PathBuf};

use orch_core::engine::Refusal;
use orch_core::ids::{ArtifactId, RunId};
use orch_core::recipe::{check_kept_name, check_kind};
use orch_core::report::{MAX_REPORT_BYTES, Report};
use orch_store::artifact::{self, Artifact, Omitted};
use orch_store::blob::{BlobError, Content};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::{App, AppError, Result, checks, run};

/// The largest artifact that comes in one request, in bytes: 16 MiB.
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

/// What is said of an artifact.
#[derive(Clone, Debug)]
pub struct Facts {
    pub name: String,
    pub media_type: Option<String>,
    pub kind: Option<String>,
    /// From 1.
    pub step: Option<u32>,
    pub epoch: Option<u64>,
}

/// Stores an artifact of a run.
pub async fn store(app: &App, actor: &str, run_id: RunId, new: New) -> Result<Artifact> {
    let facts = Facts {
        name: new.name,
        media_type: new.media_type,
        kind: new.kind,
        step: None,
        epoch: new.epoch,
    };
    check(&facts)?;
    if new.content.len() > LARGEST {
        return Err(AppError::TooLarge(format!(
            "`content_base64` holds {} bytes; at most {LARGEST} (16 MiB) fit",
            new.content.len()
        )));
    }
    run::show(app, run_id)
        .await?
        .check_keeper(new.epoch, app.store().now())
        .map_err(Refusal::from)?;
    let sha256 = hex::encode(Sha256::digest(&new.content));
    let size_bytes = new.content.len() as u64;
    // A name of its own: the same bytes may come twice at once.
    let name = format!("{run_id}-{}-{sha256}", app.store().now().as_micros());
    let uploads = app.blobs().uploads();
    let taken = uploads.take(&name, 0, new.content).await;
    taken.map_err(AppError::blob)?;
    let (path, sha256, _) = uploads.whole(&name).await.map_err(AppError::blob)?;
    let kept = keep(app, actor, run_id, facts, path, sha256, size_bytes).await;
    uploads.drop(&name).await;
    kept
}

struct Checked {
    name: String,
    media_type: String,
    kind: String,
}

fn check(facts: &Facts) -> Result<Checked> {
    let name = checks::text("name", &facts.name, 255)?;
    check_kept_name(&name).map_err(|why| AppError::invalid("name", why))?;
    let media_type = checks::optional_text("media_type", facts.media_type.as_deref(), 127)?
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
    let kind = checks::optional_text("kind", facts.kind.as_deref(), 64)?
        .unwrap_or_else(|| "file".to_owned());
    check_kind(&kind).map_err(|why| AppError::invalid("kind", why))?;
    Ok(Checked {
        name,
        media_type,
        kind,
    })
}

/// Keeps a file, whose digest is known, as an artifact. The same bytes under the same name are one.
pub(super) async fn keep(
    app: &App,
    actor: &str,
    run_id: RunId,
    facts: Facts,
    file: PathBuf,
    sha256: String,
    size_bytes: u64,
) -> Result<Artifact> {
    let Checked {
        name,
        media_type,
        kind,
    } = check(&facts)?;
    let report = recognise(&file, size_bytes).await;
    app.blobs()
        .keep(&sha256, file)
        .await
        .map_err(AppError::blob)?;
    orch_failpoint::pass("server.artifact.stored");
    let mut tx = app.store().begin(actor).await?;
    let run = orch_store::run::find(&mut tx.conn, run_id)
        .await?
        .ok_or_else(|| AppError::not_found("run", run_id.get()))?;
    let now = tx.now();
    run.check_keeper(facts.epoch, now).map_err(Refusal::from)?;
    if let Some(same) = artifact::same(&mut tx.conn, run_id, &name, &sha256).await? {
        return Ok(same);
    }
    let row = Artifact {
        id: 0,
        run_id: run_id.get(),
        name,
        media_type,
        kind,
        size_bytes: i64::try_from(size_bytes).unwrap_or(i64::MAX),
        sha256,
        created_at: now.as_micros(),
        step: facts.step.map(i64::from),
        // It is made of texts and numbers: it has a form as JSON.
        report: report
            .as_ref()
            .and_then(|report| serde_json::to_string(report).ok()),
    };
    let stored = artifact::insert(&mut tx.conn, &row).await?;
    // Content without a reference is removed in a turn of the writer, too.
    if !app.blobs().has(&row.sha256).await.map_err(AppError::blob)? {
        return Err(AppError::conflict(
            "upload_gap",
            "the content was removed; begin at 0",
        ));
    }
    let data = json!({"run_id": run_id, "artifact_id": stored.id, "name": stored.name, "sha256": stored.sha256, "size_bytes": size_bytes});
    tx.record("artifact.stored", Some(run.project_id), data);
    tx.touch_run(run_id);
    tx.commit().await?;
    if let Some(report) = &report {
        app.report_counts().count(report);
    }
    Ok(stored)
}

/// What a file says, where it is a report. One that cannot be read any more is none.
async fn recognise(file: &Path, size_bytes: u64) -> Option<Report> {
    if size_bytes > MAX_REPORT_BYTES as u64 {
        return None;
    }
    let file = file.to_owned();
    let reading = tokio::task::spawn_blocking(move || {
        let bytes = std::fs::read(file).ok()?;
        orch_core::report::recognise(&bytes)
    });
    // A reader that fails inside must not cost the artifact.
    reading.await.ok().flatten()
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

/// What was not kept of a run's declared files.
pub async fn omitted_of_run(app: &App, run_id: RunId) -> Result<Vec<Omitted>> {
    let mut conn = app.store().read().await?;
    let found = artifact::omitted(&mut conn, run_id).await?;
    Ok(app.store().named(found).rows)
}

/// One artifact.
pub async fn show(app: &App, id: ArtifactId) -> Result<Artifact> {
    let mut conn = app.store().read().await?;
    artifact::find(&mut conn, id)
        .await?
        .ok_or_else(|| AppError::not_found("artifact", id.get()))
}

/// An artifact with its bytes, which were checked.
pub async fn open(app: &App, id: ArtifactId) -> Result<(Artifact, Content)> {
    let found = show(app, id).await?;
    let content = app.blobs().open(&found.sha256).await;
    Ok((found, content.map_err(AppError::blob)?))
}

impl AppError {
    /// What is damaged or gone is told; all else is our fault.
    pub(crate) fn blob(error: BlobError) -> Self {
        match error {
            BlobError::Missing { .. } | BlobError::Damaged { .. } => {
                tracing::error!(%error, "an artifact cannot be handed out");
                Self::conflict("artifact_damaged", error.to_string())
            }
            BlobError::Away { .. } | BlobError::Taken { .. } => {
                tracing::warn!(%error, "the place of artifacts cannot be used");
                Self::Unavailable(error.to_string())
            }
            BlobError::Name(_) | BlobError::Io { .. } | BlobError::Store(_) => {
                Self::Store(error.into())
            }
        }
    }
}
