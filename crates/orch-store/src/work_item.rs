//! Work items in the database.

use std::collections::BTreeSet;
use std::time::Duration;

use orch_core::digest::Digest;
use orch_core::ids::{ProjectId, RecipeId, WorkItemId};
use orch_core::work_item::{ApprovalHistory, Kind, Policy, State, WorkItem};
use serde_json::{Value, json};
use sqlx::FromRow;

use crate::conn::{all, execute, json_ids, optional};
use crate::{Conn, StoreError};

#[derive(FromRow)]
struct Row {
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
}

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
            concurrency_key: None,
            approval: if row.approval_asked == 0 {
                ApprovalHistory::NeverRequested
            } else {
                ApprovalHistory::Requested
            },
            recipe_id: row.recipe_id.map(RecipeId),
            created_at: orch_core::time::Timestamp::from_micros(row.created_at),
            version: row.version,
        })
    }
}

pub(crate) fn duration(us: i64) -> Duration {
    Duration::from_micros(u64::try_from(us).unwrap_or(0))
}

pub(crate) fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

pub(crate) fn to_json(item: &WorkItem) -> Value {
    json!([
        item.id,
        item.project_id,
        item.title,
        item.description,
        item.kind.as_str(),
        item.environment,
        item.state.as_str(),
        item.policy.max_retries,
        item.policy.backoff_base.map(micros),
        item.policy.backoff_jitter.map(micros),
        i32::from(item.approval == ApprovalHistory::Requested),
        item.recipe_id,
        item.digest,
        item.created_at.as_micros(),
        item.version,
    ])
}

pub(crate) async fn insert(conn: &mut Conn, rows: Option<String>) -> Result<(), StoreError> {
    let Some(rows) = rows else { return Ok(()) };
    execute!(
        conn,
        "INSERT INTO work_item (id, project_id, title, description, kind, environment, state, max_retries,
             backoff_base_us, backoff_jitter_us, approval_asked, recipe_id, digest, created_at, version)
         SELECT CAST(j.value->>0 AS BIGINT), CAST(j.value->>1 AS BIGINT), j.value->>2, j.value->>3, j.value->>4,
             j.value->>5, j.value->>6, CAST(j.value->>7 AS BIGINT), CAST(j.value->>8 AS BIGINT),
             CAST(j.value->>9 AS BIGINT), CAST(j.value->>10 AS BIGINT), CAST(j.value->>11 AS BIGINT),
             j.value->>12, CAST(j.value->>13 AS BIGINT), CAST(j.value->>14 AS BIGINT)
           FROM json_each($1) j",
        rows
    )?;
    Ok(())
}

pub(crate) async fn update(conn: &mut Conn, rows: Option<String>) -> Result<(), StoreError> {
    let Some(rows) = rows else { return Ok(()) };
    execute!(
        conn,
        "UPDATE work_item SET title = j.value->>2, description = j.value->>3, kind = j.value->>4,
             environment = j.value->>5, state = j.value->>6, max_retries = CAST(j.value->>7 AS BIGINT),
             backoff_base_us = CAST(j.value->>8 AS BIGINT), backoff_jitter_us = CAST(j.value->>9 AS BIGINT),
             approval_asked = CAST(j.value->>10 AS BIGINT), recipe_id = CAST(j.value->>11 AS BIGINT),
             digest = j.value->>12, version = CAST(j.value->>14 AS BIGINT)
           FROM json_each($1) j WHERE work_item.id = CAST(j.value->>0 AS BIGINT)",
        rows
    )?;
    Ok(())
}

pub(crate) async fn by_ids(
    conn: &mut Conn,
    ids: &BTreeSet<WorkItemId>,
) -> Result<Vec<WorkItem>, StoreError> {
    let rows = all!(
        conn,
        Row,
        "SELECT * FROM work_item WHERE id IN (SELECT value FROM json_each($1))",
        json_ids(ids.iter().map(|id| id.get()))
    )?;
    rows.into_iter().map(WorkItem::try_from).collect()
}

/// One item.
///
/// # Errors
/// When the database fails.
pub async fn find(conn: &mut Conn, id: WorkItemId) -> Result<Option<WorkItem>, StoreError> {
    optional!(conn, Row, "SELECT * FROM work_item WHERE id = $1", id.get())?
        .map(WorkItem::try_from)
        .transpose()
}

/// Several items.
///
/// # Errors
/// When the database fails.
pub async fn find_all(
    conn: &mut Conn,
    ids: &BTreeSet<WorkItemId>,
) -> Result<Vec<WorkItem>, StoreError> {
    by_ids(conn, ids).await
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
) -> Result<Vec<WorkItem>, StoreError> {
    let sql = match page.order {
        crate::Order::OldestFirst => {
            "SELECT * FROM work_item
              WHERE ($1 IS NULL OR project_id = $1) AND ($2 IS NULL OR state = $2) AND ($3 IS NULL OR id > $3)
              ORDER BY id LIMIT $4"
        }
        crate::Order::NewestFirst => {
            "SELECT * FROM work_item
              WHERE ($1 IS NULL OR project_id = $1) AND ($2 IS NULL OR state = $2) AND ($3 IS NULL OR id < $3)
              ORDER BY id DESC LIMIT $4"
        }
    };
    let rows = all!(
        conn,
        Row,
        sql,
        filter.project.map(ProjectId::get),
        filter.state.map(State::as_str),
        page.after,
        page.limit
    )?;
    rows.into_iter().map(WorkItem::try_from).collect()
}
