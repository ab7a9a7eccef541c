//! Retention over rows that hold the lines: runs in the order of their ids, some rows at a time.

use std::collections::BTreeMap;

use super::Retention;
use super::forget::{Part, Removed, forget};
use crate::conn::{all, one, sql};
use crate::{Store, StoreError};

/// Rows and bytes of one transaction: others wait for the writer meanwhile.
const ROWS_AT_ONCE: i64 = 1000;
const BYTES_AT_ONCE: u64 = 32 * 1024 * 1024;

pub(super) async fn apply(store: &Store, retention: Retention) -> Result<Removed, StoreError> {
    let mut removed = Removed::default();
    if let Some(cutoff) = retention.cutoff(store.now()) {
        remove_old(store, cutoff.as_micros(), &mut removed).await?;
    }
    if let Some(most) = retention.size_bytes {
        let excess = size(store).await?.saturating_sub(most);
        shrink(store, excess, &mut removed).await?;
    }
    Ok(removed)
}

/// Removes what ended before `cutoff`.
pub(super) async fn remove_old(
    store: &Store,
    cutoff: i64,
    removed: &mut Removed,
) -> Result<(), StoreError> {
    while remove(store, cutoff, u64::MAX, removed).await? > 0 {}
    Ok(())
}

/// Removes the oldest until `excess` bytes are gone, or nothing finished is left.
pub(super) async fn shrink(
    store: &Store,
    mut excess: u64,
    removed: &mut Removed,
) -> Result<(), StoreError> {
    while excess > 0 {
        match remove(store, i64::MAX, excess, removed).await? {
            0 => break,
            bytes => excess = excess.saturating_sub(bytes),
        }
    }
    Ok(())
}

/// Bytes of lines that stand in rows.
pub(super) async fn size(store: &Store) -> Result<u64, StoreError> {
    let (bytes,) = one!(
        &mut store.read().await?,
        (i64,),
        sql!(
            sqlite: "SELECT coalesce(sum(length(body)), 0) FROM log_chunk",
            postgres: "SELECT CAST(coalesce(sum(octet_length(body)), 0) AS BIGINT) FROM log_chunk",
        )
    )?;
    Ok(u64::try_from(bytes).unwrap_or(0))
}

/// Removes the first chunks of runs that ended before `cutoff`, until `wanted` bytes are gone or a
/// transaction is full; answers how many bytes went.
async fn remove(
    store: &Store,
    cutoff: i64,
    wanted: u64,
    removed: &mut Removed,
) -> Result<u64, StoreError> {
    let rows = all!(
        &mut store.read().await?,
        (i64, i64, i64, i64),
        sql!(
            sqlite: "SELECT c.run_id, c.first_seq, c.lines, length(c.body)
                       FROM run r JOIN log_chunk c ON c.run_id = r.id
                      WHERE r.id >= coalesce((SELECT min(run_id) FROM log_chunk WHERE body IS NOT NULL), 0)
                        AND r.status NOT IN ('running', 'waiting') AND coalesce(r.finished_at, r.created_at) < $1
                        AND c.first_at < $1 AND c.body IS NOT NULL
                      ORDER BY r.id, c.first_seq LIMIT $2",
            postgres: "SELECT c.run_id, c.first_seq, c.lines, CAST(octet_length(c.body) AS BIGINT)
                         FROM run r JOIN log_chunk c ON c.run_id = r.id
                        WHERE r.id >= coalesce((SELECT min(run_id) FROM log_chunk), 0)
                          AND r.status NOT IN ('running', 'waiting') AND coalesce(r.finished_at, r.created_at) < $1
                          AND c.first_at < $1
                        ORDER BY r.id, c.first_seq LIMIT $2",
        ),
        cutoff,
        ROWS_AT_ONCE
    )?;
    let mut parts: BTreeMap<i64, Part> = BTreeMap::new();
    let mut bytes = 0;
    for (run, first, lines, length) in rows {
        let length = u64::try_from(length).unwrap_or(0).max(1);
        let part = parts.entry(run).or_default();
        part.kept_from = part.kept_from.max(first.saturating_add(lines));
        part.lines += u64::try_from(lines).unwrap_or(0);
        part.bytes += length;
        bytes += length;
        if bytes >= wanted.min(BYTES_AT_ONCE) {
            break;
        }
    }
    let parts: Vec<(i64, Part)> = parts.into_iter().collect();
    forget(store, &parts, removed).await?;
    Ok(bytes)
}
