//! Retention over segment files: a file goes once every run that has lines in it may be forgotten.
//! Short lines that stand in rows go like all rows.

use std::path::Path;

use super::forget::{Part, RUNS_AT_ONCE, Removed, ends, forget};
use super::{Retention, rows};
use crate::conn::{NOT_HERE, all, sql};
use crate::segment::{self, Holdings};
use crate::{Store, StoreError};

pub(super) async fn apply(
    store: &Store,
    logs: &Path,
    retention: Retention,
) -> Result<Removed, StoreError> {
    let mut removed = Removed::default();
    let cutoff = retention.cutoff(store.now()).map(|at| at.as_micros());
    let mut files = segment::list(logs)?;
    let in_files: u64 = files.iter().map(|file| file.size_bytes).sum();
    if let Some(cutoff) = cutoff {
        rows::remove_old(store, cutoff, &mut removed).await?;
    }
    let mut excess = 0;
    if let Some(most) = retention.size_bytes {
        // Rows give up what they alone are too much: a segment that cannot go yet must not cost short
        // lines of others, which would free next to nothing.
        let in_rows = rows::size(store).await?;
        rows::shrink(store, in_rows.saturating_sub(most), &mut removed).await?;
        excess = in_files.saturating_sub(most.saturating_sub(in_rows));
    }
    // The newest is written to.
    files.pop();
    for file in files {
        let is_old = match cutoff {
            // Later segments begin later.
            Some(cutoff) => begun(logs, file.segment)
                .await?
                .is_none_or(|at| at < cutoff),
            None => false,
        };
        if !is_old && excess == 0 {
            break;
        }
        let found = holdings(store, logs, file.segment).await?;
        let youngest = youngest(store, &found).await?;
        let may_go = match (youngest, cutoff) {
            (Youngest::Unfinished, _) => false,
            (_, _) if excess > 0 => true,
            (Youngest::Nobody, _) => true,
            (Youngest::Ended(at), Some(cutoff)) => at < cutoff,
            (Youngest::Ended(_), None) => false,
        };
        if may_go {
            remove(store, logs, file.segment, found, &mut removed).await?;
            removed.segments += 1;
            excess = excess.saturating_sub(file.size_bytes);
        }
    }
    Ok(removed)
}

/// The run of a segment that ended last.
enum Youngest {
    Nobody,
    Ended(i64),
    Unfinished,
}

async fn youngest(store: &Store, found: &Holdings) -> Result<Youngest, StoreError> {
    let mut youngest = Youngest::Nobody;
    let runs: Vec<i64> = found.runs.keys().copied().collect();
    for some in runs.chunks(10 * RUNS_AT_ONCE) {
        let mut conn = store.read().await?;
        for ended in ends(&mut conn, some.iter().copied()).await?.into_values() {
            youngest = match (ended, youngest) {
                (None, _) => return Ok(Youngest::Unfinished),
                (Some(at), Youngest::Ended(other)) => Youngest::Ended(at.max(other)),
                (Some(at), _) => Youngest::Ended(at),
            };
        }
    }
    Ok(youngest)
}

/// The index first: a reader that finds a row without its file reports a loss.
async fn remove(
    store: &Store,
    logs: &Path,
    number: u64,
    found: Holdings,
    removed: &mut Removed,
) -> Result<(), StoreError> {
    let parts = found.runs.into_iter().map(|(run, held)| {
        let part = Part {
            kept_from: i64::try_from(held.end_seq).unwrap_or(i64::MAX),
            lines: held.lines,
            bytes: held.bytes,
        };
        (run, part)
    });
    // Records that no row names were never acknowledged: their numbers may lie ahead of the log.
    let parts = clamped(store, parts.collect()).await?;
    forget(store, &parts, removed).await?;
    let (logs, reader) = (logs.to_owned(), store.segments.clone());
    blocking(move || {
        match segment::retire(&logs, number) {
            Ok(_) | Err(segment::LogError::NoSegment { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        if let Some(reader) = reader {
            reader.forget(number);
        }
        Ok(())
    })
    .await
}

/// Limits each part to the lines that the run has; leaves out runs that have none.
async fn clamped(store: &Store, parts: Vec<(i64, Part)>) -> Result<Vec<(i64, Part)>, StoreError> {
    let mut kept = Vec::with_capacity(parts.len());
    for some in parts.chunks(RUNS_AT_ONCE) {
        let mut conn = store.read().await?;
        let ids: Vec<i64> = some.iter().map(|(run, _)| *run).collect();
        let ends = crate::log::next_seqs(&mut conn, &ids).await?;
        for (run, part) in some {
            let end = ends.get(run).copied().unwrap_or(1);
            let kept_from = part.kept_from.min(i64::try_from(end).unwrap_or(i64::MAX));
            if kept_from > 1 {
                kept.push((*run, Part { kept_from, ..*part }));
            }
        }
    }
    Ok(kept)
}

async fn indexed(store: &Store, segment: u64) -> Result<Vec<(i64, i64)>, StoreError> {
    let mut conn = store.read().await?;
    all!(
        &mut conn,
        (i64, i64),
        sql!(
            sqlite: "SELECT run_id, max(first_seq + lines) FROM log_chunk WHERE segment = $1 GROUP BY run_id",
            postgres: NOT_HERE,
        ),
        i64::try_from(segment).unwrap_or(i64::MAX)
    )
}

async fn begun(logs: &Path, segment: u64) -> Result<Option<i64>, StoreError> {
    let logs = logs.to_owned();
    blocking(move || Ok(segment::first_time(&logs, segment))).await
}

/// Whose lines a segment holds. Those of records that cannot be read are found in the index.
async fn holdings(store: &Store, logs: &Path, number: u64) -> Result<Holdings, StoreError> {
    let folder = logs.to_owned();
    let found = blocking(move || Ok(segment::holdings(&folder, number))).await?;
    let is_whole = found.as_ref().is_ok_and(|found| found.damaged.is_empty());
    let mut found = found.unwrap_or_default();
    if !is_whole {
        for (run, end) in indexed(store, number).await? {
            let held = found.runs.entry(run).or_default();
            held.end_seq = held.end_seq.max(u64::try_from(end).unwrap_or(0));
        }
    }
    Ok(found)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| StoreError::Closed)?
}
