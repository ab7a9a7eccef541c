//! Run logs: lines in segment files, chunks indexed in the database.
//!
//! The index is the truth: bytes that no row points at were never acknowledged. Line 0 of every
//! run is made from the run itself and not stored.

use std::collections::HashMap;
use std::sync::Arc;

use orch_core::ids::RunId;
use orch_core::run::Run;
use orch_core::time::Timestamp;

use crate::bulk::{Cell, bulk, cells};
use crate::conn::{all, json_ids, one, sql};
use crate::inline::row;
use crate::segment::{self, Location, LogLine, SegmentWriter, Stream};
use crate::{Conn, Store, StoreError};

/// Runs whose next line number is remembered between transactions.
pub(crate) const REMEMBERED_RUNS: usize = 10_000;
/// A chunk holds at most so many bytes of text.
const CHUNK_BYTES: usize = 256 * 1024;

/// A line with its number.
#[derive(Clone, Debug, PartialEq)]
pub struct Numbered {
    pub seq: u64,
    pub line: LogLine,
}

/// Where appended lines go.
pub(crate) enum LogSink {
    /// Into segment files; the row says where.
    Files(SegmentWriter),
    /// Into the row itself.
    Rows,
}

row! {
    #[derive(Clone, Debug)]
    struct ChunkRow {
        first_seq: i64,
        lines: i64,
        segment: Option<i64>,
        offset: Option<i64>,
        length: Option<i64>,
        body: Option<Vec<u8>>,
    }
}

/// The first line of a run's log.
#[must_use]
pub fn opening_line(run: &Run) -> Numbered {
    let message = format!(
        "Starting run {} (work item {}, attempt {})",
        run.id, run.work_item_id, run.attempt
    );
    let line = LogLine {
        at_us: run.created_at.as_micros(),
        stream: Stream::System,
        step: None,
        partial: false,
        message,
    };
    Numbered { seq: 0, line }
}

pub(crate) async fn next_seq(conn: &mut Conn, run: RunId) -> Result<u64, StoreError> {
    let (next,) = one!(
        conn,
        (i64,),
        "SELECT coalesce((SELECT first_seq + lines FROM log_chunk WHERE run_id = $1
                           ORDER BY first_seq DESC LIMIT 1), 1)",
        run.get()
    )?;
    Ok(u64::try_from(next).unwrap_or(1))
}

/// The next line numbers of several runs, in one query.
pub(crate) async fn next_seqs(
    conn: &mut Conn,
    runs: &[i64],
) -> Result<HashMap<i64, u64>, StoreError> {
    let rows = all!(
        conn,
        (i64, i64),
        "SELECT CAST(j.value AS BIGINT),
                coalesce((SELECT c.first_seq + c.lines FROM log_chunk c WHERE c.run_id = CAST(j.value AS BIGINT)
                           ORDER BY c.first_seq DESC LIMIT 1), 1) FROM json_each($1) j",
        json_ids(runs.iter().copied())
    )?;
    Ok(rows
        .into_iter()
        .map(|(run, next)| (run, unsigned(next)))
        .collect())
}

bulk!(
    /// Where a chunk stands in the segment files.
    PLACE,
    "INSERT INTO log_chunk (run_id, first_seq, lines, first_at, segment, offset, length) VALUES ",
    7,
    ""
);
bulk!(
    /// A chunk with its bytes.
    BODY,
    "INSERT INTO log_chunk (run_id, first_seq, lines, first_at, body) VALUES ",
    5,
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
            LogSink::Files(segments) => {
                let at = segments.append(run.get(), next, chunk)?;
                cells!(rows; signed(at.segment), signed(at.offset), i64::from(at.length));
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
        Conn::PostgresTx(_) | Conn::PostgresRead(_) => BODY.run(conn, rows).await,
    }
}

fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
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

/// How many lines a run's log has, the opening line included.
///
/// # Errors
/// When the database fails.
pub async fn total(conn: &mut Conn, run: RunId) -> Result<u64, StoreError> {
    next_seq(conn, run).await
}

/// Reads a run's log chunk by chunk, from a line on, in constant memory.
pub struct Cursor {
    store: Store,
    run: RunId,
    next: u64,
}

impl Cursor {
    /// Starts at line `from`; line 0 is the opening line, which the cursor does not give.
    #[must_use]
    pub fn new(store: &Store, run: RunId, from: u64) -> Self {
        Self {
            store: store.clone(),
            run,
            next: from.max(1),
        }
    }

    /// The next lines that are stored; empty at the end of what is stored now. A chunk that
    /// cannot be read any more gives one line that says so.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn next_chunk(&mut self) -> Result<Vec<Numbered>, StoreError> {
        let mut conn = self.store.read().await?;
        let row = all!(
            conn,
            ChunkRow,
            sql!(
                sqlite: "SELECT first_seq, lines, segment, offset, length, NULL AS body FROM log_chunk
                          WHERE run_id = $1 AND first_seq <= $2 ORDER BY first_seq DESC LIMIT 1",
                postgres: "SELECT first_seq, lines, CAST(NULL AS BIGINT) AS segment, CAST(NULL AS BIGINT) AS \"offset\",
                                  CAST(NULL AS BIGINT) AS length, body FROM log_chunk
                            WHERE run_id = $1 AND first_seq <= $2 ORDER BY first_seq DESC LIMIT 1",
            ),
            self.run.get(),
            signed(self.next)
        )?
        .pop()
        .filter(|row| row.first_seq + row.lines > signed(self.next));
        drop(conn);
        let Some(row) = row else {
            return Ok(Vec::new());
        };
        let from = self.next;
        let next = unsigned(row.first_seq + row.lines);
        let lines = self.read(row).await;
        self.next = next;
        Ok(lines
            .into_iter()
            .filter(|numbered| numbered.seq >= from)
            .collect())
    }

    async fn read(&self, row: ChunkRow) -> Vec<Numbered> {
        let segments = self.store.segments.clone();
        let first_seq = row.first_seq;
        let lines = row.lines;
        let read = tokio::task::spawn_blocking(move || match (row.body, segments) {
            (Some(body), _) => segment::from_bytes(&body).map_err(|damage| damage.to_string()),
            (None, Some(segments)) => {
                let at = Location {
                    segment: unsigned(row.segment.unwrap_or(0)),
                    offset: unsigned(row.offset.unwrap_or(0)),
                    length: u32::try_from(row.length.unwrap_or(0)).unwrap_or(0),
                };
                segments.read(at).map_err(|error| error.to_string())
            }
            (None, None) => Err("the row holds no bytes".to_owned()),
        })
        .await;
        let first = unsigned(first_seq);
        let problem = match read {
            Ok(Ok(chunk)) if chunk.run_id == self.run.get() && chunk.first_seq == first => {
                let numbered = chunk.lines.into_iter().zip(first..);
                return numbered.map(|(line, seq)| Numbered { seq, line }).collect();
            }
            Ok(Ok(_)) => "the stored chunk belongs elsewhere".to_owned(),
            Ok(Err(error)) => error,
            Err(_) => "the reader was stopped".to_owned(),
        };
        tracing::error!(run.id = self.run.get(), problem, "log lines cannot be read");
        let message = format!("[{lines} log lines cannot be read: {problem}]");
        let line = LogLine {
            at_us: 0,
            stream: Stream::System,
            step: None,
            partial: false,
            message,
        };
        vec![Numbered {
            seq: first.max(self.next),
            line,
        }]
    }
}

fn unsigned(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

/// What a search or a page answers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// Lines that match, on all pages.
    pub total: u64,
    pub lines: Vec<Numbered>,
}

/// A page of a run's log: lines that contain `needle` (case-insensitive), from the `offset`-th
/// match on. Without a needle the page is reached directly.
///
/// # Errors
/// When the database fails.
pub async fn page(
    store: &Store,
    run: &Run,
    needle: Option<&str>,
    offset: u64,
    limit: usize,
) -> Result<Found, StoreError> {
    let mut found = Found::default();
    let needle = needle
        .filter(|needle| !needle.is_empty())
        .map(|needle| Arc::<str>::from(needle.to_lowercase()));
    let mut bytes = 0;
    let mut take = |found: &mut Found, numbered: Numbered| {
        // A page is bounded in bytes too; at least one line is always given.
        bytes += numbered.line.message.len();
        if found.lines.len() < limit && (bytes <= PAGE_BYTES || found.lines.is_empty()) {
            found.lines.push(numbered);
        }
    };
    if let Some(needle) = needle {
        let mut cursor = Cursor::new(store, run.id, 1);
        let mut chunk = vec![opening_line(run)];
        while !chunk.is_empty() {
            for numbered in chunk {
                if numbered.line.message.to_lowercase().contains(&*needle) {
                    if found.total >= offset {
                        take(&mut found, numbered);
                    }
                    found.total += 1;
                }
            }
            chunk = cursor.next_chunk().await?;
        }
        return Ok(found);
    }
    found.total = total(&mut store.read().await?, run.id).await?;
    if offset == 0 {
        take(&mut found, opening_line(run));
    }
    let mut cursor = Cursor::new(store, run.id, offset);
    while found.lines.len() < limit {
        let chunk = cursor.next_chunk().await?;
        if chunk.is_empty() {
            break;
        }
        let before = found.lines.len();
        for numbered in chunk {
            take(&mut found, numbered);
        }
        if found.lines.len() == before {
            break;
        }
    }
    Ok(found)
}

/// A page carries at most so many bytes of text.
const PAGE_BYTES: usize = 8 * 1024 * 1024;

/// A line as its worker sent it.
#[must_use]
pub fn line(now: Timestamp, stream: Stream, message: String) -> LogLine {
    LogLine {
        at_us: now.as_micros(),
        stream,
        step: None,
        partial: false,
        message,
    }
}
