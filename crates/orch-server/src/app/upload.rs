//! Artifacts that come in pieces, from agents.
//!
//! A piece is taken only under the run's live epoch. What is whole is hashed here again; what differs
//! from what the agent sent is refused, and never kept.

use orch_core::engine::Refusal;
use orch_core::ids::RunId;
use orch_store::artifact::{self as rows, Omitted};
use orch_store::blob::Received;
use serde_json::json;

use super::artifact::{self, Facts};
use super::{App, AppError, Result, checks, run};

/// The largest piece, in bytes.
const LARGEST_PIECE: usize = 1024 * 1024;
/// The largest artifact that comes in pieces, in bytes: 8 GiB.
pub const LARGEST: u64 = 8 * 1024 * 1024 * 1024;
/// The most that a run keeps.
const MOST_BYTES: u64 = 64 * 1024 * 1024 * 1024;
const MOST: u64 = 10_000;

/// A piece of an artifact.
#[derive(Debug)]
pub struct Piece {
    pub epoch: u64,
    pub upload: u32,
    pub offset: u64,
    pub bytes: Vec<u8>,
    /// With the last piece.
    pub end: Option<End>,
}

/// What is known of an artifact once all of it was sent.
#[derive(Debug)]
pub struct End {
    pub name: String,
    pub media_type: Option<String>,
    pub kind: Option<String>,
    pub sha256: String,
    pub size_bytes: u64,
    pub step: Option<u32>,
}

/// Takes a piece; with the last one, keeps the artifact.
pub async fn take(app: &App, actor: &str, run_id: RunId, piece: Piece) -> Result<()> {
    let held = run::show(app, run_id).await?;
    held.check_logger(Some(piece.epoch), app.store().now())
        .map_err(Refusal::from)?;
    let size = piece.bytes.len();
    if size > LARGEST_PIECE {
        return Err(AppError::TooLarge(format!(
            "the piece holds {size} bytes; at most {LARGEST_PIECE} fit"
        )));
    }
    if piece.offset.saturating_add(size as u64) > LARGEST {
        return Err(AppError::TooLarge(format!(
            "the artifact is larger than {LARGEST} bytes"
        )));
    }
    app.check_room()?;
    let name = format!("{run_id}-{}-{}", piece.epoch, piece.upload);
    let uploads = app.blobs().uploads();
    let taken = uploads.take(&name, piece.offset, piece.bytes).await;
    if let Received::Gap { has } = taken.map_err(AppError::blob)? {
        return Err(AppError::conflict(
            "upload_gap",
            format!("{} bytes are there; begin at 0", has),
        ));
    }
    let Some(end) = piece.end else {
        return Ok(());
    };
    let kept = finish(app, actor, run_id, piece.epoch, &name, end).await;
    if kept.is_err() {
        uploads.drop(&name).await;
    }
    kept
}

async fn finish(
    app: &App,
    actor: &str,
    run_id: RunId,
    epoch: u64,
    name: &str,
    end: End,
) -> Result<()> {
    let whole = app.blobs().uploads().whole(name).await;
    let (path, sha256, size_bytes) = whole.map_err(AppError::blob)?;
    if (size_bytes, &sha256) != (end.size_bytes, &end.sha256) {
        return Err(AppError::conflict(
            "upload_gap",
            format!("{size_bytes} bytes came that hash to {sha256}; begin at 0"),
        ));
    }
    let (count, bytes) = rows::sums(&mut app.store().read().await?, run_id).await?;
    let bytes = u64::try_from(bytes).unwrap_or_default();
    if u64::try_from(count).unwrap_or_default() >= MOST || bytes + size_bytes > MOST_BYTES {
        return Err(AppError::TooLarge(format!(
            "the run has {count} artifacts of {bytes} bytes; at most {MOST} of {MOST_BYTES} are kept"
        )));
    }
    let facts = Facts {
        name: end.name,
        media_type: end.media_type,
        kind: end.kind,
        step: end.step,
        epoch: Some(epoch),
    };
    artifact::keep(app, actor, run_id, facts, path, sha256, size_bytes)
        .await
        .map(drop)
}

/// Notes a declared file that was not kept.
pub async fn omit(
    app: &App,
    actor: &str,
    run_id: RunId,
    epoch: u64,
    path: &str,
    reason: &str,
    step: Option<u32>,
) -> Result<()> {
    let path = checks::text("path", path, 1024)?;
    let reason = checks::text("reason", reason, 1000)?;
    let mut tx = app.store().begin(actor).await?;
    let run = orch_store::run::find(&mut tx.conn, run_id)
        .await?
        .ok_or_else(|| AppError::not_found("run", run_id.get()))?;
    let now = tx.now();
    run.check_logger(Some(epoch), now).map_err(Refusal::from)?;
    let omitted = Omitted {
        id: 0,
        run_id: run_id.get(),
        path,
        reason,
        step: step.map(i64::from),
        created_at: now.as_micros(),
    };
    let omitted = rows::omit(&mut tx.conn, &omitted).await?;
    let data = json!({"run_id": run_id, "path": omitted.path, "reason": omitted.reason});
    tx.record("artifact.omitted", Some(run.project_id), data);
    tx.touch_run(run_id);
    tx.commit().await?;
    Ok(())
}
