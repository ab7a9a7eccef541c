//! Budgets in the database, and what is set aside for calls under way.
//!
//! Holds amounts and adds them up; what may be set aside is decided by whoever loads them, in the transaction that
//! saves. Amounts are micro-dollars.

use orch_core::ids::ProjectId;
use orch_core::time::Timestamp;

use crate::conn::{all, execute, one, optional, sql};
use crate::inline::row;
use crate::stored::{Lenient, noun, nouns, stored};
use crate::sum::total;
use crate::{Conn, StoreError};

row! {
    /// A budget: `scope` is project, plan, work_item or run, `period` is total or month.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Budget {
        pub id: i64,
        pub project_id: i64,
        pub scope: String,
        pub scope_id: i64,
        pub hard_microusd: Option<i64>,
        pub soft_microusd: Option<i64>,
        pub period: String,
        pub period_start: i64,
        pub spent_microusd: i64,
        pub version: i64,
        pub updated_at: i64,
        pub updated_by: String,
    }
}

stored!(Budget, "budget" by id => Budget);

/// The places at which a call's cost counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Levels {
    pub project: ProjectId,
    pub plan: Option<i64>,
    pub work_item: Option<i64>,
    pub run: Option<i64>,
}

impl Levels {
    /// Those of what is asked for a project as a whole.
    #[must_use]
    pub const fn of_project(project: ProjectId) -> Self {
        Self {
            project,
            plan: None,
            work_item: None,
            run: None,
        }
    }
}

/// A budget as somebody sets it.
#[derive(Clone, Copy, Debug)]
pub struct NewBudget<'a> {
    pub project: ProjectId,
    pub scope: &'a str,
    pub scope_id: i64,
    pub hard_microusd: Option<i64>,
    pub soft_microusd: Option<i64>,
    pub period: &'a str,
    pub period_start: Timestamp,
    /// Settled since then.
    pub spent_microusd: i64,
    pub by: &'a str,
    pub now: Timestamp,
}

row! {
    /// What is set aside at each level.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Reserved {
        pub project: i64,
        pub plan: i64,
        pub work_item: i64,
        pub run: i64,
    }
}

/// An amount that is to be set aside.
#[derive(Clone, Copy, Debug)]
pub struct NewReservation<'a> {
    pub levels: Levels,
    pub model: &'a str,
    pub amount_microusd: i64,
    pub now: Timestamp,
    pub expires_at: Timestamp,
}

/// The budgets that bind a call, from the project's to the run's.
///
/// # Errors
/// When the database fails, or one cannot be read.
pub async fn of_levels(conn: &mut Conn, levels: Levels) -> Result<Vec<Budget>, StoreError> {
    nouns::<Budget>(all!(
        conn,
        Lenient<Budget>,
        "SELECT * FROM budget
          WHERE project_id = $1
            AND ((scope = 'project' AND scope_id = $1) OR (scope = 'plan' AND scope_id = CAST($2 AS BIGINT))
              OR (scope = 'work_item' AND scope_id = CAST($3 AS BIGINT)) OR (scope = 'run' AND scope_id = CAST($4 AS BIGINT)))
          ORDER BY CASE scope WHEN 'project' THEN 0 WHEN 'plan' THEN 1 WHEN 'work_item' THEN 2 ELSE 3 END",
        levels.project.get(),
        levels.plan,
        levels.work_item,
        levels.run
    )?)
}

/// What is set aside at a call's levels and has not expired.
///
/// # Errors
/// When the database fails.
pub async fn reserved(
    conn: &mut Conn,
    levels: Levels,
    now: Timestamp,
) -> Result<Reserved, StoreError> {
    one!(
        conn,
        Reserved,
        sql!(concat!(
            "SELECT ",
            total!("amount_microusd"),
            " AS project, ",
            total!("CASE WHEN plan_id = CAST($2 AS BIGINT) THEN amount_microusd ELSE 0 END"),
            " AS plan, ",
            total!("CASE WHEN work_item_id = CAST($3 AS BIGINT) THEN amount_microusd ELSE 0 END"),
            " AS work_item, ",
            total!("CASE WHEN run_id = CAST($4 AS BIGINT) THEN amount_microusd ELSE 0 END"),
            " AS run FROM budget_reservation WHERE project_id = $1 AND expires_at > $5"
        )),
        levels.project.get(),
        levels.plan,
        levels.work_item,
        levels.run,
        now.as_micros()
    )
}

/// Sets an amount aside; tells its number.
///
/// # Errors
/// When the database fails.
pub async fn reserve(conn: &mut Conn, new: &NewReservation<'_>) -> Result<i64, StoreError> {
    let (id,) = one!(
        conn,
        (i64,),
        "INSERT INTO budget_reservation (project_id, plan_id, work_item_id, run_id, model, amount_microusd, made_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id",
        new.levels.project.get(),
        new.levels.plan,
        new.levels.work_item,
        new.levels.run,
        new.model,
        new.amount_microusd,
        new.now.as_micros(),
        new.expires_at.as_micros()
    )?;
    Ok(id)
}

/// Lets go of what was set aside; it may have expired and be gone.
///
/// # Errors
/// When the database fails.
pub async fn release(conn: &mut Conn, reservation: i64) -> Result<(), StoreError> {
    execute!(
        conn,
        "DELETE FROM budget_reservation WHERE id = $1",
        reservation
    )?;
    Ok(())
}

/// Removes what expired, and what was set aside before `begun`; tells the project and the amount of each.
///
/// # Errors
/// When the database fails.
pub async fn remove_expired(
    conn: &mut Conn,
    now: Timestamp,
    begun: Timestamp,
) -> Result<Vec<(i64, String, i64)>, StoreError> {
    all!(
        conn,
        (i64, String, i64),
        "DELETE FROM budget_reservation WHERE expires_at <= $1 OR made_at < $2
         RETURNING project_id, model, amount_microusd",
        now.as_micros(),
        begun.as_micros()
    )
}

/// How many reservations have expired, or were made before `begun`.
///
/// # Errors
/// When the database fails.
pub async fn count_expired(
    conn: &mut Conn,
    now: Timestamp,
    begun: Timestamp,
) -> Result<i64, StoreError> {
    let (count,) = one!(
        conn,
        (i64,),
        "SELECT count(*) FROM budget_reservation WHERE expires_at <= $1 OR made_at < $2",
        now.as_micros(),
        begun.as_micros()
    )?;
    Ok(count)
}

/// Saves what was spent since a budget's period began.
///
/// # Errors
/// When the database fails.
pub async fn save_spent(
    conn: &mut Conn,
    id: i64,
    spent_microusd: i64,
    period_start: Timestamp,
) -> Result<(), StoreError> {
    execute!(
        conn,
        "UPDATE budget SET spent_microusd = $2, period_start = $3 WHERE id = $1",
        id,
        spent_microusd,
        period_start.as_micros()
    )?;
    Ok(())
}

/// Sets a budget, in place of what its scope had.
///
/// # Errors
/// When the database fails.
pub async fn set(conn: &mut Conn, new: &NewBudget<'_>) -> Result<Budget, StoreError> {
    one!(
        conn,
        Budget,
        "INSERT INTO budget (project_id, scope, scope_id, hard_microusd, soft_microusd, period, period_start,
                             spent_microusd, version, updated_at, updated_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1, $9, $10)
         ON CONFLICT (scope, scope_id) DO UPDATE
            SET hard_microusd = excluded.hard_microusd, soft_microusd = excluded.soft_microusd, period = excluded.period,
                period_start = excluded.period_start, spent_microusd = excluded.spent_microusd,
                version = budget.version + 1, updated_at = excluded.updated_at, updated_by = excluded.updated_by
         RETURNING *",
        new.project.get(),
        new.scope,
        new.scope_id,
        new.hard_microusd,
        new.soft_microusd,
        new.period,
        new.period_start.as_micros(),
        new.spent_microusd,
        new.now.as_micros(),
        new.by
    )
}

/// The budget of one scope.
///
/// # Errors
/// When the database fails, or it cannot be read.
pub async fn find(
    conn: &mut Conn,
    project: ProjectId,
    scope: &str,
    scope_id: i64,
) -> Result<Option<Budget>, StoreError> {
    noun::<Budget>(optional!(
        conn,
        Lenient<Budget>,
        "SELECT * FROM budget WHERE project_id = $1 AND scope = $2 AND scope_id = $3",
        project.get(),
        scope,
        scope_id
    )?)
}

/// The budgets of a project and of what is in it, the first `limit` of them.
///
/// # Errors
/// When the database fails, or one cannot be read.
pub async fn of_project(
    conn: &mut Conn,
    project: ProjectId,
    limit: i64,
) -> Result<Vec<Budget>, StoreError> {
    nouns::<Budget>(all!(
        conn,
        Lenient<Budget>,
        "SELECT * FROM budget WHERE project_id = $1
          ORDER BY CASE scope WHEN 'project' THEN 0 WHEN 'plan' THEN 1 WHEN 'work_item' THEN 2 ELSE 3 END, scope_id LIMIT $2",
        project.get(),
        limit
    )?)
}

/// The budgets of whole projects, the first `limit` of them.
///
/// # Errors
/// When the database fails, or one cannot be read.
pub async fn of_projects(conn: &mut Conn, limit: i64) -> Result<Vec<Budget>, StoreError> {
    nouns::<Budget>(all!(
        conn,
        Lenient<Budget>,
        "SELECT * FROM budget WHERE scope = 'project' ORDER BY id LIMIT $1",
        limit
    )?)
}

/// Removes a budget; tells whether there was one.
///
/// # Errors
/// When the database fails.
pub async fn clear(
    conn: &mut Conn,
    project: ProjectId,
    scope: &str,
    scope_id: i64,
) -> Result<bool, StoreError> {
    let removed = execute!(
        conn,
        "DELETE FROM budget WHERE project_id = $1 AND scope = $2 AND scope_id = $3",
        project.get(),
        scope,
        scope_id
    )?;
    Ok(removed > 0)
}
