//! The steps of runs in the database.

use std::collections::BTreeSet;

use orch_core::ids::{QueueEntryId, RunId, StepId, WorkItemId};

use crate::conn::{all, execute, json_ids, one, optional};
use crate::inline::row;
use crate::stored::{Lenient, noun, stored};
use crate::{Conn, Found, StoreError};

row! {
    /// One command or turn of a run: `status` is pending, running, succeeded, failed or skipped;
    /// `detail` is JSON that its worker adds.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Step {
        pub id: i64,
        pub run_id: i64,
        pub number: i64,
        pub name: String,
        pub command: Option<String>,
        pub status: String,
        pub exit_code: Option<i64>,
        pub started_at: Option<i64>,
        pub finished_at: Option<i64>,
        pub detail: String,
    }
}

stored!(Step, "step" by id => Step, json: detail);

/// Stores a new step; its number follows the last one's unless given. The id in `step` is not
/// looked at.
///
/// # Errors
/// When the database fails.
pub async fn insert(conn: &mut Conn, step: &Step, number: Option<i64>) -> Result<Step, StoreError> {
    one!(
        conn,
        Step,
        "INSERT INTO step (run_id, number, name, command, status, exit_code, started_at, finished_at, detail)
         VALUES ($1, coalesce($2, (SELECT coalesce(max(number), 0) + 1 FROM step WHERE run_id = $1)),
                 $3, $4, $5, $6, $7, $8, $9) RETURNING *",
        step.run_id,
        number,
        step.name.as_str(),
        step.command.as_deref(),
        step.status.as_str(),
        step.exit_code,
        step.started_at,
        step.finished_at,
        step.detail.as_str()
    )
}

/// Saves what changed of a step.
///
/// # Errors
/// When the database fails.
pub async fn update(conn: &mut Conn, step: &Step) -> Result<(), StoreError> {
    execute!(
        conn,
        "UPDATE step SET name = $2, command = $3, status = $4, exit_code = $5, started_at = $6,
             finished_at = $7, detail = $8 WHERE id = $1",
        step.id,
        step.name.as_str(),
        step.command.as_deref(),
        step.status.as_str(),
        step.exit_code,
        step.started_at,
        step.finished_at,
        step.detail.as_str()
    )?;
    Ok(())
}

/// One step.
///
/// # Errors
/// When the database fails.
pub async fn find(conn: &mut Conn, id: StepId) -> Result<Option<Step>, StoreError> {
    noun::<Step>(optional!(
        conn,
        Lenient<Step>,
        "SELECT * FROM step WHERE id = $1",
        id.get()
    )?)
}

/// The steps of a run, in order.
///
/// # Errors
/// When the database fails.
pub async fn of_run(conn: &mut Conn, run: RunId) -> Result<Found<Step>, StoreError> {
    Ok(Found::of::<Step>(all!(
        conn,
        Lenient<Step>,
        "SELECT * FROM step WHERE run_id = $1 ORDER BY number, id",
        run.get()
    )?))
}

row! {
    /// A step that was started, with the attempt that it belongs to.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Started {
        pub run_id: i64,
        pub attempt: i64,
        pub number: i64,
        pub command: Option<String>,
        pub status: String,
        pub started_at: Option<i64>,
        pub detail: String,
    }
}

/// The steps of all attempts of a queue entry that were started and say of themselves that they
/// must not be repeated, in order.
///
/// # Errors
/// When the database fails.
pub async fn started_once(
    conn: &mut Conn,
    item: WorkItemId,
    entry: QueueEntryId,
) -> Result<Vec<Started>, StoreError> {
    all!(
        conn,
        Started,
        "SELECT s.run_id, r.attempt, s.number, s.command, s.status, s.started_at, s.detail
           FROM run r JOIN step s ON s.run_id = r.id
          WHERE r.work_item_id = $1 AND r.entry_id = $2 AND s.started_at IS NOT NULL
            AND s.detail LIKE '%\"idempotent\":false%'
          ORDER BY s.run_id, s.number, s.id",
        item.get(),
        entry.get()
    )
}

/// The steps of several runs, in order for each.
pub(crate) async fn of_runs(
    conn: &mut Conn,
    runs: &BTreeSet<RunId>,
) -> Result<Vec<Step>, StoreError> {
    all!(
        conn,
        Step,
        "SELECT * FROM step WHERE run_id IN (SELECT CAST(value AS BIGINT) FROM json_each($1))
         ORDER BY run_id, number, id",
        json_ids(runs.iter().map(|run| run.get()))
    )
}
