//! How budgets stand.

use orch_core::ids::ProjectId;
use orch_core::time::Timestamp;
use orch_store::Conn;
use orch_store::budget::{self as store, Levels};

use super::super::{App, AppError, Result, project};
use super::level::{Level, OverBudget};
use super::period::rolled;
use super::wallet::{pure, standing};
use orch_model::{Budget, OverCap};

/// Budgets that one answer shows.
const MOST: i64 = 500;

/// A budget as it stands now.
#[derive(Clone, Debug)]
pub struct Standing {
    pub row: store::Budget,
    pub level: Level,
    pub budget: Budget,
}

/// The budgets of a project and of what is in it.
///
/// # Errors
/// When there is no such project, or the store fails.
pub async fn of_project(app: &App, id: ProjectId) -> Result<Vec<Standing>> {
    project::show(app, id).await?;
    let now = app.store().now();
    let mut conn = app.store().read().await?;
    let rows = store::of_project(&mut conn, id, MOST).await?;
    with_reserved(&mut conn, rows, now).await
}

/// The budgets of whole projects, the first `limit` of them.
///
/// # Errors
/// When the store fails.
pub async fn of_projects(app: &App, limit: i64) -> Result<Vec<Standing>> {
    let now = app.store().now();
    let mut conn = app.store().read().await?;
    let rows = store::of_projects(&mut conn, limit).await?;
    with_reserved(&mut conn, rows, now).await
}

pub(super) async fn with_reserved(
    conn: &mut Conn,
    rows: Vec<store::Budget>,
    now: Timestamp,
) -> Result<Vec<Standing>> {
    let mut standing = Vec::with_capacity(rows.len());
    for row in rows {
        let row = rolled(row, now);
        let Some(level) = Level::of(&row.scope, row.scope_id) else {
            continue;
        };
        let mut levels = Levels::of_project(ProjectId(row.project_id));
        match level {
            Level::Project(_) => {}
            Level::Plan(id) => levels.plan = Some(id),
            Level::WorkItem(id) => levels.work_item = Some(id),
            Level::Run(id) => levels.run = Some(id),
        }
        let reserved = store::reserved(conn, levels, now).await?;
        let reserved = match level {
            Level::Project(_) => reserved.project,
            Level::Plan(_) => reserved.plan,
            Level::WorkItem(_) => reserved.work_item,
            Level::Run(_) => reserved.run,
        };
        standing.push(Standing {
            budget: pure(&row, reserved),
            level,
            row,
        });
    }
    Ok(standing)
}

/// Refuses what cannot begin: nothing is left of a hard cap on the way.
///
/// # Errors
/// When a cap is used up, or the store fails.
pub async fn check(app: &App, levels: Levels) -> Result<()> {
    let mut conn = app.store().peek().await?;
    for (level, budget, _) in standing(&mut conn, levels, app.store().now()).await? {
        if let (Some(hard), Some(left)) = (budget.hard, budget.left())
            && left == orch_model::Cost::ZERO
        {
            return Err(AppError::OverBudget(OverBudget(OverCap {
                level,
                amount: orch_model::Cost::ZERO,
                left,
                hard,
                spent: budget.spent,
                reserved: budget.reserved,
            })));
        }
    }
    Ok(())
}
