//! Setting budgets and taking them away.

use orch_core::ids::{PlanId, ProjectId, RunId, WorkItemId};
use orch_store::budget::{self as store, NewBudget};
use orch_store::{Conn, Tx, model_call, plan, run, work_item};
use serde_json::json;

use super::super::{App, AppError, Result, checks};
use super::level::Level;
use super::look::{Standing, with_reserved};
use super::period::Period;

/// A million dollars in micro-dollars, a million times.
const LARGEST_CAP: u64 = 1_000_000_000_000;

/// A budget as somebody wants it.
#[derive(Clone, Debug, Default)]
pub struct Change {
    pub scope: Option<String>,
    pub scope_id: Option<i64>,
    pub hard_cap_microusd: Option<u64>,
    pub soft_cap_microusd: Option<u64>,
    pub period: Option<String>,
}

/// Sets a budget. What was spent before counts: calls of the scope in the period.
///
/// # Errors
/// When a value is wrong, there is no such scope in the project, or the store fails.
pub async fn set(app: &App, actor: &str, project: ProjectId, change: Change) -> Result<Standing> {
    let level = level(project, change.scope.as_deref(), change.scope_id)?;
    let periods = [("total", Period::Total), ("month", Period::Month)];
    let period =
        checks::choice("period", change.period.as_deref(), &periods)?.unwrap_or(Period::Total);
    let hard = cap("hard_cap_microusd", change.hard_cap_microusd)?;
    let soft = cap("soft_cap_microusd", change.soft_cap_microusd)?;
    match (hard, soft) {
        (None, None) => {
            return Err(AppError::invalid(
                "hard_cap_microusd",
                "and `soft_cap_microusd` are both missing: give one or both, or DELETE the budget",
            ));
        }
        (Some(hard), Some(soft)) if soft > hard => {
            let expected = format!("at most hard_cap_microusd ({hard})");
            return Err(AppError::wrong("soft_cap_microusd", soft, expected));
        }
        (Some(_), _) | (None, Some(_)) => {}
    }
    let mut tx = app.store().begin(actor).await?;
    let now = tx.now();
    require(&mut tx.conn, project, level).await?;
    let before = store::find(&mut tx.conn, project, level.scope(), level.id()).await?;
    let start = period.start(now);
    let kept = before.as_ref().filter(|before| {
        before.period == period.name() && before.period_start >= start.as_micros()
    });
    let spent = match kept {
        Some(before) => before.spent_microusd,
        None => {
            // A new row: what is settled of calls under way reaches it when they are kept.
            store::clear(&mut tx.conn, project, level.scope(), level.id()).await?;
            spent_before(&mut tx, project, level, start).await?
        }
    };
    let was_reached = kept
        .and_then(|before| before.soft_microusd)
        .is_some_and(|soft| spent > soft);
    let new = NewBudget {
        project,
        scope: level.scope(),
        scope_id: level.id(),
        hard_microusd: hard,
        soft_microusd: soft,
        period: period.name(),
        period_start: start,
        spent_microusd: spent,
        by: actor,
        now,
    };
    let row = store::set(&mut tx.conn, &new).await?;
    tx.record(
        "budget.set",
        Some(project),
        json!({
            "scope": level.scope(), "scope_id": level.id(), "hard_cap_microusd": hard, "soft_cap_microusd": soft,
            "period": period.name(), "spent_microusd": spent,
            "before": before.map(|before| json!({
                "hard_cap_microusd": before.hard_microusd, "soft_cap_microusd": before.soft_microusd, "period": before.period,
            })),
        }),
    );
    // Who sets a cap below what is spent has reached it by that; no later call would pass it.
    if let Some(soft) = soft.filter(|soft| spent > *soft && !was_reached) {
        let data = json!({
            "scope": level.scope(), "scope_id": level.id(), "spent_microusd": spent, "soft_cap_microusd": soft,
            "hard_cap_microusd": hard,
        });
        tx.record("budget.soft_cap_reached", Some(project), data);
    }
    let standing = with_reserved(&mut tx.conn, vec![row], now).await?;
    tx.commit().await?;
    let one = standing.into_iter().next();
    Ok(one.expect("invariant: a budget that was set has a known scope"))
}

/// Removes a budget; what was spent stays known.
///
/// # Errors
/// When there is none, or the store fails.
pub async fn clear(
    app: &App,
    actor: &str,
    project: ProjectId,
    scope: Option<&str>,
    scope_id: Option<i64>,
) -> Result<()> {
    let level = level(project, scope, scope_id)?;
    let mut tx = app.store().begin(actor).await?;
    require(&mut tx.conn, project, Level::Project(project.get())).await?;
    if !store::clear(&mut tx.conn, project, level.scope(), level.id()).await? {
        return Err(AppError::NotFound(format!("{level} has no budget")));
    }
    let data = json!({"scope": level.scope(), "scope_id": level.id()});
    tx.record("budget.cleared", Some(project), data);
    tx.commit().await?;
    Ok(())
}

fn level(project: ProjectId, scope: Option<&str>, id: Option<i64>) -> Result<Level> {
    let scopes = ["project", "plan", "work_item", "run"].map(|scope| (scope, scope));
    let scope = checks::choice("scope", scope, &scopes)?.unwrap_or("project");
    match (scope, id) {
        ("project", None) => Ok(Level::Project(project.get())),
        ("project", Some(id)) if id == project.get() => Ok(Level::Project(id)),
        ("project", Some(id)) => Err(AppError::wrong(
            "scope_id",
            id,
            format!("{project}, the project of the path, or nothing"),
        )),
        (scope, None) => Err(AppError::invalid(
            "scope_id",
            format!("is missing: which {scope} of project {project} is meant"),
        )),
        (scope, Some(id)) => Level::of(scope, id)
            .ok_or_else(|| AppError::wrong("scope", scope, "project, plan, work_item or run")),
    }
}

fn cap(field: &'static str, value: Option<u64>) -> Result<Option<i64>> {
    match value {
        Some(value) if value > LARGEST_CAP => Err(AppError::wrong(
            field,
            value,
            format!("micro-dollars from 0 to {LARGEST_CAP}"),
        )),
        value => Ok(value.and_then(|value| i64::try_from(value).ok())),
    }
}

/// Only what is in the project has its money.
async fn require(conn: &mut Conn, project: ProjectId, level: Level) -> Result<()> {
    orch_store::project::find(conn, project)
        .await?
        .ok_or_else(|| AppError::not_found("project", project.get()))?;
    let (noun, found) = match level {
        Level::Project(_) => return Ok(()),
        Level::Plan(id) => (
            "plan",
            plan::find(conn, project, PlanId(id)).await?.is_some(),
        ),
        Level::WorkItem(id) => (
            "work item",
            work_item::find(conn, WorkItemId(id))
                .await?
                .is_some_and(|item| item.project_id == project),
        ),
        Level::Run(id) => (
            "run",
            match run::find(conn, RunId(id)).await? {
                None => false,
                Some(run) => work_item::find(conn, run.work_item_id)
                    .await?
                    .is_some_and(|item| item.project_id == project),
            },
        ),
    };
    match found {
        true => Ok(()),
        false => Err(AppError::NotFound(format!(
            "project {project} has no {noun} {}",
            level.id()
        ))),
    }
}

async fn spent_before(
    tx: &mut Tx,
    project: ProjectId,
    level: Level,
    since: orch_core::time::Timestamp,
) -> Result<i64> {
    let (column, id) = match level {
        Level::Project(_) => ("project", None),
        Level::Plan(id) => ("plan", Some(id)),
        Level::WorkItem(id) => ("work_item", Some(id)),
        Level::Run(id) => ("run", Some(id)),
    };
    Ok(model_call::spent(&mut tx.conn, project, column, id, since).await?)
}
