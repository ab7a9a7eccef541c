//! What a project's calls of models have cost, added up by role, model, plan, work item, run or day.

use orch_core::ids::ProjectId;
use orch_core::time::Timestamp;
use orch_store::model_call::{self, Sum, Summed};
use orch_store::model_cost::{self, Spent};

use super::{App, AppError, Result, checks, project};

/// Lines of one answer.
const MOST: i64 = 500;
const DAY_US: i64 = 86_400_000_000;
/// After every call.
const FOREVER: Timestamp = Timestamp::from_micros(i64::MAX);

/// Which costs are wanted.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    pub by: Option<String>,
    pub since: Option<String>,
    pub until: Option<String>,
}

/// Costs added up.
#[derive(Clone, Debug)]
pub struct Costs {
    pub by: &'static str,
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
    pub total: Sum,
    pub lines: Vec<Sum>,
}

/// What a project's calls have cost.
///
/// # Errors
/// When a value is wrong, there is no such project, or the store fails.
pub async fn of_project(app: &App, id: ProjectId, wanted: Wanted) -> Result<Costs> {
    let ways = ["role", "model", "plan", "work_item", "run", "day"].map(|way| (way, way));
    let by = checks::choice("by", wanted.by.as_deref(), &ways)?.unwrap_or("model");
    let since = instant("since", wanted.since.as_deref())?;
    let until = instant("until", wanted.until.as_deref())?;
    project::show(app, id).await?;
    let mut of = Summed {
        project: id,
        by: "",
        since: since.unwrap_or_default(),
        until: until.unwrap_or(FOREVER),
        limit: MOST,
    };
    let mut conn = app.store().read().await?;
    let total = model_call::sums(&mut conn, &of).await?;
    of.by = by;
    let mut lines = model_call::sums(&mut conn, &of).await?;
    if by == "day" {
        for line in &mut lines {
            let day = line.name.parse::<i64>().unwrap_or_default();
            let text = Timestamp::from_micros(day.saturating_mul(DAY_US)).to_string();
            line.name = text.get(..10).unwrap_or_default().to_owned();
        }
        lines.sort_by(|one, other| one.name.cmp(&other.name));
    }
    Ok(Costs {
        by,
        since,
        until,
        total: total.into_iter().next().unwrap_or_default(),
        lines,
    })
}

/// What each project's calls have cost, the newest `limit` projects that have some.
///
/// # Errors
/// When the store fails.
pub async fn of_projects(app: &App, limit: i64) -> Result<Vec<Spent>> {
    let mut conn = app.store().read().await?;
    Ok(model_cost::of_projects(&mut conn, limit).await?)
}

/// What each work item's calls have cost, the newest `limit` items that have some.
///
/// # Errors
/// When the store fails.
pub async fn of_work_items(app: &App, limit: i64) -> Result<Vec<Spent>> {
    let mut conn = app.store().read().await?;
    Ok(model_cost::of_work_items(&mut conn, limit).await?)
}

fn instant(field: &'static str, text: Option<&str>) -> Result<Option<Timestamp>> {
    text.map(|text| {
        let date = format!("{text}T00:00:00Z");
        Timestamp::parse(text)
            .or_else(|_| Timestamp::parse(&date))
            .map_err(|_| {
                let expected = "a date (2026-01-31) or an RFC 3339 time (2026-01-31T12:00:00Z)";
                AppError::wrong(field, format!("`{text}`"), expected)
            })
    })
    .transpose()
}
