//! Projects, their visions and their quotas.

use orch_core::ids::ProjectId;
use orch_core::project::Project;
use orch_store::vision::Vision;
use orch_store::{Page, project, vision};
use serde_json::json;

use super::{App, AppError, Result, checks};

/// The largest quota; more is as good as none.
const MOST_RUNS_PER_DAY: u32 = 1_000_000;
/// The longest vision, in bytes.
const LONGEST_VISION: usize = 512 * 1024;

/// Creates a project.
pub async fn create(app: &App, actor: &str, name: &str, description: &str) -> Result<Project> {
    let name = checks::text("name", name, 200)?;
    if description.len() > LONGEST_VISION {
        return Err(AppError::invalid(
            "description",
            format!("is over {LONGEST_VISION} bytes long"),
        ));
    }
    let mut tx = app.store().begin(actor).await?;
    let now = tx.now();
    let project = project::insert(&mut tx.conn, name.trim(), description, now).await?;
    tx.record(
        "project.created",
        Some(project.id),
        json!({"project_id": project.id, "name": project.name}),
    );
    tx.commit().await?;
    Ok(project)
}

/// One project.
pub async fn show(app: &App, id: ProjectId) -> Result<Project> {
    let mut conn = app.store().read().await?;
    project::find(&mut conn, id)
        .await?
        .ok_or_else(|| AppError::not_found("project", id.get()))
}

/// Projects.
pub async fn list(app: &App, page: Page) -> Result<Vec<Project>> {
    let mut conn = app.store().read().await?;
    Ok(project::list(&mut conn, page).await?)
}

/// Changes name and description.
pub async fn update(
    app: &App,
    actor: &str,
    id: ProjectId,
    name: Option<&str>,
    description: Option<&str>,
) -> Result<Project> {
    let mut tx = app.store().begin(actor).await?;
    let mut project = project::find(&mut tx.conn, id)
        .await?
        .ok_or_else(|| AppError::not_found("project", id.get()))?;
    if let Some(name) = name {
        project.name = checks::text("name", name, 200)?.trim().to_owned();
    }
    if let Some(description) = description {
        project.description = description.to_owned();
    }
    project::update(&mut tx.conn, &project).await?;
    tx.record(
        "project.changed",
        Some(id),
        json!({"project_id": id, "name": project.name}),
    );
    tx.commit().await?;
    Ok(project)
}

/// Sets how many runs may start per day; the queue looks again.
pub async fn set_quota(
    app: &App,
    actor: &str,
    id: ProjectId,
    max_runs_per_day: Option<u32>,
) -> Result<Project> {
    if let Some(most) = max_runs_per_day.filter(|most| *most > MOST_RUNS_PER_DAY) {
        let message = format!("is {most}; expected 0 to {MOST_RUNS_PER_DAY}, or null for no limit");
        return Err(AppError::invalid("max_runs_per_day", message));
    }
    let mut tx = app.store().begin(actor).await?;
    let mut project = project::find(&mut tx.conn, id)
        .await?
        .ok_or_else(|| AppError::not_found("project", id.get()))?;
    project.quota = project.quota.at(tx.now());
    project.quota.max_runs_per_day = max_runs_per_day;
    project::update(&mut tx.conn, &project).await?;
    tx.record(
        "project.quota_set",
        Some(id),
        json!({"project_id": id, "max_runs_per_day": max_runs_per_day}),
    );
    tx.touch_queue();
    tx.commit().await?;
    Ok(project)
}

/// Stores a version of the vision.
pub async fn submit_vision(app: &App, actor: &str, id: ProjectId, content: &str) -> Result<Vision> {
    if content.trim().is_empty() {
        return Err(AppError::invalid("content", "must not be empty"));
    }
    if content.len() > LONGEST_VISION {
        let message = format!("has {} bytes; at most {LONGEST_VISION} fit", content.len());
        return Err(AppError::invalid("content", message));
    }
    let mut tx = app.store().begin(actor).await?;
    if project::find(&mut tx.conn, id).await?.is_none() {
        return Err(AppError::not_found("project", id.get()));
    }
    let now = tx.now();
    let vision = vision::insert(&mut tx.conn, id, content, now).await?;
    tx.record(
        "vision.submitted",
        Some(id),
        json!({"project_id": id, "vision_id": vision.id}),
    );
    tx.commit().await?;
    Ok(vision)
}

/// The versions of a vision, oldest first.
pub async fn visions(app: &App, id: ProjectId) -> Result<Vec<Vision>> {
    show(app, id).await?;
    let mut conn = app.store().read().await?;
    Ok(vision::list(&mut conn, id).await?)
}

/// The newest version of a vision.
pub async fn latest_vision(app: &App, id: ProjectId) -> Result<Vision> {
    show(app, id).await?;
    let mut conn = app.store().read().await?;
    vision::latest(&mut conn, id).await?.ok_or_else(|| {
        AppError::Refused(orch_core::engine::Refusal::not_found(
            "vision of project",
            id.get(),
        ))
    })
}
