//! Submitting a version of a vision, with the files that come with it.

use orch_api::types::vision::NewVision;
use orch_core::ids::ProjectId;
use orch_store::vision::Vision;
use orch_store::{attachment, project, vision};
use serde_json::json;

use super::attachment::read_all;
use super::{App, AppError, Result};

/// The longest vision, in bytes.
const LONGEST_VISION: usize = 512 * 1024;

/// Stores a version of the vision, and what was read in its files.
pub async fn submit(app: &App, actor: &str, id: ProjectId, new: NewVision) -> Result<Vision> {
    app.check_room()?;
    let NewVision {
        content,
        attachments,
    } = new;
    if content.trim().is_empty() {
        return Err(AppError::invalid("content", "must not be empty"));
    }
    if content.len() > LONGEST_VISION {
        let message = format!("has {} bytes; at most {LONGEST_VISION} fit", content.len());
        return Err(AppError::invalid("content", message));
    }
    if content.contains('\0') {
        return Err(AppError::invalid(
            "content",
            "must not contain a NUL character",
        ));
    }
    super::project::show(app, id).await?;
    let day = super::import::today(app.store().now());
    let files = read_all(attachments, &day).await?;
    let mut tx = app.store().begin(actor).await?;
    if project::find(&mut tx.conn, id).await?.is_none() {
        return Err(AppError::not_found("project", id.get()));
    }
    let now = tx.now();
    let vision = vision::insert(&mut tx.conn, id, &content, now).await?;
    for file in &files {
        attachment::insert(&mut tx.conn, vision.id(), file, now).await?;
    }
    let named: Vec<_> = files
        .iter()
        .map(|file| json!({"name": file.name, "sha256": file.sha256}))
        .collect();
    let mut data = json!({"project_id": id, "vision_id": vision.id});
    if !named.is_empty() {
        data["attachments"] = json!(named);
    }
    tx.record("vision.submitted", Some(id), data);
    tx.commit().await?;
    Ok(vision)
}

/// The files of the newest vision.
pub async fn attachments(app: &App, id: ProjectId) -> Result<Vec<attachment::Attachment>> {
    let vision = super::project::latest_vision(app, id).await?;
    let mut conn = app.store().read().await?;
    Ok(attachment::of_vision(&mut conn, vision.id()).await?)
}
