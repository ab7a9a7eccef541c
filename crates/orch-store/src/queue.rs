//! Queue entries in the database, and choosing among the ready ones.

use std::collections::BTreeSet;

use orch_core::ids::{ProjectId, QueueEntryId, RunId, WorkItemId};
use orch_core::queue::{GateStatus, QueueEntry, Status};
use orch_core::time::Timestamp;
use serde_json::{Value, json};
use sqlx::FromRow;

use crate::conn::{all, execute, json_ids, one, optional};
use crate::{Conn, Order, Page, StoreError};

#[derive(FromRow)]
struct Row {
    id: i64,
    work_item_id: i64,
    project_id: i64,
    priority: i64,
    scheduled_for: i64,
    state: String,
    unmet: i64,
    gate_closed: i64,
    run_id: Option<i64>,
    attempts: i64,
    trace_id: Option<String>,
    created_at: i64,
}

impl TryFrom<Row> for QueueEntry {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let corrupt = || StoreError::corrupt("queue entry", &row.state);
        let status = match row.state.as_str() {
            "waiting" | "ready" => Status::Queued {
                unmet: u32::try_from(row.unmet).map_err(|_| corrupt())?,
                gate: if row.gate_closed == 0 {
                    GateStatus::Open
                } else {
                    GateStatus::Closed
                },
            },
            "running" => Status::Running {
                run_id: RunId(row.run_id.ok_or_else(corrupt)?),
            },
            "done" => Status::Done,
            "failed" => Status::Failed,
            "cancelled" => Status::Cancelled,
            _ => return Err(corrupt()),
        };
        Ok(Self {
            id: QueueEntryId(row.id),
            work_item_id: WorkItemId(row.work_item_id),
            project_id: ProjectId(row.project_id),
            priority: i32::try_from(row.priority).unwrap_or(0),
            scheduled_for: Timestamp::from_micros(row.scheduled_for),
            status,
            attempts: u32::try_from(row.attempts).unwrap_or(0),
            trace_id: row.trace_id,
            created_at: Timestamp::from_micros(row.created_at),
        })
    }
}

pub(crate) fn to_json(entry: &QueueEntry) -> Value {
    let (state, unmet, gate, run) = match entry.status {
        Status::Queued { unmet, gate } => (
            if entry.status.is_ready() {
                "ready"
            } else {
                "waiting"
            },
            unmet,
            gate,
            None,
        ),
        Status::Running { run_id } => ("running", 0, GateStatus::Open, Some(run_id)),
        Status::Done => ("done", 0, GateStatus::Open, None),
        Status::Failed => ("failed", 0, GateStatus::Open, None),
        Status::Cancelled => ("cancelled", 0, GateStatus::Open, None),
    };
    json!([
        entry.id,
        entry.work_item_id,
        entry.project_id,
        entry.priority,
        entry.scheduled_for.as_micros(),
        state,
        unmet,
        i32::from(gate == GateStatus::Closed),
        run,
        entry.attempts,
        entry.trace_id,
        entry.created_at.as_micros(),
    ])
}

pub(crate) async fn insert(conn: &mut Conn, rows: Option<String>) -> Result<(), StoreError> {
    let Some(rows) = rows else { return Ok(()) };
    execute!(
        conn,
        "INSERT INTO queue_entry (id, work_item_id, project_id, priority, scheduled_for, state, unmet,
             gate_closed, run_id, attempts, trace_id, created_at)
         SELECT CAST(j.value->>0 AS BIGINT), CAST(j.value->>1 AS BIGINT), CAST(j.value->>2 AS BIGINT),
             CAST(j.value->>3 AS BIGINT), CAST(j.value->>4 AS BIGINT), j.value->>5, CAST(j.value->>6 AS BIGINT),
             CAST(j.value->>7 AS BIGINT), CAST(j.value->>8 AS BIGINT), CAST(j.value->>9 AS BIGINT),
             j.value->>10, CAST(j.value->>11 AS BIGINT)
           FROM json_each($1) j",
        rows
    )?;
    Ok(())
}

pub(crate) async fn update(conn: &mut Conn, rows: Option<String>) -> Result<(), StoreError> {
    let Some(rows) = rows else { return Ok(()) };
    execute!(
        conn,
        "UPDATE queue_entry SET priority = CAST(j.value->>3 AS BIGINT),
             scheduled_for = CAST(j.value->>4 AS BIGINT), state = j.value->>5,
             unmet = CAST(j.value->>6 AS BIGINT), gate_closed = CAST(j.value->>7 AS BIGINT),
             run_id = coalesce(CAST(j.value->>8 AS BIGINT), run_id),
             attempts = CAST(j.value->>9 AS BIGINT), trace_id = j.value->>10
           FROM json_each($1) j WHERE queue_entry.id = CAST(j.value->>0 AS BIGINT)",
        rows
    )?;
    Ok(())
}

fn entries(rows: Vec<Row>) -> Result<Vec<QueueEntry>, StoreError> {
    rows.into_iter().map(QueueEntry::try_from).collect()
}

pub(crate) async fn by_ids(
    conn: &mut Conn,
    ids: &BTreeSet<QueueEntryId>,
) -> Result<Vec<QueueEntry>, StoreError> {
    entries(all!(
        conn,
        Row,
        "SELECT * FROM queue_entry WHERE id IN (SELECT value FROM json_each($1))",
        json_ids(ids.iter().map(|id| id.get()))
    )?)
}

pub(crate) async fn open_of(
    conn: &mut Conn,
    items: &BTreeSet<WorkItemId>,
) -> Result<Vec<QueueEntry>, StoreError> {
    entries(all!(
        conn,
        Row,
        "SELECT * FROM queue_entry WHERE work_item_id IN (SELECT value FROM json_each($1))
            AND state IN ('waiting', 'ready', 'running')",
        json_ids(items.iter().map(|id| id.get()))
    )?)
}

/// Ready and due entries: the first `most` of each project that still has quota.
pub(crate) async fn ready(
    conn: &mut Conn,
    now: Timestamp,
    most: i64,
) -> Result<BTreeSet<QueueEntryId>, StoreError> {
    let ids = all!(
        conn,
        (i64,),
        "WITH RECURSIVE holder (id) AS (
             SELECT min(project_id) FROM queue_entry WHERE state = 'ready'
             UNION ALL
             SELECT (SELECT min(project_id) FROM queue_entry WHERE state = 'ready' AND project_id > holder.id)
               FROM holder WHERE holder.id IS NOT NULL
         )
         SELECT e.id FROM holder
           JOIN project p ON p.id = holder.id
            AND (p.max_runs_per_day IS NULL OR p.window_start <> $2 OR p.runs_in_window < p.max_runs_per_day)
           JOIN queue_entry e ON e.id IN (
                SELECT q.id FROM queue_entry q
                 WHERE q.state = 'ready' AND q.project_id = holder.id AND q.scheduled_for <= $1
                 ORDER BY q.priority DESC, q.id LIMIT $3)",
        now.as_micros(),
        now.start_of_day().as_micros(),
        most
    )?;
    Ok(ids.into_iter().map(|(id,)| QueueEntryId(id)).collect())
}

/// When the next entry that is ready but not due yet becomes due.
///
/// # Errors
/// When the database fails.
pub async fn next_due(conn: &mut Conn, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
    let (due,) = one!(
        conn,
        (Option<i64>,),
        "SELECT min(scheduled_for) FROM queue_entry WHERE state = 'ready' AND scheduled_for > $1",
        now.as_micros()
    )?;
    Ok(due.map(Timestamp::from_micros))
}

/// One entry.
///
/// # Errors
/// When the database fails.
pub async fn find(conn: &mut Conn, id: QueueEntryId) -> Result<Option<QueueEntry>, StoreError> {
    optional!(
        conn,
        Row,
        "SELECT * FROM queue_entry WHERE id = $1",
        id.get()
    )?
    .map(QueueEntry::try_from)
    .transpose()
}

/// Entries by id, of all projects or of one; of all states or of one (as the API names it).
///
/// # Errors
/// When the database fails.
pub async fn list(
    conn: &mut Conn,
    project: Option<ProjectId>,
    status: Option<&str>,
    page: Page,
) -> Result<Vec<QueueEntry>, StoreError> {
    let sql = match page.order {
        Order::OldestFirst => {
            "SELECT * FROM queue_entry WHERE ($1 IS NULL OR project_id = $1)
                AND ($2 IS NULL OR state = $2 OR ($2 = 'queued' AND state IN ('waiting', 'ready')))
                AND ($3 IS NULL OR id > $3) ORDER BY id LIMIT $4"
        }
        Order::NewestFirst => {
            "SELECT * FROM queue_entry WHERE ($1 IS NULL OR project_id = $1)
                AND ($2 IS NULL OR state = $2 OR ($2 = 'queued' AND state IN ('waiting', 'ready')))
                AND ($3 IS NULL OR id < $3) ORDER BY id DESC LIMIT $4"
        }
    };
    entries(all!(
        conn,
        Row,
        sql,
        project.map(ProjectId::get),
        status,
        page.after,
        page.limit
    )?)
}

/// A dependency of an entry, with where the item it names stands.
#[derive(Clone, Debug, FromRow)]
pub struct DependencyRow {
    pub entry_id: i64,
    pub depends_on: i64,
    pub met: i64,
    pub title: String,
    /// The item's column on the board.
    pub item_state: String,
    /// The newest entry's state of that item, when it has one.
    pub standing: Option<String>,
}

/// The dependencies of some entries.
///
/// # Errors
/// When the database fails.
pub async fn dependencies(
    conn: &mut Conn,
    of: &[QueueEntryId],
) -> Result<Vec<DependencyRow>, StoreError> {
    all!(
        conn,
        DependencyRow,
        "SELECT d.entry_id, d.depends_on, d.met, i.title, i.state AS item_state,
                (SELECT e.state FROM queue_entry e WHERE e.work_item_id = d.depends_on
                  ORDER BY e.id DESC LIMIT 1) AS standing
           FROM queue_dependency d JOIN work_item i ON i.id = d.depends_on
          WHERE d.entry_id IN (SELECT value FROM json_each($1)) ORDER BY d.entry_id, d.depends_on",
        json_ids(of.iter().map(|id| id.get()))
    )
}

/// Which of `items` some queued entry still waits for.
pub(crate) async fn waited_for(
    conn: &mut Conn,
    items: &BTreeSet<WorkItemId>,
) -> Result<BTreeSet<WorkItemId>, StoreError> {
    let rows = all!(
        conn,
        (i64,),
        "SELECT DISTINCT depends_on FROM queue_dependency
          WHERE met = 0 AND depends_on IN (SELECT value FROM json_each($1))",
        json_ids(items.iter().map(|id| id.get()))
    )?;
    Ok(rows.into_iter().map(|(id,)| WorkItemId(id)).collect())
}
