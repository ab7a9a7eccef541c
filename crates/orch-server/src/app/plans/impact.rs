//! What a change of the requirements touches: tasks, and through them work items and runs.

use std::collections::BTreeMap;

use orch_core::breakdown::{Breakdown, Finished, Impact, impact as touched};
use orch_core::ids::{ProjectId, RequirementsId, WorkItemId};
use orch_store::Conn;
use orch_store::plan::{self, Plan, RunOf, Told};
use orch_store::requirements::{self, Requirements};

use super::standing::{Standing, finished, standings};
use super::version::{breakdown, newest};
use crate::app::requirements::document;
use crate::app::{App, AppError, Result, project};

/// The versions of the requirements that are compared.
#[derive(Clone, Copy, Debug, Default)]
pub struct Versions {
    /// The older one; the one that the plan serves where it is absent.
    pub from: Option<RequirementsId>,
    /// The newer one; the one that is approved where it is absent.
    pub to: Option<RequirementsId>,
}

/// What is touched.
#[derive(Clone, Debug)]
pub struct Impacted {
    pub plan_id: i64,
    pub from: i64,
    pub to: i64,
    pub breakdown: Breakdown,
    pub impact: Impact,
    pub standings: BTreeMap<String, Standing>,
    pub runs: Vec<RunOf>,
    /// What these runs kept of their changes and tests.
    pub told: Vec<Told>,
}

/// What the change touches of the plan that is approved, or else of the newest.
pub async fn impact(app: &App, project_id: ProjectId, versions: Versions) -> Result<Impacted> {
    project::show(app, project_id).await?;
    let mut conn = app.store().read().await?;
    let plan = match plan::approved(&mut conn, project_id).await? {
        Some(approved) => approved,
        None => newest(&mut conn, project_id).await?,
    };
    let from = versions.from.unwrap_or(plan.requirements());
    let older = version(&mut conn, project_id, "from", from).await?;
    let newer = match versions.to {
        Some(to) => version(&mut conn, project_id, "to", to).await?,
        None => super::propose::approved(&mut conn, project_id).await?,
    };
    let items = plan::items(&mut conn, project_id).await?;
    drop(conn);
    let standings = standings(&items);
    let done = finished(&items);
    let (plan_id, from, to) = (plan.id, older.id, newer.id);
    let (breakdown, impact) = app
        .think(move || compared(&plan, &older, &newer, &done))
        .await?;
    let touched = impact.tasks.iter().chain(&impact.downstream);
    let touched = touched.filter_map(|task| standings.get(task));
    let items: Vec<WorkItemId> = touched
        .map(|standing| WorkItemId(standing.work_item_id))
        .collect();
    let mut conn = app.store().read().await?;
    let runs = plan::runs_of(&mut conn, items.iter().copied()).await?;
    let told = plan::told_of(&mut conn, items).await?;
    Ok(Impacted {
        plan_id,
        from,
        to,
        breakdown,
        impact,
        standings,
        runs,
        told,
    })
}

async fn version(
    conn: &mut Conn,
    project_id: ProjectId,
    field: &'static str,
    id: RequirementsId,
) -> Result<Requirements> {
    requirements::find(conn, project_id, id)
        .await?
        .ok_or_else(|| {
            let expected =
                format!("the id of a version of the requirements of project {project_id}");
            AppError::wrong(field, id, expected)
        })
}

fn compared(
    plan: &Plan,
    older: &Requirements,
    newer: &Requirements,
    done: &Finished,
) -> Result<(Breakdown, Impact)> {
    let breakdown = breakdown(plan)?;
    let impact = touched(&document(older)?, &document(newer)?, &breakdown, done);
    Ok((breakdown, impact))
}
