//! Where the cost of work counts, what runs said that they used, and what work has cost.
//!
//! What is charged is decided by whoever loads the sums, in the transaction that saves them.

use orch_core::ids::{PlanId, ProjectId, RunId, WorkItemId};

use crate::budget::Levels;
use crate::conn::{all, execute, one, optional};
use crate::inline::row;
use crate::model_call::Sum;
use crate::{Conn, StoreError};

/// Where the cost of a work item counts: its plan is the version that is approved now. None where there is no such item.
///
/// # Errors
/// When the database fails.
pub async fn levels_of(conn: &mut Conn, item: WorkItemId) -> Result<Option<Levels>, StoreError> {
    let found = optional!(
        conn,
        (i64, Option<i64>),
        "SELECT i.project_id,
                (SELECT COALESCE((SELECT max(a.id) FROM plan a WHERE a.project_id = i.project_id AND a.status = 'approved'), max(p.plan_id))
                   FROM plan_item p WHERE p.work_item_id = i.id HAVING count(*) > 0) AS plan_id
           FROM work_item i WHERE i.id = $1",
        item.get()
    )?;
    Ok(found.map(|(project, plan)| Levels {
        project: ProjectId(project),
        plan,
        work_item: Some(item.get()),
        run: None,
    }))
}

/// The budget of a plan goes on with the version that is approved in place of it, unless that has one of its own. Tells
/// the version that had it.
///
/// # Errors
/// When the database fails.
pub async fn carry_on(
    conn: &mut Conn,
    project: ProjectId,
    approved: PlanId,
) -> Result<Option<i64>, StoreError> {
    let before = optional!(
        conn,
        (i64,),
        "SELECT scope_id FROM budget WHERE project_id = $1 AND scope = 'plan' AND scope_id <= $2 ORDER BY scope_id DESC LIMIT 1",
        project.get(),
        approved.get()
    )?;
    let Some((before,)) = before.filter(|(before,)| *before != approved.get()) else {
        return Ok(None);
    };
    execute!(
        conn,
        "UPDATE budget SET scope_id = $2, version = version + 1 WHERE project_id = $1 AND scope = 'plan' AND scope_id = $3",
        project.get(),
        approved.get(),
        before
    )?;
    Ok(Some(before))
}

/// Which of a run's counts is meant.
#[derive(Clone, Copy, Debug)]
pub struct Meter<'a> {
    pub run: RunId,
    /// The epoch from which it counts.
    pub since: i64,
    pub source: &'a str,
    pub model: &'a str,
}

row! {
    /// What a run has used up to now by one count.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Used {
        pub input_tokens: i64,
        pub cached_tokens: i64,
        pub output_tokens: i64,
        /// What the program itself says that they cost.
        pub own_microusd: i64,
    }
}

/// What was said last by a count.
///
/// # Errors
/// When the database fails.
pub async fn used(conn: &mut Conn, meter: Meter<'_>) -> Result<Option<Used>, StoreError> {
    optional!(
        conn,
        Used,
        "SELECT input_tokens, cached_tokens, output_tokens, own_microusd FROM run_usage
          WHERE run_id = $1 AND meter = $2 AND source = $3 AND model = $4",
        meter.run.get(),
        meter.since,
        meter.source,
        meter.model
    )
}

/// How many counts a run has.
///
/// # Errors
/// When the database fails.
pub async fn meters(conn: &mut Conn, run: RunId) -> Result<i64, StoreError> {
    let (count,) = one!(
        conn,
        (i64,),
        "SELECT count(*) FROM run_usage WHERE run_id = $1",
        run.get()
    )?;
    Ok(count)
}

/// Saves what a run has used up to now by one count.
///
/// # Errors
/// When the database fails.
pub async fn set_used(conn: &mut Conn, meter: Meter<'_>, used: Used) -> Result<(), StoreError> {
    execute!(
        conn,
        "INSERT INTO run_usage (run_id, meter, source, model, input_tokens, cached_tokens, output_tokens, own_microusd)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (run_id, meter, source, model) DO UPDATE SET input_tokens = excluded.input_tokens,
                cached_tokens = excluded.cached_tokens, output_tokens = excluded.output_tokens, own_microusd = excluded.own_microusd",
        meter.run.get(),
        meter.since,
        meter.source,
        meter.model,
        used.input_tokens,
        used.cached_tokens,
        used.output_tokens,
        used.own_microusd
    )?;
    Ok(())
}

/// What the calls have cost whose `$column` is `$1`.
macro_rules! costs_by_model {
    ($column:literal) => {
        $crate::conn::sql!(concat!(
            "SELECT model AS name, count(*) AS calls, CAST(SUM(CASE WHEN error IS NULL THEN 0 ELSE 1 END) AS BIGINT) AS failed, ",
            $crate::sum::total!("input_tokens"),
            " AS input_tokens, ",
            $crate::sum::total!("cached_tokens"),
            " AS cached_tokens, ",
            $crate::sum::total!("output_tokens"),
            " AS output_tokens, ",
            $crate::sum::total!("cost_microusd"),
            " AS cost_microusd, CAST(SUM(CASE WHEN cost_microusd IS NULL THEN 1 ELSE 0 END) AS BIGINT) AS unpriced
           FROM model_call WHERE ",
            $column,
            " = $1 GROUP BY model ORDER BY cost_microusd DESC, name LIMIT 100"
        ))
    };
}

/// What the calls of a run have cost, by model, the dearest first; at most 100 models.
///
/// # Errors
/// When the database fails.
pub async fn of_run(conn: &mut Conn, run: RunId) -> Result<Vec<Sum>, StoreError> {
    all!(conn, Sum, costs_by_model!("run_id"), run.get())
}

/// The same of a work item, with all its runs.
///
/// # Errors
/// When the database fails.
pub async fn of_item(conn: &mut Conn, item: WorkItemId) -> Result<Vec<Sum>, StoreError> {
    all!(conn, Sum, costs_by_model!("work_item_id"), item.get())
}
