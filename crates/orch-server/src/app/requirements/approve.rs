//! Approving a version: what is approved is what was read, by its digest.

use orch_core::ids::{ProjectId, RequirementsId};
use orch_store::Conn;
use orch_store::requirements::{self, Requirements};
use serde_json::json;

use super::edit::changed;
use super::version::digest;
use crate::app::{App, AppError, Result, project};

/// What a person approves.
#[derive(Clone, Debug, Default)]
pub struct Approval {
    /// The version; the newest where it is not named.
    pub id: Option<RequirementsId>,
    /// The digest that was read.
    pub digest: Option<String>,
}

/// Approves a version. The one that was approved before is superseded.
pub async fn approve(
    app: &App,
    actor: &str,
    project_id: ProjectId,
    approval: Approval,
) -> Result<Requirements> {
    app.check_room()?;
    project::show(app, project_id).await?;
    let read = {
        let mut conn = app.store().read().await?;
        wanted(&mut conn, project_id, approval.id).await?
    };
    // Before the transaction: others must not wait for a large document.
    let (read, found) = app
        .think(move || {
            let found = digest(&read)?;
            Ok::<_, AppError>((read, found))
        })
        .await?;
    if let Some(stored) = read.digest.as_ref().filter(|stored| **stored != found) {
        let message = format!(
            "requirements {} were stored with the digest {stored} and have {found}: they were changed from outside; make a new version",
            read.id
        );
        return Err(AppError::conflict("digest_changed", message));
    }
    if let Some(wanted) = approval.digest.filter(|wanted| *wanted != found) {
        return Err(changed(read.id, &wanted, &found));
    }
    let mut tx = app.store().begin(actor).await?;
    let version = wanted(&mut tx.conn, project_id, approval.id).await?;
    if (version.id, &version.items, &version.document) != (read.id, &read.items, &read.document) {
        let message = "another version was made meanwhile; read it, and approve that one";
        return Err(AppError::conflict("requirements_changed", message));
    }
    if version.status != "proposed" {
        let message = format!("requirements {} are already {}", version.id, version.status);
        return Err(AppError::conflict("requirements_decided", message));
    }
    let now = tx.now();
    let id = version.id();
    let approved = requirements::approve(&mut tx.conn, project_id, id, actor, now).await?;
    let data = json!({"project_id": project_id, "requirements_id": id, "digest": found});
    tx.record("requirements.approved", Some(project_id), data);
    tx.commit().await?;
    Ok(approved)
}

/// The named version, or the newest.
async fn wanted(
    conn: &mut Conn,
    project_id: ProjectId,
    id: Option<RequirementsId>,
) -> Result<Requirements> {
    match id {
        Some(id) => requirements::find(conn, project_id, id)
            .await?
            .ok_or_else(|| AppError::not_found("requirements", id.get())),
        None => requirements::current(conn, project_id).await?.ok_or_else(|| {
            let message = format!("project {project_id} has no proposed requirements; propose them with POST /projects/{project_id}/requirements/propose");
            AppError::conflict("no_requirements", message)
        }),
    }
}
