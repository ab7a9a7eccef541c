//! Removing the first lines of runs from the index, with a note of how many and an audit entry.

use std::collections::BTreeMap;

use serde_json::json;

use crate::bulk::{Cell, bulk, cells};
use crate::conn::{all, execute, json_ids};
use crate::{Conn, Store, StoreError};

/// Runs of one transaction: others wait for the writer meanwhile.
pub(super) const RUNS_AT_ONCE: usize = 500;

/// What was removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    pub runs: u64,
    pub lines: u64,
    /// As stored: of records, or of rows.
    pub bytes: u64,
    /// Whole segment files.
    pub segments: u64,
}

/// The first lines of a run, which are to go.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Part {
    /// The first line that stays.
    pub kept_from: i64,
    pub lines: u64,
    pub bytes: u64,
}

bulk!(
    /// A later note of a run replaces an earlier one.
    NOTE,
    "INSERT INTO log_removed (run_id, kept_from, removed_at) VALUES ",
    [Int, Int, Int],
    " ON CONFLICT (run_id) DO UPDATE SET kept_from = excluded.kept_from, removed_at = excluded.removed_at
       WHERE excluded.kept_from > log_removed.kept_from"
);

/// When runs ended: `None` for one that has not. Runs that are not there are left out.
pub(super) async fn ends(
    conn: &mut Conn,
    runs: impl IntoIterator<Item = i64>,
) -> Result<BTreeMap<i64, Option<i64>>, StoreError> {
    let rows = all!(
        conn,
        (i64, Option<i64>),
        "SELECT id, CASE WHEN status IN ('running', 'waiting') THEN NULL ELSE coalesce(finished_at, created_at) END
           FROM run WHERE id IN (SELECT CAST(value AS BIGINT) FROM json_each($1))",
        json_ids(runs)
    )?;
    Ok(rows.into_iter().collect())
}

/// Removes parts of runs' logs from the index, some runs at a time.
pub(super) async fn forget(
    store: &Store,
    parts: &[(i64, Part)],
    removed: &mut Removed,
) -> Result<(), StoreError> {
    for some in parts.chunks(RUNS_AT_ONCE) {
        let mut tx = store.begin("system").await?;
        let now = tx.now().as_micros();
        let mut rows: Vec<Cell> = Vec::new();
        for (run, part) in some {
            cells!(rows; *run, part.kept_from, now);
        }
        NOTE.run(&mut tx.conn, rows).await?;
        execute!(
            &mut tx.conn,
            "DELETE FROM log_chunk WHERE run_id IN (SELECT CAST(value AS BIGINT) FROM json_each($1))
                AND first_seq < (SELECT r.kept_from FROM log_removed r WHERE r.run_id = log_chunk.run_id)",
            json_ids(some.iter().map(|(run, _)| *run))
        )?;
        let sum = |of: fn(&Part) -> u64| some.iter().map(|(_, part)| of(part)).sum::<u64>();
        let (lines, bytes) = (sum(|part| part.lines), sum(|part| part.bytes));
        let runs: Vec<_> = some
            .iter()
            .map(|(run, part)| json!({"run_id": run, "before": part.kept_from}))
            .collect();
        tx.record(
            "log.removed",
            None,
            json!({"lines": lines, "bytes": bytes, "runs": runs}),
        );
        tx.commit().await?;
        removed.runs += some.len() as u64;
        removed.lines += lines;
        removed.bytes += bytes;
    }
    Ok(())
}
