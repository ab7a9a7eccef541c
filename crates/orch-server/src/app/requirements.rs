//! Requirements: proposed from the vision's text, approved by a person alone.

use orch_core::ids::{ProjectId, RequirementsId};
use orch_core::requirements::propose as draft;
use orch_store::requirements::{self, Requirements};
use orch_store::vision;
use serde_json::json;

use super::{App, AppError, Result, project};

/// Proposes requirements from the newest vision.
pub async fn propose(app: &App, actor: &str, project_id: ProjectId) -> Result<Requirements> {
    app.check_room()?;
    project::show(app, project_id).await?;
    let vision = {
        let mut conn = app.store().read().await?;
        vision::latest(&mut conn, project_id).await?.ok_or_else(|| {
            let message = format!("project {project_id} has no vision yet; submit one with POST /projects/{project_id}/vision");
            AppError::conflict("no_vision", message)
        })?
    };
    let vision_id = vision.id();
    let (markdown, items) = tokio::task::spawn_blocking(move || {
        let draft = draft(&vision.content);
        let items = serde_json::to_string(&draft.items).expect("invariant: items serialise");
        (draft.markdown(), items)
    })
    .await
    .map_err(|_| orch_store::StoreError::Closed)?;
    let mut tx = app.store().begin(actor).await?;
    let now = tx.now();
    let proposed =
        requirements::insert(&mut tx.conn, project_id, vision_id, &markdown, &items, now).await?;
    let data =
        json!({"project_id": project_id, "requirements_id": proposed.id, "vision_id": vision_id});
    tx.record("requirements.proposed", Some(project_id), data);
    tx.commit().await?;
    Ok(proposed)
}

/// Approves a version, or the current one.
pub async fn approve(
    app: &App,
    actor: &str,
    project_id: ProjectId,
    id: Option<RequirementsId>,
) -> Result<Requirements> {
    app.check_room()?;
    project::show(app, project_id).await?;
    let mut tx = app.store().begin(actor).await?;
    let current = match id {
        Some(id) => requirements::find(&mut tx.conn, project_id, id)
            .await?
            .ok_or_else(|| AppError::not_found("requirements", id.get()))?,
        None => requirements::current(&mut tx.conn, project_id).await?.ok_or_else(|| {
            let message = format!("project {project_id} has no proposed requirements; propose them with POST /projects/{project_id}/requirements/propose");
            AppError::conflict("no_requirements", message)
        })?,
    };
    if current.status != "proposed" {
        let message = format!("requirements {} are already {}", current.id, current.status);
        return Err(AppError::conflict("requirements_decided", message));
    }
    let now = tx.now();
    let approved = requirements::approve(
        &mut tx.conn,
        project_id,
        RequirementsId(current.id),
        actor,
        now,
    )
    .await?;
    let data = json!({"project_id": project_id, "requirements_id": approved.id});
    tx.record("requirements.approved", Some(project_id), data);
    tx.commit().await?;
    Ok(approved)
}

/// All versions, oldest first.
pub async fn list(app: &App, project_id: ProjectId) -> Result<Vec<Requirements>> {
    project::show(app, project_id).await?;
    let mut conn = app.store().read().await?;
    Ok(app
        .store()
        .named(requirements::list(&mut conn, project_id).await?)
        .rows)
}

/// One version.
pub async fn show(app: &App, project_id: ProjectId, id: RequirementsId) -> Result<Requirements> {
    project::show(app, project_id).await?;
    let mut conn = app.store().read().await?;
    requirements::find(&mut conn, project_id, id)
        .await?
        .ok_or_else(|| AppError::not_found("requirements", id.get()))
}
