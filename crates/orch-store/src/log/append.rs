//! Adding lines: split into chunks, into the segment files or into rows, and the index of both.
//!
//! Knows nothing of reading. The caller commits.

use std::collections::HashMap;

use orch_core::ids::RunId;

use super::line::{signed, unsigned};
use crate::bulk::{Cell, bulk, cells};
use crate::conn::{all, json_ids, one, sql};
use crate::segment::{self, LogLine, SegmentWriter};
use crate::{Conn, StoreError};

/// Runs whose next line number is remembered between transactions.
pub(crate) const REMEMBERED_RUNS: usize = 10_000;
/// A chunk holds at most so many bytes of text.
const CHUNK_BYTES: usize = 256 * 1024;

/// The first lines of a run, as long as they are short, stand in their rows: a run that says little
/// then costs no sync but the database's.
const SHORT_LINES: u64 = 64;
const SHORT_BYTES: usize = 512;
/// The segment of a chunk that stands in its row; files are counted from 1.
pub(crate) const IN_NO_SEGMENT: i64 = 0;

/// Where appended lines go.
pub(crate) enum LogSink {
    /// Into segment files, and the row says where; or into the row, where they are few and short.
    Files(SegmentWriter),
    /// Into the row itself.
    Rows,
}

pub(crate) async fn next_seq(conn: &mut Conn, run: RunId) -> Result<u64, StoreError> {
    let (next,) = one!(
        conn,
        (i64,),
        "SELECT coalesce((SELECT first_seq + lines FROM log_chunk WHERE run_id = $1
                           ORDER BY first_seq DESC LIMIT 1),
                         (SELECT kept_from FROM log_removed WHERE run_id = $1), 1)",
        run.get()
    )?;
    Ok(u64::try_from(next).unwrap_or(1))
}

/// The next line numbers of several runs, in one query.
pub(crate) async fn next_seqs(
    conn: &mut Conn,
    runs: &[i64],
) -> Result<HashMap<i64, u64>, StoreError> {
    let rows = all!(conn, (i64, i64), NEXT_SEQS, json_ids(runs.iter().copied()))?;
    Ok(next_lines(rows).into_iter().collect())
}

pub(crate) const NEXT_SEQS: &str = sql!(
    "SELECT CAST(j.value AS BIGINT),
            coalesce((SELECT c.first_seq + c.lines FROM log_chunk c WHERE c.run_id = CAST(j.value AS BIGINT)
                       ORDER BY c.first_seq DESC LIMIT 1),
                     (SELECT r.kept_from FROM log_removed r WHERE r.run_id = CAST(j.value AS BIGINT)), 1) FROM json_each($1) j"
);

/// Runs and the number that each one's next line gets.
pub(crate) fn next_lines(rows: Vec<(i64, i64)>) -> Vec<(i64, u64)> {
    let next = |(run, next)| (run, unsigned(next));
    rows.into_iter().map(next).collect()
}

bulk!(
    /// Where a chunk stands in the segment files, or its bytes.
    PLACE,
    "INSERT INTO log_chunk (run_id, first_seq, lines, first_at, segment, offset, length, body) VALUES ",
    [Int, Int, Int, Int, Int, Int, Int, Bytes],
    ""
);
bulk!(
    /// A chunk with its bytes.
    BODY,
    "INSERT INTO log_chunk (run_id, first_seq, lines, first_at, body) VALUES ",
    [Int, Int, Int, Int, Bytes],
    ""
);

/// Appends a run's lines from `first` on, and the rows of its chunks to `rows`; answers the number
/// that the next line gets. The caller saves the rows and syncs.
pub(crate) fn append(
    sink: &mut LogSink,
    rows: &mut Vec<Cell>,
    run: RunId,
    first: u64,
    lines: &[LogLine],
) -> Result<u64, StoreError> {
    let mut next = first;
    for chunk in chunks(lines) {
        let count = chunk.len() as u64;
        let first_at = chunk.first().map_or(0, |line| line.at_us);
        cells!(rows; run.get(), signed(next), signed(count), first_at);
        match sink {
            LogSink::Files(_) if is_short(next, chunk) => {
                let body = segment::to_bytes(run.get(), next, chunk)?;
                cells!(rows; IN_NO_SEGMENT, 0, signed(body.len() as u64), body);
            }
            LogSink::Files(segments) => {
                let at = segments.append(run.get(), next, chunk)?;
                cells!(rows; signed(at.segment), signed(at.offset), i64::from(at.length), None::<Vec<u8>>);
            }
            LogSink::Rows => cells!(rows; segment::to_bytes(run.get(), next, chunk)?),
        }
        next += count;
    }
    Ok(next)
}

/// Saves the rows of appended chunks.
pub(crate) async fn index(conn: &mut Conn, rows: Vec<Cell>) -> Result<(), StoreError> {
    match conn {
        Conn::SqliteInline(_) | Conn::SqliteTx(_) | Conn::SqliteRead(_) => {
            PLACE.run(conn, rows).await
        }
        Conn::PostgresPiped(_) | Conn::PostgresTx(_) | Conn::PostgresRead(_) => {
            BODY.run(conn, rows).await
        }
    }
}

/// Whether a chunk stands in its row.
pub(crate) fn is_short(first: u64, chunk: &[LogLine]) -> bool {
    first + chunk.len() as u64 <= SHORT_LINES
        && chunk.iter().map(|line| line.message.len()).sum::<usize>() <= SHORT_BYTES
}

/// Splits lines so that no chunk is over [`CHUNK_BYTES`], unless one line is.
fn chunks(lines: &[LogLine]) -> impl Iterator<Item = &[LogLine]> {
    let mut rest = lines;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let mut count = 0;
        for line in rest {
            bytes += line.message.len();
            if count > 0 && (bytes > CHUNK_BYTES || count >= 4096) {
                break;
            }
            count += 1;
        }
        let (chunk, after) = rest.split_at(count);
        rest = after;
        (!chunk.is_empty()).then_some(chunk)
    })
}
