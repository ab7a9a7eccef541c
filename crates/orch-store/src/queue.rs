//! Queue entries in the database, and choosing among the ready ones.

use std::collections::BTreeSet;

use orch_core::ids::{ProjectId, QueueEntryId, RunId, WorkItemId};
use orch_core::queue::{GateStatus, QueueEntry, Status};
use orch_core::time::Timestamp;

use crate::bulk::{Cell, bulk, cells};
use crate::conn::{Dialect, all, json_ids, listing, one, optional, sql};
use crate::inline::row;
use crate::stored::{Lenient, noun, nouns, stored};
use crate::{Conn, Found, Page, StoreError};

row! {
    pub(crate) struct Row {
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
}

stored!(Row, "queue_entry" by id => QueueEntry);

impl TryFrom<Row> for QueueEntry {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let status = match row.state.as_str() {
            "waiting" | "ready" => Status::Queued {
                unmet: u32::try_from(row.unmet)
                    .map_err(|_| StoreError::corrupt("unmet", row.unmet.to_string()))?,
                gate: if row.gate_closed == 0 {
                    GateStatus::Open
                } else {
                    GateStatus::Closed
                },
            },
            "running" => Status::Running {
                run_id: RunId(
                    row.run_id
                        .ok_or_else(|| StoreError::corrupt("run_id", "NULL"))?,
                ),
            },
            "done" => Status::Done,
            "failed" => Status::Failed,
            "cancelled" => Status::Cancelled,
            _ => return Err(StoreError::corrupt("state", &row.state)),
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

/// One row; the order is that of the statements below.
pub(crate) fn push(cells: &mut Vec<Cell>, entry: &QueueEntry) {
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
    cells!(cells;
        entry.id.get(),
        entry.work_item_id.get(),
        entry.project_id.get(),
        i64::from(entry.priority),
        entry.scheduled_for.as_micros(),
        state,
        i64::from(unmet),
        i64::from(gate == GateStatus::Closed),
        run.map(RunId::get),
        i64::from(entry.attempts),
        entry.trace_id.as_deref(),
        entry.created_at.as_micros(),
    );
}

bulk!(
    INSERT,
    "INSERT INTO queue_entry (id, work_item_id, project_id, priority, scheduled_for, state, unmet, gate_closed,
         run_id, attempts, trace_id, created_at) VALUES ",
    [Int, Int, Int, Int, Int, Text, Int, Int, Int, Int, Text, Int],
    ""
);
bulk!(
    UPDATE,
    "UPDATE queue_entry SET priority = v.column4, scheduled_for = v.column5, state = v.column6, unmet = v.column7,
         gate_closed = v.column8, run_id = coalesce(v.column9, run_id), attempts = v.column10, trace_id = v.column11
       FROM (VALUES ",
    [Int, Int, Int, Int, Int, Text, Int, Int, Int, Int, Text, Int],
    ") v WHERE queue_entry.id = v.column1",
    one: "UPDATE queue_entry SET priority = ?4, scheduled_for = ?5, state = ?6, unmet = ?7, gate_closed = ?8,
         run_id = coalesce(?9, run_id), attempts = ?10, trace_id = ?11
       WHERE id = ?1"
);

pub(crate) async fn insert(conn: &mut Conn, rows: Vec<Cell>) -> Result<(), StoreError> {
    INSERT.run(conn, rows).await
}

pub(crate) async fn update(conn: &mut Conn, rows: Vec<Cell>) -> Result<(), StoreError> {
    UPDATE.run(conn, rows).await
}

pub(crate) async fn by_ids(
    conn: &mut Conn,
    ids: &BTreeSet<QueueEntryId>,
) -> Result<Vec<QueueEntry>, StoreError> {
    nouns::<Row>(all!(
        conn,
        Lenient<Row>,
        "SELECT * FROM queue_entry WHERE id IN (SELECT CAST(value AS BIGINT) FROM json_each($1))",
        json_ids(ids.iter().map(|id| id.get()))
    )?)
}

pub(crate) const OPEN_OF: &str = sql!(
    "SELECT * FROM queue_entry WHERE work_item_id IN (SELECT CAST(value AS BIGINT) FROM json_each($1))
        AND state IN ('waiting', 'ready', 'running')"
);

pub(crate) async fn open_of(
    conn: &mut Conn,
    items: &BTreeSet<WorkItemId>,
) -> Result<Vec<QueueEntry>, StoreError> {
    nouns::<Row>(all!(
        conn,
        Lenient<Row>,
        OPEN_OF,
        json_ids(items.iter().map(|id| id.get()))
    )?)
}

pub(crate) const READY: Dialect = sql!(
    sqlite: "WITH RECURSIVE holder (id) AS (
             SELECT min(project_id) FROM queue_entry WHERE state = 'ready'
             UNION ALL
             SELECT (SELECT min(project_id) FROM queue_entry WHERE state = 'ready' AND project_id > holder.id)
               FROM holder WHERE holder.id IS NOT NULL
         )
         SELECT e.id FROM holder
           JOIN project p ON p.id = holder.id
            AND (p.max_runs_per_day IS NULL OR p.window_start NOT IN ($2, $4) OR p.runs_in_window < p.max_runs_per_day)
            AND (p.max_concurrent_runs IS NULL OR p.max_concurrent_runs >
                 (SELECT count(*) FROM run o WHERE o.project_id = p.id AND o.status IN ('running', 'waiting')))
           JOIN queue_entry e ON e.id IN (
                SELECT q.id FROM queue_entry q
                 WHERE q.state = 'ready' AND q.project_id = holder.id AND q.scheduled_for <= $1
                   AND NOT EXISTS (
                       SELECT 1 FROM work_item i JOIN run k ON k.project_id = i.project_id
                          AND k.concurrency_key = i.concurrency_key AND k.status IN ('running', 'waiting')
                        WHERE i.id = q.work_item_id AND i.concurrency_key IS NOT NULL)
                 ORDER BY q.priority DESC, q.id LIMIT $3)",
    postgres: "WITH RECURSIVE holder (id) AS (
             SELECT min(project_id) FROM queue_entry WHERE state = 'ready'
             UNION ALL
             SELECT (SELECT min(project_id) FROM queue_entry WHERE state = 'ready' AND project_id > holder.id)
               FROM holder WHERE holder.id IS NOT NULL
         )
         SELECT e.id FROM holder
           JOIN project p ON p.id = holder.id
            AND (p.max_runs_per_day IS NULL OR p.window_start NOT IN ($2, $4) OR p.runs_in_window < p.max_runs_per_day)
            AND (p.max_concurrent_runs IS NULL OR p.max_concurrent_runs >
                 (SELECT count(*) FROM run o WHERE o.project_id = p.id AND o.status IN ('running', 'waiting')))
          CROSS JOIN LATERAL (
                SELECT q.id FROM queue_entry q
                 WHERE q.state = 'ready' AND q.project_id = holder.id AND q.scheduled_for <= $1
                   AND NOT EXISTS (
                       SELECT 1 FROM work_item i JOIN run k ON k.project_id = i.project_id
                          AND k.concurrency_key = i.concurrency_key AND k.status IN ('running', 'waiting')
                        WHERE i.id = q.work_item_id AND i.concurrency_key IS NOT NULL)
                 ORDER BY q.priority DESC, q.id LIMIT $3) e",
);

/// The values of [`READY`].
pub(crate) fn ready_at(now: Timestamp, most: i64) -> [i64; 4] {
    let (day, next_day) = (now.start_of_day(), now.next_day());
    [now.as_micros(), day.as_micros(), most, next_day.as_micros()]
}

/// Ready and due entries: the first `most` of each project that still has quota and room,
/// without those whose key an open run holds.
pub(crate) async fn ready(
    conn: &mut Conn,
    now: Timestamp,
    most: i64,
) -> Result<BTreeSet<QueueEntryId>, StoreError> {
    let [due, day, most, next_day] = ready_at(now, most);
    let ids = all!(conn, (i64,), READY, due, day, most, next_day)?;
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
        "SELECT min(scheduled_for) FROM queue_entry
          WHERE state = 'ready' AND scheduled_for > created_at AND scheduled_for > $1",
        now.as_micros()
    )?;
    Ok(due.map(Timestamp::from_micros))
}

/// One entry.
///
/// # Errors
/// When the database fails.
pub async fn find(conn: &mut Conn, id: QueueEntryId) -> Result<Option<QueueEntry>, StoreError> {
    noun::<Row>(optional!(
        conn,
        Lenient<Row>,
        "SELECT * FROM queue_entry WHERE id = $1",
        id.get()
    )?)
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
) -> Result<Found<QueueEntry>, StoreError> {
    let sql = listing!(
        page,
        "SELECT * FROM queue_entry WHERE (CAST($1 AS BIGINT) IS NULL OR project_id = $1)
            AND (CAST($2 AS TEXT) IS NULL OR state = $2 OR ($2 = 'queued' AND state IN ('waiting', 'ready')))",
        "id",
        "$3",
        "$4"
    );
    let rows = all!(
        conn,
        Lenient<Row>,
        sql,
        project.map(ProjectId::get),
        status,
        page.after,
        page.limit
    )?;
    Ok(Found::page::<Row>(rows, page))
}

row! {
    /// A dependency of an entry, with where the item it names stands.
    #[derive(Clone, Debug)]
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
          WHERE d.entry_id IN (SELECT CAST(value AS BIGINT) FROM json_each($1)) ORDER BY d.entry_id, d.depends_on",
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
          WHERE met = 0 AND depends_on IN (SELECT CAST(value AS BIGINT) FROM json_each($1))",
        json_ids(items.iter().map(|id| id.get()))
    )?;
    Ok(rows.into_iter().map(|(id,)| WorkItemId(id)).collect())
}
