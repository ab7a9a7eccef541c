//! Projects, their visions and their quotas.

use orch_api::types::project::{NewProject, UpdateProject};
use orch_core::ids::ProjectId;
use orch_core::project::Project;
use orch_core::source::Reference;
use orch_store::vision::Vision;
use orch_store::{Listed, Page, Tx, project, vision};
use serde_json::{Value, json};

use super::{App, AppError, Result, checks, source};

/// The largest quota; more is as good as none.
const MOST_RUNS_PER_DAY: u32 = 1_000_000;
/// The longest name, in characters.
pub(super) const LONGEST_NAME: usize = 200;
/// The longest description, in bytes.
const LONGEST_DESCRIPTION: usize = 512 * 1024;

/// Creates a project.
pub async fn create(app: &App, actor: &str, new: NewProject) -> Result<Project> {
    app.check_room()?;
    let name = checks::text("name", &new.name, LONGEST_NAME)?;
    let description = new.description.as_deref().unwrap_or_default();
    let weight = new.weight.map(checks::weight).transpose()?;
    let max_concurrent_runs = new
        .max_concurrent_runs
        .map(checks::max_concurrent_runs)
        .transpose()?;
    let repository = new
        .repository
        .as_ref()
        .map(source::repository)
        .transpose()?;
    if description.len() > LONGEST_DESCRIPTION {
        return Err(AppError::invalid(
            "description",
            format!("is over {LONGEST_DESCRIPTION} bytes long"),
        ));
    }
    let mut tx = app.store().begin(actor).await?;
    let mut project = insert(&mut tx, name.trim(), description).await?;
    if weight.is_some() || max_concurrent_runs.is_some() {
        project.share.weight = weight.unwrap_or_default();
        project.max_concurrent_runs = max_concurrent_runs;
        project::update(&mut tx.conn, &project).await?;
    }
    if repository.is_some() {
        project.repository = repository;
        project::set_repository(&mut tx.conn, &project).await?;
    }
    record_created(&mut tx, &project);
    tx.commit().await?;
    Ok(project)
}

/// A project that nothing has recorded yet.
pub(super) async fn insert(tx: &mut Tx, name: &str, description: &str) -> Result<Project> {
    let now = tx.now();
    Ok(project::insert(&mut tx.conn, name, description, now).await?)
}

/// Tells the audit chain of a project that is as it will be.
pub(super) fn record_created(tx: &mut Tx, project: &Project) {
    let repository = project.repository.as_ref();
    let data = json!({
        "project_id": project.id, "name": project.name,
        "repository": repository.map(|repository| repository.url.as_str()),
    });
    tx.record("project.created", Some(project.id), data);
}

/// One project.
pub async fn show(app: &App, id: ProjectId) -> Result<Project> {
    let mut conn = app.store().read().await?;
    project::find(&mut conn, id)
        .await?
        .ok_or_else(|| AppError::not_found("project", id.get()))
}

/// Projects.
pub async fn list(app: &App, page: Page) -> Result<Listed<Project>> {
    let mut conn = app.store().read().await?;
    Ok(app.store().named(project::list(&mut conn, page).await?))
}

/// Changes what is given; the queue looks again.
pub async fn update(
    app: &App,
    actor: &str,
    id: ProjectId,
    change: UpdateProject,
) -> Result<Project> {
    let UpdateProject {
        name,
        description,
        weight,
        max_concurrent_runs,
        repository,
    } = change;
    let mut tx = app.store().begin(actor).await?;
    let mut project = project::find(&mut tx.conn, id)
        .await?
        .ok_or_else(|| AppError::not_found("project", id.get()))?;
    if let Some(name) = name {
        project.name = checks::text("name", &name, 200)?.trim().to_owned();
    }
    if let Some(description) = description {
        project.description = description;
    }
    if let Some(weight) = weight {
        project.share.weight = checks::weight(weight)?;
    }
    if let Some(most) = max_concurrent_runs {
        project.max_concurrent_runs = most.map(checks::max_concurrent_runs).transpose()?;
    }
    project::update(&mut tx.conn, &project).await?;
    if let Some(repository) = repository {
        project.repository = repository.as_ref().map(source::repository).transpose()?;
        project::set_repository(&mut tx.conn, &project).await?;
    }
    tx.record("project.changed", Some(id), changed(&project));
    tx.touch_queue();
    tx.commit().await?;
    Ok(project)
}

/// What the audit keeps of a changed project.
pub(super) fn changed(project: &Project) -> Value {
    let repository = project.repository.as_ref();
    json!({
        "project_id": project.id, "name": project.name, "weight": project.share.weight.get(),
        "max_concurrent_runs": project.max_concurrent_runs,
        "repository": repository.map(|repository| repository.url.as_str()),
        "ref": repository.and_then(|repository| repository.reference.as_ref()).map(Reference::as_str),
    })
}

/// Sets how many runs may start per day; the queue looks again.
pub async fn set_quota(
    app: &App,
    actor: &str,
    id: ProjectId,
    max_runs_per_day: Option<u32>,
) -> Result<Project> {
    if let Some(most) = max_runs_per_day.filter(|most| *most > MOST_RUNS_PER_DAY) {
        let expected = format!("0 to {MOST_RUNS_PER_DAY}, or null for no limit");
        return Err(AppError::wrong("max_runs_per_day", most, expected));
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

/// The versions of a vision, oldest first.
pub async fn visions(app: &App, id: ProjectId) -> Result<Vec<Vision>> {
    show(app, id).await?;
    let mut conn = app.store().read().await?;
    Ok(app.store().named(vision::list(&mut conn, id).await?).rows)
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
