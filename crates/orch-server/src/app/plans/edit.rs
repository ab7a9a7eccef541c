//! Editing the newest version: a new one is made, and the old one stays as it is.

use orch_core::breakdown::{Edit, edit as edited};
use orch_core::ids::{PlanId, ProjectId};
use orch_core::info_request::Fault;
use orch_store::plan::{self, Plan};
use serde_json::json;

use super::propose::LONGEST_REASON;
use super::version::{Origin, Written, breakdown, changed, find};
use crate::app::{App, AppError, Result, checks};

/// Edits version `id`, which must be the newest, and have the digest that the caller read.
pub async fn edit(
    app: &App,
    actor: &str,
    project_id: ProjectId,
    id: PlanId,
    edits: Vec<Edit>,
    reason: Option<&str>,
    if_digest: Option<&str>,
) -> Result<Plan> {
    app.check_room()?;
    let reason = checks::optional_text("reason", reason, LONGEST_REASON)?;
    let before = find(app, project_id, id).await?;
    if let Some(wanted) = if_digest.filter(|wanted| **wanted != before.digest) {
        return Err(changed(before.id, wanted, &before.digest));
    }
    let requirements = before.requirements();
    let count = edits.len();
    let written = app
        .think(move || {
            let made = edited(&breakdown(&before)?, &edits).map_err(|faults| {
                let faults = faults.into_iter().map(|fault| Fault {
                    field: format!("edits[{}].{}", fault.at, fault.field),
                    message: fault.message,
                });
                AppError::faults("the edits cannot be made", faults.collect())
            })?;
            Ok::<_, AppError>(Written::of(&made))
        })
        .await?;
    let mut tx = app.store().begin(actor).await?;
    let newest = plan::newest_id(&mut tx.conn, project_id).await?;
    if let Some(newest) = newest.filter(|newest| *newest != id) {
        let message = format!(
            "plan {id} is not the newest version, which is {newest}; read that one and edit it"
        );
        return Err(AppError::conflict("plan_changed", message));
    }
    let origin = Origin {
        project: project_id,
        requirements,
        parent: Some(id),
        author: actor,
        reason: reason.as_deref(),
    };
    let made = written.save(&mut tx, &origin).await?;
    let data = json!({
        "project_id": project_id, "plan_id": made.id, "parent_id": id, "edits": count,
        "digest": made.digest, "reason": reason,
    });
    tx.record("plan.edited", Some(project_id), data);
    tx.commit().await?;
    Ok(made)
}
