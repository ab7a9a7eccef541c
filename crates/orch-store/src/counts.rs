//! Counts for metrics and usage.

use std::collections::BTreeMap;

use crate::conn::{all, one};
use crate::{Conn, StoreError};

/// How many rows of each kind there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub projects: i64,
    pub work_items: i64,
    pub runs: i64,
    pub pending_approvals: i64,
    pub pending_info_requests: i64,
    pub audit_entries: i64,
    pub runs_by_status: BTreeMap<String, i64>,
    pub queue_by_state: BTreeMap<String, i64>,
}

/// Counts everything once.
///
/// # Errors
/// When the database fails.
pub async fn all(conn: &mut Conn) -> Result<Counts, StoreError> {
    let (projects, work_items, runs, pending_approvals, pending_info_requests, audit_entries) = one!(
        conn,
        (i64, i64, i64, i64, i64, i64),
        "SELECT (SELECT count(*) FROM project), (SELECT count(*) FROM work_item), (SELECT count(*) FROM run),
                (SELECT count(*) FROM approval WHERE status = 'pending'),
                (SELECT count(*) FROM info_request WHERE status = 'pending'),
                (SELECT coalesce(max(seq), 0) FROM audit)"
    )?;
    let by_status = all!(
        conn,
        (String, i64),
        "SELECT status, count(*) FROM run GROUP BY status"
    )?;
    let by_state = all!(
        conn,
        (String, i64),
        "SELECT state, count(*) FROM queue_entry GROUP BY state"
    )?;
    Ok(Counts {
        projects,
        work_items,
        runs,
        pending_approvals,
        pending_info_requests,
        audit_entries,
        runs_by_status: by_status.into_iter().collect(),
        queue_by_state: by_state.into_iter().collect(),
    })
}

/// Runs of one project by status.
///
/// # Errors
/// When the database fails.
pub async fn runs_by_project(conn: &mut Conn) -> Result<Vec<(i64, String, i64)>, StoreError> {
    all!(
        conn,
        (i64, String, i64),
        "SELECT project_id, status, count(*) FROM run GROUP BY project_id, status ORDER BY project_id"
    )
}
