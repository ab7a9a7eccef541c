//! Approvals in the database.

use orch_core::approval::{Approval, Decision, Status, Subject};
use orch_core::digest::Digest;
use orch_core::event::Event;
use orch_core::ids::{ApprovalId, ProjectId, QueueEntryId, RunId, WorkItemId};
use orch_core::time::Timestamp;
use serde_json::json;

use crate::conn::{Ids, all, execute, json_ids, listing, one, optional};
use crate::inline::row;
use crate::stored::{Lenient, noun, nouns, stored};
use crate::{Conn, Found, Page, StoreError};

row! {
    pub(crate) struct Row {
        id: i64,
        work_item_id: i64,
        run_id: Option<i64>,
        status: String,
        reason: Option<String>,
        digest: String,
        planned_steps: Option<String>,
        used_by: Option<i64>,
        created_at: i64,
        decided_at: Option<i64>,
        decided_by: Option<String>,
        decision_reason: Option<String>,
    }
}

stored!(Row, "approval" by id => Approval, json: planned_steps);

impl TryFrom<Row> for Approval {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let decision = row.decided_at.zip(row.decided_by).map(|(at, by)| Decision {
            by,
            at: Timestamp::from_micros(at),
            reason: row.decision_reason,
        });
        Ok(Self {
            id: ApprovalId(row.id),
            work_item_id: WorkItemId(row.work_item_id),
            subject: match row.run_id {
                Some(run) => Subject::PlannedSteps { run_id: RunId(run) },
                None => Subject::WorkItem,
            },
            status: Status::parse(&row.status)
                .ok_or_else(|| StoreError::corrupt("status", &row.status))?,
            reason: row.reason,
            digest: Digest::from_hex(&row.digest)
                .ok_or_else(|| StoreError::corrupt("digest", &row.digest))?,
            planned_steps: row.planned_steps,
            used_by: row.used_by.map(QueueEntryId),
            created_at: Timestamp::from_micros(row.created_at),
            decision,
        })
    }
}

/// Requests an approval of an item, or of the steps planned in one of its runs.
///
/// # Errors
/// When the database fails.
pub async fn insert(
    conn: &mut Conn,
    item: WorkItemId,
    subject: Subject,
    reason: Option<&str>,
    digest: Digest,
    planned_steps: Option<&str>,
    now: Timestamp,
) -> Result<Approval, StoreError> {
    let run = match subject {
        Subject::WorkItem => None,
        Subject::PlannedSteps { run_id } => Some(run_id.get()),
    };
    one!(
        conn,
        Row,
        "INSERT INTO approval (work_item_id, run_id, status, reason, digest, planned_steps, created_at)
         VALUES ($1, $2, 'pending', $3, $4, $5, $6) RETURNING *",
        item.get(),
        run,
        reason,
        digest.to_hex(),
        planned_steps,
        now.as_micros()
    )?
    .try_into()
}

/// Saves status, use and decision.
///
/// # Errors
/// When the database fails.
pub async fn update(conn: &mut Conn, approval: &Approval) -> Result<(), StoreError> {
    let decision = approval.decision.as_ref();
    execute!(
        conn,
        "UPDATE approval SET status = $2, used_by = $3, decided_at = $4, decided_by = $5, decision_reason = $6
          WHERE id = $1",
        approval.id.get(),
        approval.status.as_str(),
        approval.used_by.map(QueueEntryId::get),
        decision.map(|decision| decision.at.as_micros()),
        decision.map(|decision| decision.by.as_str()),
        decision.and_then(|decision| decision.reason.as_deref())
    )?;
    Ok(())
}

/// One approval.
///
/// # Errors
/// When the database fails.
pub async fn find(conn: &mut Conn, id: ApprovalId) -> Result<Option<Approval>, StoreError> {
    noun::<Row>(optional!(
        conn,
        Lenient<Row>,
        "SELECT * FROM approval WHERE id = $1",
        id.get()
    )?)
}

pub(crate) async fn of_items(
    conn: &mut Conn,
    items: Vec<i64>,
) -> Result<Found<Approval>, StoreError> {
    Ok(Found::of::<Row>(all!(
        conn,
        Lenient<Row>,
        "SELECT * FROM approval WHERE work_item_id IN (SELECT CAST(value AS BIGINT) FROM json_each($1)) ORDER BY id",
        json_ids(items)
    )?))
}

/// Approvals of several items, oldest first.
///
/// # Errors
/// When the database fails.
pub async fn of_work_items(
    conn: &mut Conn,
    items: &[WorkItemId],
) -> Result<Found<Approval>, StoreError> {
    of_items(conn, items.iter().map(|id| id.get()).collect()).await
}

/// Approvals asked for in a run, oldest first.
///
/// # Errors
/// When the database fails.
pub async fn of_run(conn: &mut Conn, run: RunId) -> Result<Vec<Approval>, StoreError> {
    nouns::<Row>(all!(
        conn,
        Lenient<Row>,
        "SELECT * FROM approval WHERE run_id = $1 ORDER BY id",
        run.get()
    )?)
}

/// Approvals of all items, of one status or of any.
///
/// # Errors
/// When the database fails.
pub async fn list(
    conn: &mut Conn,
    status: Option<Status>,
    page: Page,
) -> Result<Found<Approval>, StoreError> {
    let sql = listing!(
        page,
        "SELECT * FROM approval WHERE (CAST($1 AS TEXT) IS NULL OR status = $1)",
        "id",
        "$2",
        "$3"
    );
    let rows = all!(
        conn,
        Lenient<Row>,
        sql,
        status.map(Status::as_str),
        page.after,
        page.limit
    )?;
    Ok(Found::page::<Row>(rows, page))
}

/// The runs are over: what was asked in them is void.
pub(crate) async fn expire_of_runs(conn: &mut Conn, runs: Ids) -> Result<Vec<Event>, StoreError> {
    let expired = all!(
        conn,
        (i64, i64, i64),
        "UPDATE approval SET status = 'expired'
          WHERE status = 'pending' AND run_id IN (SELECT CAST(value AS BIGINT) FROM json_each($1))
         RETURNING id, run_id, (SELECT project_id FROM work_item i WHERE i.id = approval.work_item_id)",
        runs
    )?;
    let event = |(id, run, project): (i64, i64, i64)| {
        Event::new(
            "approval.expired",
            ProjectId(project),
            json!({"approval_id": id, "run_id": run}),
        )
    };
    Ok(expired.into_iter().map(event).collect())
}
