//! Info requests in the database. Answers arrive sealed.

use orch_core::event::Event;
use orch_core::ids::{InfoRequestId, ProjectId, RunId};
use orch_core::info_request::{Field, Status};
use orch_core::time::Timestamp;
use serde_json::json;

use crate::conn::{Ids, all, execute, listing, one, optional};
use crate::inline::row;
use crate::stored::{Lenient, noun, stored};
use crate::{Conn, Found, Page, StoreError};

/// A question asked in a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InfoRequest {
    pub id: InfoRequestId,
    pub run_id: RunId,
    pub prompt: String,
    pub fields: Vec<Field>,
    pub status: Status,
    /// The answers, encrypted.
    pub sealed: Option<String>,
    pub created_at: Timestamp,
    pub resolved_at: Option<Timestamp>,
}

row! {
    pub(crate) struct Row {
        id: i64,
        run_id: i64,
        prompt: String,
        fields: String,
        status: String,
        sealed: Option<String>,
        created_at: i64,
        resolved_at: Option<i64>,
    }
}

stored!(Row, "info_request" by id => InfoRequest);

impl TryFrom<Row> for InfoRequest {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: InfoRequestId(row.id),
            run_id: RunId(row.run_id),
            prompt: row.prompt,
            fields: serde_json::from_str(&row.fields).map_err(|_| StoreError::no_json("fields"))?,
            status: Status::parse(&row.status)
                .ok_or_else(|| StoreError::corrupt("status", &row.status))?,
            sealed: row.sealed,
            created_at: Timestamp::from_micros(row.created_at),
            resolved_at: row.resolved_at.map(Timestamp::from_micros),
        })
    }
}

/// Asks.
///
/// # Errors
/// When the database fails.
pub async fn insert(
    conn: &mut Conn,
    run: RunId,
    prompt: &str,
    fields: &[Field],
    now: Timestamp,
) -> Result<InfoRequest, StoreError> {
    one!(
        conn,
        Row,
        "INSERT INTO info_request (run_id, prompt, fields, status, created_at)
         VALUES ($1, $2, $3, 'pending', $4) RETURNING *",
        run.get(),
        prompt,
        serde_json::to_string(fields).expect("invariant: fields serialise"),
        now.as_micros()
    )?
    .try_into()
}

/// Resolves a pending question, once; `None` when it was not pending.
///
/// # Errors
/// When the database fails.
pub async fn resolve(
    conn: &mut Conn,
    id: InfoRequestId,
    sealed: &str,
    now: Timestamp,
) -> Result<Option<InfoRequest>, StoreError> {
    optional!(
        conn,
        Row,
        "UPDATE info_request SET status = 'resolved', sealed = $2, resolved_at = $3
          WHERE id = $1 AND status = 'pending' RETURNING *",
        id.get(),
        sealed,
        now.as_micros()
    )?
    .map(InfoRequest::try_from)
    .transpose()
}

/// One question.
///
/// # Errors
/// When the database fails.
pub async fn find(conn: &mut Conn, id: InfoRequestId) -> Result<Option<InfoRequest>, StoreError> {
    noun::<Row>(optional!(
        conn,
        Lenient<Row>,
        "SELECT * FROM info_request WHERE id = $1",
        id.get()
    )?)
}

/// The questions of a run, oldest first.
///
/// # Errors
/// When the database fails.
pub async fn of_run(conn: &mut Conn, run: RunId) -> Result<Found<InfoRequest>, StoreError> {
    Ok(Found::of::<Row>(all!(
        conn,
        Lenient<Row>,
        "SELECT * FROM info_request WHERE run_id = $1 ORDER BY id",
        run.get()
    )?))
}

/// Questions of all runs, or of those of one project, of one status or of any.
///
/// # Errors
/// When the database fails.
pub async fn list(
    conn: &mut Conn,
    status: Option<Status>,
    project: Option<ProjectId>,
    page: Page,
) -> Result<Found<InfoRequest>, StoreError> {
    let sql = listing!(
        page,
        "SELECT * FROM info_request
          WHERE (CAST($1 AS TEXT) IS NULL OR status = $1)
            AND (CAST($2 AS BIGINT) IS NULL
                 OR EXISTS (SELECT 1 FROM run WHERE run.id = info_request.run_id AND run.project_id = $2))",
        "id",
        "$3",
        "$4"
    );
    let rows = all!(
        conn,
        Lenient<Row>,
        sql,
        status.map(Status::as_str),
        project.map(ProjectId::get),
        page.after,
        page.limit
    )?;
    Ok(Found::page::<Row>(rows, page))
}

/// What a run still waits for: pending questions, pending approvals.
///
/// # Errors
/// When the database fails.
pub async fn pending_in(conn: &mut Conn, run: RunId) -> Result<i64, StoreError> {
    let (pending,) = one!(
        conn,
        (i64,),
        "SELECT (SELECT count(*) FROM info_request WHERE run_id = $1 AND status = 'pending')
              + (SELECT count(*) FROM approval WHERE run_id = $1 AND status = 'pending')",
        run.get()
    )?;
    Ok(pending)
}

/// The runs are over: their questions are void.
pub(crate) async fn cancel_of_runs(
    conn: &mut Conn,
    runs: Ids,
    now: Timestamp,
) -> Result<Vec<Event>, StoreError> {
    let cancelled = all!(
        conn,
        (i64, i64, i64),
        "UPDATE info_request SET status = 'cancelled', resolved_at = $2
          WHERE status = 'pending' AND run_id IN (SELECT CAST(value AS BIGINT) FROM json_each($1))
         RETURNING id, run_id, (SELECT project_id FROM run r WHERE r.id = info_request.run_id)",
        runs,
        now.as_micros()
    )?;
    let event = |(id, run, project): (i64, i64, i64)| {
        let data = json!({"info_request_id": id, "run_id": run});
        Event::new("info_request.cancelled", ProjectId(project), data)
    };
    Ok(cancelled.into_iter().map(event).collect())
}

/// Sealed answers after an id, oldest first.
///
/// # Errors
/// When the database fails.
pub async fn sealed_after(
    conn: &mut Conn,
    id: i64,
    limit: i64,
) -> Result<Vec<(i64, String)>, StoreError> {
    all!(
        conn,
        (i64, String),
        "SELECT id, sealed FROM info_request WHERE id > $1 AND sealed IS NOT NULL ORDER BY id LIMIT $2",
        id,
        limit
    )
}

/// Keeps the same answers sealed anew.
///
/// # Errors
/// When the database fails.
pub async fn reseal(conn: &mut Conn, id: i64, sealed: &str) -> Result<(), StoreError> {
    execute!(
        conn,
        "UPDATE info_request SET sealed = $2 WHERE id = $1",
        id,
        sealed
    )?;
    Ok(())
}
