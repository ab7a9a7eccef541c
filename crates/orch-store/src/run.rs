//! Runs in the database.

use std::collections::BTreeSet;

use orch_core::digest::Digest;
use orch_core::ids::{AgentName, ProjectId, QueueEntryId, RunId, WorkItemId};
use orch_core::run::{Finish, Lease, Outcome, Run, RunState};
use orch_core::source::Source;
use orch_core::time::Timestamp;
use orch_core::work_item::ConcurrencyKey;

use crate::bulk::{Cell, bulk, cells};
use crate::conn::{Dialect, all, execute, json_ids, listing, one, optional, sql};
use crate::inline::row;
use crate::source;
use crate::stored::{Lenient, Stored as _, noun, nouns, stored};
use crate::work_item::{duration, key, micros};
use crate::{Conn, Found, Key, Page, StoreError, Unreadable};

row! {
    pub(crate) struct Row {
        id: i64,
        work_item_id: i64,
        project_id: i64,
        entry_id: i64,
        attempt: i64,
        priority: i64,
        status: String,
        agent: Option<String>,
        lease_until: Option<i64>,
        lease_ttl_us: Option<i64>,
        epoch: i64,
        lapses: i64,
        trace_id: String,
        digest: String,
        created_at: i64,
        started_at: Option<i64>,
        finished_at: Option<i64>,
        exit_code: Option<i64>,
        reason: Option<String>,
        concurrency_key: Option<String>,
        source: Option<String>,
    }
}

stored!(Row, "run" by id => Run);

impl TryFrom<Row> for Run {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let agent = row.agent.as_deref().and_then(AgentName::parse);
        let lease = match (&agent, row.lease_until, row.lease_ttl_us) {
            (Some(agent), Some(until), Some(ttl)) => Some(Lease {
                agent: agent.clone(),
                until: Timestamp::from_micros(until),
                ttl: duration(ttl),
            }),
            _ => None,
        };
        let state = match row.status.as_str() {
            "running" => RunState::Running { lease },
            "waiting" => RunState::Waiting { lease },
            ended => RunState::Finished(Finish {
                outcome: Outcome::parse(ended)
                    .ok_or_else(|| StoreError::corrupt("status", ended))?,
                at: Timestamp::from_micros(row.finished_at.unwrap_or(row.created_at)),
                exit_code: row.exit_code.and_then(|code| i32::try_from(code).ok()),
                agent,
                reason: row.reason,
            }),
        };
        Ok(Self {
            id: RunId(row.id),
            work_item_id: WorkItemId(row.work_item_id),
            project_id: ProjectId(row.project_id),
            entry_id: QueueEntryId(row.entry_id),
            attempt: u32::try_from(row.attempt).unwrap_or(1),
            priority: i32::try_from(row.priority).unwrap_or(0),
            concurrency_key: row.concurrency_key.map(key).transpose()?,
            state,
            epoch: u64::try_from(row.epoch).unwrap_or(0),
            lapses: u32::try_from(row.lapses).unwrap_or(0),
            trace_id: row.trace_id,
            digest: Digest::from_hex(&row.digest)
                .ok_or_else(|| StoreError::corrupt("digest", &row.digest))?,
            created_at: Timestamp::from_micros(row.created_at),
            started_at: row.started_at.map(Timestamp::from_micros),
            source: row.source.map(source::source).transpose()?.map(Box::new),
        })
    }
}

/// One row; the order is that of the statements below.
pub(crate) fn push(cells: &mut Vec<Cell>, run: &Run) {
    let lease = run.lease();
    let finish = match &run.state {
        RunState::Finished(finish) => Some(finish),
        RunState::Running { .. } | RunState::Waiting { .. } => None,
    };
    let agent = lease
        .map(|lease| &lease.agent)
        .or(finish.and_then(|finish| finish.agent.as_ref()));
    cells!(cells;
        run.id.get(),
        run.work_item_id.get(),
        run.project_id.get(),
        run.entry_id.get(),
        i64::from(run.attempt),
        i64::from(run.priority),
        run.status(),
        agent.map(AgentName::as_str),
        lease.map(|lease| lease.until.as_micros()),
        lease.map(|lease| micros(lease.ttl)),
        i64::try_from(run.epoch).unwrap_or(i64::MAX),
        i64::from(run.lapses),
        run.trace_id.as_str(),
        run.digest.to_hex(),
        run.created_at.as_micros(),
        run.started_at.map(Timestamp::as_micros),
        finish.map(|finish| finish.at.as_micros()),
        finish.and_then(|finish| finish.exit_code).map(i64::from),
        finish.and_then(|finish| finish.reason.as_deref()),
        run.concurrency_key.as_ref().map(ConcurrencyKey::as_str),
    );
}

bulk!(
    INSERT,
    "INSERT INTO run (id, work_item_id, project_id, entry_id, attempt, priority, status, agent, lease_until,
         lease_ttl_us, epoch, lapses, trace_id, digest, created_at, started_at, finished_at, exit_code, reason,
         concurrency_key) VALUES ",
    [Int, Int, Int, Int, Int, Int, Text, Text, Int, Int, Int, Int, Text, Text, Int, Int, Int, Int, Text, Text],
    ""
);
bulk!(
    UPDATE,
    "UPDATE run SET status = v.column7, agent = v.column8, lease_until = v.column9, lease_ttl_us = v.column10,
         epoch = v.column11, lapses = v.column12, digest = v.column14, started_at = v.column16,
         finished_at = v.column17, exit_code = v.column18, reason = v.column19
       FROM (VALUES ",
    [Int, Int, Int, Int, Int, Int, Text, Text, Int, Int, Int, Int, Text, Text, Int, Int, Int, Int, Text, Text],
    ") v WHERE run.id = v.column1",
    one: "UPDATE run SET status = ?7, agent = ?8, lease_until = ?9, lease_ttl_us = ?10, epoch = ?11, lapses = ?12,
         digest = ?14, started_at = ?16, finished_at = ?17, exit_code = ?18, reason = ?19
       WHERE id = ?1"
);

/// Keeps the commit that a run works on.
///
/// # Errors
/// When the database fails.
pub async fn set_source(conn: &mut Conn, run: RunId, source: &Source) -> Result<(), StoreError> {
    execute!(
        conn,
        "UPDATE run SET source = $2 WHERE id = $1",
        run.get(),
        source::text(source)
    )?;
    Ok(())
}

pub(crate) async fn insert(conn: &mut Conn, rows: Vec<Cell>) -> Result<(), StoreError> {
    INSERT.run(conn, rows).await
}

pub(crate) async fn update(conn: &mut Conn, rows: Vec<Cell>) -> Result<(), StoreError> {
    UPDATE.run(conn, rows).await
}

pub(crate) const BY_IDS: &str =
    sql!("SELECT * FROM run WHERE id IN (SELECT CAST(value AS BIGINT) FROM json_each($1))");

pub(crate) async fn by_ids(conn: &mut Conn, ids: &BTreeSet<RunId>) -> Result<Vec<Run>, StoreError> {
    nouns::<Row>(all!(
        conn,
        Lenient<Row>,
        BY_IDS,
        json_ids(ids.iter().map(|id| id.get()))
    )?)
}

/// One run.
///
/// # Errors
/// When the database fails.
pub async fn find(conn: &mut Conn, id: RunId) -> Result<Option<Run>, StoreError> {
    noun::<Row>(optional!(
        conn,
        Lenient<Row>,
        "SELECT * FROM run WHERE id = $1",
        id.get()
    )?)
}

/// Several runs.
///
/// # Errors
/// When the database fails.
pub async fn find_all(conn: &mut Conn, ids: &BTreeSet<RunId>) -> Result<Found<Run>, StoreError> {
    Ok(Found::of::<Row>(all!(
        conn,
        Lenient<Row>,
        BY_IDS,
        json_ids(ids.iter().map(|id| id.get()))
    )?))
}

/// Which runs to list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub work_item: Option<WorkItemId>,
    pub project: Option<ProjectId>,
    pub status: Option<String>,
}

/// Runs that match, by id.
///
/// # Errors
/// When the database fails.
pub async fn list(conn: &mut Conn, filter: &Filter, page: Page) -> Result<Found<Run>, StoreError> {
    let sql = match filter.work_item {
        Some(_) => listing!(
            page,
            "SELECT * FROM run WHERE work_item_id = $1 AND (CAST($2 AS BIGINT) IS NULL OR project_id = $2)
                AND (CAST($3 AS TEXT) IS NULL OR status = $3)",
            "id",
            "$4",
            "$5"
        ),
        None => listing!(
            page,
            "SELECT * FROM run WHERE CAST($1 AS BIGINT) IS NULL AND (CAST($2 AS BIGINT) IS NULL OR project_id = $2)
                AND (CAST($3 AS TEXT) IS NULL OR status = $3)",
            "id",
            "$4",
            "$5"
        ),
    };
    let rows = all!(
        conn,
        Lenient<Row>,
        sql,
        filter.work_item.map(WorkItemId::get),
        filter.project.map(ProjectId::get),
        filter.status.clone(),
        page.after,
        page.limit
    )?;
    Ok(Found::page::<Row>(rows, page))
}

pub(crate) const UNCLAIMED: Dialect = sql!(
    sqlite: "WITH RECURSIVE holder (id) AS (
             SELECT min(project_id) FROM run WHERE status = 'running' AND agent IS NULL
             UNION ALL
             SELECT (SELECT min(project_id) FROM run
                      WHERE status = 'running' AND agent IS NULL AND project_id > holder.id)
               FROM holder WHERE holder.id IS NOT NULL
         )
         SELECT r.id FROM holder JOIN run r ON r.id IN (
                SELECT u.id FROM run u WHERE u.status = 'running' AND u.agent IS NULL AND u.project_id = holder.id
                 ORDER BY u.priority DESC, u.id LIMIT $1)",
    postgres: "WITH RECURSIVE holder (id) AS (
             SELECT min(project_id) FROM run WHERE status = 'running' AND agent IS NULL
             UNION ALL
             SELECT (SELECT min(project_id) FROM run
                      WHERE status = 'running' AND agent IS NULL AND project_id > holder.id)
               FROM holder WHERE holder.id IS NOT NULL
         )
         SELECT r.id FROM holder CROSS JOIN LATERAL (
                SELECT u.id FROM run u WHERE u.status = 'running' AND u.agent IS NULL AND u.project_id = holder.id
                 ORDER BY u.priority DESC, u.id LIMIT $1) r",
);

/// Runs that nobody holds: the first `most` of each project, most urgent first.
pub(crate) async fn unclaimed(conn: &mut Conn, most: i64) -> Result<BTreeSet<RunId>, StoreError> {
    let ids = all!(conn, (i64,), UNCLAIMED, most)?;
    Ok(ids.into_iter().map(|(id,)| RunId(id)).collect())
}

/// How many runs of these projects have not ended.
///
/// # Errors
/// When the database fails.
pub async fn open_in(
    conn: &mut Conn,
    projects: &BTreeSet<ProjectId>,
) -> Result<Vec<(i64, i64)>, StoreError> {
    all!(
        conn,
        (i64, i64),
        "SELECT project_id, count(*) FROM run
          WHERE status IN ('running', 'waiting')
            AND project_id IN (SELECT CAST(value AS BIGINT) FROM json_each($1))
          GROUP BY project_id",
        json_ids(projects.iter().map(|id| id.get()))
    )
}

/// The concurrency keys that open runs of these projects hold: project, key, run.
///
/// # Errors
/// When the database fails.
pub async fn keys_held_in(
    conn: &mut Conn,
    projects: &BTreeSet<ProjectId>,
) -> Result<Vec<(ProjectId, ConcurrencyKey, RunId)>, StoreError> {
    all!(
        conn,
        (i64, String, i64),
        "SELECT project_id, concurrency_key, id FROM run
          WHERE concurrency_key IS NOT NULL AND status IN ('running', 'waiting')
            AND project_id IN (SELECT CAST(value AS BIGINT) FROM json_each($1))",
        json_ids(projects.iter().map(|id| id.get()))
    )?
    .into_iter()
    .map(|(project, held, run)| {
        let unreadable = |held: &str| Unreadable {
            table: Row::TABLE,
            key: Key::Number(run),
            column: Some("concurrency_key".to_owned()),
            what: format!("holds `{}`", held.chars().take(80).collect::<String>()),
        };
        let held = ConcurrencyKey::parse(&held).map_err(|_| Box::new(unreadable(&held)))?;
        Ok((ProjectId(project), held, RunId(run)))
    })
    .collect()
}

/// Runs whose lease has run out.
///
/// # Errors
/// When the database fails.
pub async fn lapsed(conn: &mut Conn, now: Timestamp, most: i64) -> Result<Vec<RunId>, StoreError> {
    let ids = all!(
        conn,
        (i64,),
        "SELECT id FROM run WHERE lease_until IS NOT NULL AND status IN ('running', 'waiting')
            AND lease_until <= $1 ORDER BY lease_until LIMIT $2",
        now.as_micros(),
        most
    )?;
    Ok(ids.into_iter().map(|(id,)| RunId(id)).collect())
}

/// Runs that an agent holds.
///
/// # Errors
/// When the database fails.
pub async fn held_by(conn: &mut Conn, agent: &AgentName) -> Result<Vec<RunId>, StoreError> {
    let ids = all!(
        conn,
        (i64,),
        "SELECT id FROM run WHERE lease_until IS NOT NULL AND status IN ('running', 'waiting') AND agent = $1",
        agent.as_str()
    )?;
    Ok(ids.into_iter().map(|(id,)| RunId(id)).collect())
}

/// When the next lease runs out.
///
/// # Errors
/// When the database fails.
pub async fn next_lapse(conn: &mut Conn) -> Result<Option<Timestamp>, StoreError> {
    let (until,) = one!(
        conn,
        (Option<i64>,),
        "SELECT min(lease_until) FROM run WHERE lease_until IS NOT NULL AND status IN ('running', 'waiting')"
    )?;
    Ok(until.map(Timestamp::from_micros))
}

/// Renews the live leases of an agent, each by its own length.
///
/// # Errors
/// When the database fails.
pub async fn renew(conn: &mut Conn, agent: &AgentName, now: Timestamp) -> Result<u64, StoreError> {
    execute!(
        conn,
        "UPDATE run SET lease_until = $2 + lease_ttl_us
          WHERE lease_until IS NOT NULL AND status IN ('running', 'waiting') AND agent = $1 AND lease_until > $2",
        agent.as_str(),
        now.as_micros()
    )
}
