//! Versions of plans as they are stored, and read back.

use orch_core::breakdown::{Breakdown, Difference, difference as compare};
use orch_core::ids::{PlanId, ProjectId, RequirementsId};
use orch_store::plan::{self, Head, NewPlan, Plan};
use orch_store::{Conn, Listed, Page, StoreError, Tx};

use crate::app::{App, AppError, Result, project};

/// The breakdown of a stored version.
///
/// # Errors
/// When the row holds what cannot be read.
pub fn breakdown(stored: &Plan) -> Result<Breakdown> {
    serde_json::from_str(&stored.content).map_err(|error| {
        AppError::Store(StoreError::Corrupt {
            column: "content",
            what: error.to_string(),
        })
    })
}

/// Where a new version comes from.
pub(super) struct Origin<'a> {
    pub project: ProjectId,
    pub requirements: RequirementsId,
    pub parent: Option<PlanId>,
    pub author: &'a str,
    pub reason: Option<&'a str>,
}

/// A breakdown as it is stored.
pub(super) struct Written {
    content: String,
    digest: String,
    tasks: i64,
}

impl Written {
    /// Writes the breakdown down; takes a while for a large one.
    pub fn of(breakdown: &Breakdown) -> Self {
        Self {
            content: serde_json::to_string(breakdown).expect("invariant: a plan serialises"),
            digest: breakdown.digest(),
            tasks: i64::try_from(breakdown.tasks.len()).unwrap_or(i64::MAX),
        }
    }

    pub async fn save(&self, tx: &mut Tx, origin: &Origin<'_>) -> Result<Plan> {
        let now = tx.now();
        let new = NewPlan {
            project: origin.project,
            requirements: origin.requirements,
            parent: origin.parent,
            author: origin.author,
            reason: origin.reason,
            digest: &self.digest,
            tasks: self.tasks,
            content: &self.content,
        };
        Ok(plan::insert(&mut tx.conn, &new, now).await?)
    }
}

/// Versions, without their content.
pub async fn list(app: &App, project_id: ProjectId, page: Page) -> Result<Listed<Head>> {
    project::show(app, project_id).await?;
    let mut conn = app.store().read().await?;
    let found = plan::list(&mut conn, project_id, page).await?;
    Ok(app.store().named(found))
}

/// One version.
pub async fn find(app: &App, project_id: ProjectId, id: PlanId) -> Result<Plan> {
    project::show(app, project_id).await?;
    let mut conn = app.store().read().await?;
    plan::find(&mut conn, project_id, id)
        .await?
        .ok_or_else(|| AppError::not_found("plan", id.get()))
}

/// The newest version, where there is one.
pub(super) async fn newest(conn: &mut Conn, project_id: ProjectId) -> Result<Plan> {
    plan::current(conn, project_id).await?.ok_or_else(|| {
        let message = format!(
            "project {project_id} has no plan; propose one with POST /projects/{project_id}/tasks/plan"
        );
        AppError::conflict("no_plan", message)
    })
}

/// What changed from `from`, or else from the version that this one was made from.
pub async fn difference(
    app: &App,
    project_id: ProjectId,
    id: PlanId,
    from: Option<PlanId>,
) -> Result<(i64, Difference)> {
    let newer = find(app, project_id, id).await?;
    let from = from.or_else(|| newer.parent_id.map(PlanId));
    let older = match from {
        Some(from) => find(app, project_id, from).await?,
        None => {
            let message = format!("plan {id} was made from no other version; name one with ?from=");
            return Err(AppError::conflict("no_parent", message));
        }
    };
    let compared = app.think(move || {
        let found = compare(&breakdown(&older)?, &breakdown(&newer)?);
        Ok((older.id, found))
    });
    compared.await
}

/// The version is not the one that the caller read.
pub(super) fn changed(id: i64, wanted: &str, found: &str) -> AppError {
    let wanted: String = wanted.chars().take(64).collect();
    let message = format!(
        "plan {id} has the digest {found}, not {wanted}: it is not what was read; read it again"
    );
    AppError::conflict("digest_changed", message)
}
