//! Work items in the database.

use std::collections::BTreeSet;
use std::time::Duration;

use orch_core::digest::Digest;
use orch_core::ids::{ProjectId, RecipeId, WorkItemId};
use orch_core::source::Reference;
use orch_core::work_item::{ApprovalHistory, ConcurrencyKey, Kind, Policy, State, WorkItem};

use crate::bulk::{Cell, bulk, cells};
use crate::conn::{all, json_ids, listing, optional};
use crate::inline::row;
use crate::source;
use crate::stored::{Lenient, noun, stored};
use crate::{Conn, Found, StoreError};

row! {
    pub(crate) struct Row {
        id: i64,
        project_id: i64,
        title: String,
        description: String,
        kind: String,
        environment: Option<String>,
        state: String,
        max_retries: Option<i64>,
        backoff_base_us: Option<i64>,
        backoff_jitter_us: Option<i64>,
        approval_asked: i64,
        recipe_id: Option<i64>,
        digest: String,
        created_at: i64,
        version: i64,
        concurrency_key: Option<String>,
        reference: Option<String>,
        pinned: Option<String>,
    }
}

stored!(Row, "work_item" by id => WorkItem);

impl TryFrom<Row> for WorkItem {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: WorkItemId(row.id),
            project_id: ProjectId(row.project_id),
            kind: Kind::parse(&row.kind).ok_or_else(|| StoreError::corrupt("kind", &row.kind))?,
            state: State::parse(&row.state)
                .ok_or_else(|| StoreError::corrupt("state", &row.state))?,
            digest: Digest::from_hex(&row.digest)
                .ok_or_else(|| StoreError::corrupt("digest", &row.digest))?,
            title: row.title,
            description: row.description,
            environment: row.environment,
            policy: Policy {
                max_retries: row.max_retries.and_then(|n| u32::try_from(n).ok()),
                backoff_base: row.backoff_base_us.map(duration),
                backoff_jitter: row.backoff_jitter_us.map(duration),
            },
            concurrency_key: row.concurrency_key.map(key).transpose()?,
            approval: if row.approval_asked == 0 {
                ApprovalHistory::NeverRequested
            } else {
                ApprovalHistory::Requested
            },
            recipe_id: row.recipe_id.map(RecipeId),
            reference: row.reference.map(source::reference).transpose()?,
            pinned: row.pinned.map(source::source).transpose()?,
            created_at: orch_core::time::Timestamp::from_micros(row.created_at),
            version: row.version,
        })
    }
}

/// A stored concurrency key.
pub(crate) fn key(text: String) -> Result<ConcurrencyKey, StoreError> {
    ConcurrencyKey::parse(&text).map_err(|_| StoreError::corrupt("concurrency_key", text))
}

pub(crate) fn duration(us: i64) -> Duration {
    Duration::from_micros(u64::try_from(us).unwrap_or(0))
}

pub(crate) fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// One row; the order is that of the statements below.
pub(crate) fn push(cells: &mut Vec<Cell>, item: &WorkItem) {
    cells!(cells;
        item.id.get(),
        item.project_id.get(),
        item.title.as_str(),
        item.description.as_str(),
        item.kind.as_str(),
        item.environment.as_deref(),
        item.state.as_str(),
        item.policy.max_retries.map(i64::from),
        item.policy.backoff_base.map(micros),
        item.policy.backoff_jitter.map(micros),
        i64::from(item.approval == ApprovalHistory::Requested),
        item.recipe_id.map(RecipeId::get),
        item.digest.to_hex(),
        item.created_at.as_micros(),
        item.version,
        item.concurrency_key.as_ref().map(ConcurrencyKey::as_str),
        item.reference.as_ref().map(Reference::as_str),
        item.pinned.as_ref().map(source::text),
    );
}

bulk!(
    INSERT,
    "INSERT INTO work_item (id, project_id, title, description, kind, environment, state, max_retries,
         backoff_base_us, backoff_jitter_us, approval_asked, recipe_id, digest, created_at, version,
         concurrency_key, reference, pinned) VALUES ",
    [Int, Int, Text, Text, Text, Text, Text, Int, Int, Int, Int, Int, Text, Int, Int, Text, Text, Text],
    ""
);
bulk!(
    UPDATE,
    "UPDATE work_item SET title = v.column3, description = v.column4, kind = v.column5, environment = v.column6,
         state = v.column7, max_retries = v.column8, backoff_base_us = v.column9, backoff_jitter_us = v.column10,
         approval_asked = v.column11, recipe_id = v.column12, digest = v.column13, version = v.column15,
         concurrency_key = v.column16, reference = v.column17, pinned = v.column18
       FROM (VALUES ",
    [Int, Int, Text, Text, Text, Text, Text, Int, Int, Int, Int, Int, Text, Int, Int, Text, Text, Text],
    ") v WHERE work_item.id = v.column1",
    one: "UPDATE work_item SET title = ?3, description = ?4, kind = ?5, environment = ?6, state = ?7, max_retries = ?8,
         backoff_base_us = ?9, backoff_jitter_us = ?10, approval_asked = ?11, recipe_id = ?12, digest = ?13,
         version = ?15, concurrency_key = ?16, reference = ?17, pinned = ?18
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
    ids: &BTreeSet<WorkItemId>,
) -> Result<Vec<WorkItem>, StoreError> {
    find_all(conn, ids).await?.whole()
}

/// One item.
///
/// # Errors
/// When the database fails.
pub async fn find(conn: &mut Conn, id: WorkItemId) -> Result<Option<WorkItem>, StoreError> {
    noun::<Row>(optional!(
        conn,
        Lenient<Row>,
        "SELECT * FROM work_item WHERE id = $1",
        id.get()
    )?)
}

/// Several items.
///
/// # Errors
/// When the database fails.
pub async fn find_all(
    conn: &mut Conn,
    ids: &BTreeSet<WorkItemId>,
) -> Result<Found<WorkItem>, StoreError> {
    Ok(Found::of::<Row>(all!(
        conn,
        Lenient<Row>,
        "SELECT * FROM work_item WHERE id IN (SELECT CAST(value AS BIGINT) FROM json_each($1))",
        json_ids(ids.iter().map(|id| id.get()))
    )?))
}

/// Which items to list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub project: Option<ProjectId>,
    pub state: Option<State>,
}

/// Items that match, by id.
///
/// # Errors
/// When the database fails.
pub async fn list(
    conn: &mut Conn,
    filter: &Filter,
    page: crate::Page,
) -> Result<Found<WorkItem>, StoreError> {
    let sql = listing!(
        page,
        "SELECT * FROM work_item WHERE (CAST($1 AS BIGINT) IS NULL OR project_id = $1) AND (CAST($2 AS TEXT) IS NULL OR state = $2)",
        "id",
        "$3",
        "$4"
    );
    let rows = all!(
        conn,
        Lenient<Row>,
        sql,
        filter.project.map(ProjectId::get),
        filter.state.map(State::as_str),
        page.after,
        page.limit
    )?;
    Ok(Found::page::<Row>(rows, page))
}
