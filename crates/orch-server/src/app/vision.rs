//! Submitting a version of a vision, with the files that come with it.

use orch_api::types::vision::{FirstVision, NewVision};
use orch_core::ids::ProjectId;
use orch_store::project as stored;
use orch_store::vision::Vision;
use orch_store::{Tx, attachment, vision};
use serde_json::json;

use super::attachment::read_all;
use super::{App, AppError, Result, checks, project};

/// The longest vision, in bytes.
const LONGEST_VISION: usize = 512 * 1024;

/// The most bytes that the name of a project takes from its vision.
const LONGEST_NAME: usize = 80;

/// A vision that may be stored.
struct Read {
    content: String,
    files: Vec<attachment::NewAttachment>,
}

/// Stores a version of the vision, and what was read in its files.
pub async fn submit(app: &App, actor: &str, id: ProjectId, new: NewVision) -> Result<Vision> {
    app.check_room()?;
    check(&new.content)?;
    project::show(app, id).await?;
    let read = read(app, new).await?;
    let mut tx = app.store().begin(actor).await?;
    if stored::find(&mut tx.conn, id).await?.is_none() {
        return Err(AppError::not_found("project", id.get()));
    }
    let vision = store(&mut tx, id, &read).await?;
    tx.commit().await?;
    Ok(vision)
}

/// Creates a project for a vision; a vision that is refused leaves none behind.
pub async fn submit_first(app: &App, actor: &str, new: FirstVision) -> Result<Vision> {
    app.check_room()?;
    let FirstVision {
        name,
        content,
        attachments,
    } = new;
    check(&content)?;
    let name = match name {
        Some(name) => checks::text("name", &name, project::LONGEST_NAME)?,
        None => named(&content),
    };
    let new = NewVision {
        content,
        attachments,
    };
    let read = read(app, new).await?;
    let mut tx = app.store().begin(actor).await?;
    let project = project::insert(&mut tx, name.trim(), "").await?;
    project::record_created(&mut tx, &project);
    let vision = store(&mut tx, project.id, &read).await?;
    tx.commit().await?;
    Ok(vision)
}

fn check(content: &str) -> Result<()> {
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
    Ok(())
}

async fn read(app: &App, new: NewVision) -> Result<Read> {
    let day = super::import::today(app.store().now());
    Ok(Read {
        content: new.content,
        files: read_all(new.attachments, &day).await?,
    })
}

async fn store(tx: &mut Tx, id: ProjectId, read: &Read) -> Result<Vision> {
    let now = tx.now();
    let vision = vision::insert(&mut tx.conn, id, &read.content, now).await?;
    for file in &read.files {
        attachment::insert(&mut tx.conn, vision.id(), file, now).await?;
    }
    let named = read.files.iter();
    let named: Vec<_> = named
        .map(|file| json!({"name": file.name, "sha256": file.sha256}))
        .collect();
    let mut data = json!({"project_id": id, "vision_id": vision.id});
    if !named.is_empty() {
        data["attachments"] = json!(named);
    }
    tx.record("vision.submitted", Some(id), data);
    Ok(vision)
}

/// A project's name from its vision: the first line that says something.
fn named(content: &str) -> String {
    let said = content
        .lines()
        .map(|line| {
            line.trim_matches(|c: char| c.is_whitespace() || matches!(c, '#' | '*' | '=' | '-'))
        })
        .find(|line| !line.is_empty());
    let line = said.unwrap_or("Vision");
    let end = line.floor_char_boundary(LONGEST_NAME);
    line[..end].trim_end().to_owned()
}

/// The files of the newest vision.
pub async fn attachments(app: &App, id: ProjectId) -> Result<Vec<attachment::Attachment>> {
    let vision = project::latest_vision(app, id).await?;
    let mut conn = app.store().read().await?;
    Ok(attachment::of_vision(&mut conn, vision.id()).await?)
}
