//! Finding a run's chunks by the index, forwards and backwards, and reading one.
//!
//! A chunk that cannot be read is no error of the reader: it becomes a line that says what is
//! missing.

use orch_core::ids::RunId;

use super::line::{Numbered, notice, signed, unsigned};
use crate::conn::{all, optional, sql};
use crate::inline::row;
use crate::segment::{self, Location, Quarantine, Quarantined, RawChunk, SegmentReader};
use crate::{Conn, Store, StoreError};

/// Rows of the index that are fetched at once where the bytes are elsewhere.
const PLACES_AT_ONCE: i64 = 256;
/// Rows with their bytes that a search fetches at once.
const BODIES_AT_ONCE: i64 = 8;

/// How much is going to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// A chunk at a time, and perhaps no other.
    Near,
    /// Many chunks, one after another.
    Far,
}

/// Where chunks are read from.
#[derive(Clone)]
pub(super) struct Source {
    segments: Option<SegmentReader>,
    quarantine: Quarantine,
}

impl Source {
    pub fn of(store: &Store) -> Self {
        Self {
            segments: store.segments.clone(),
            quarantine: store.log_quarantine.clone(),
        }
    }
}

row! {
    /// A chunk of a run as the index knows it.
    #[derive(Clone, Debug)]
    pub(super) struct ChunkRow {
        first_seq: i64,
        lines: i64,
        segment: Option<i64>,
        offset: Option<i64>,
        length: Option<i64>,
        body: Option<Vec<u8>>,
    }
}

/// What was found in a chunk's place.
pub(super) enum Content {
    Lines(RawChunk),
    Notice(Numbered),
}

impl ChunkRow {
    /// The number of its first line.
    pub fn first(&self) -> u64 {
        unsigned(self.first_seq)
    }

    /// The number behind its last line.
    pub fn end(&self) -> u64 {
        unsigned(self.first_seq.saturating_add(self.lines))
    }

    /// Reads it; blocks on the disk.
    pub fn read(self, from: &Source, run: RunId) -> Content {
        let (first, end) = (self.first(), self.end());
        let is_row = self.body.is_some();
        let problem = match self.bytes(from.segments.as_ref()) {
            Ok(chunk) if chunk.run_id() == run.get() && chunk.first_seq() == first => {
                return Content::Lines(chunk);
            }
            Ok(_) => "the stored chunk belongs elsewhere".to_owned(),
            Err(problem) => problem,
        };
        tracing::error!(
            run.id = run.get(),
            log.first_line = first,
            problem,
            "log lines cannot be read"
        );
        if is_row {
            from.quarantine.add(Quarantined {
                file: format!("row of log_chunk: run {run}, line {first}"),
                offset: 0,
                problem: problem.clone(),
                places: 1,
            });
        }
        Content::Notice(notice(first, end, &format!("cannot be read: {problem}")))
    }

    fn bytes(self, segments: Option<&SegmentReader>) -> Result<RawChunk, String> {
        match (self.body, segments) {
            (Some(body), _) => segment::raw_from_bytes(body).map_err(|damage| damage.to_string()),
            (None, Some(segments)) => {
                let at = Location {
                    segment: unsigned(self.segment.unwrap_or(0)),
                    offset: unsigned(self.offset.unwrap_or(0)),
                    length: u32::try_from(self.length.unwrap_or(0)).unwrap_or(0),
                };
                segments.read_raw(at).map_err(|error| error.to_string())
            }
            (None, None) => Err("the row holds no bytes".to_owned()),
        }
    }
}

fn at_once(conn: &Conn, reach: Reach) -> i64 {
    match (conn, reach) {
        (Conn::SqliteInline(_) | Conn::SqliteTx(_) | Conn::SqliteRead(_), _) => PLACES_AT_ONCE,
        (Conn::PostgresPiped(_) | Conn::PostgresTx(_) | Conn::PostgresRead(_), Reach::Far) => {
            BODIES_AT_ONCE
        }
        (Conn::PostgresPiped(_) | Conn::PostgresTx(_) | Conn::PostgresRead(_), Reach::Near) => 1,
    }
}

/// The first line of a run's log that retention has left.
pub(super) async fn kept_from(store: &Store, run: RunId) -> Result<u64, StoreError> {
    let row = optional!(
        &mut store.read().await?,
        (i64,),
        "SELECT kept_from FROM log_removed WHERE run_id = $1",
        run.get()
    )?;
    Ok(row.map_or(1, |(kept_from,)| unsigned(kept_from)))
}

/// The line in place of lines that no chunk holds, where retention has left those from
/// `kept_from` on.
pub(super) fn gap(first: u64, end: u64, kept_from: u64) -> Numbered {
    let what = match end <= kept_from {
        true => "were removed by retention",
        false => "are missing",
    };
    notice(first, end, what)
}

/// Chunks as their rows have them: on SQLite a place in the files or the bytes, on PostgreSQL the bytes.
macro_rules! chunks {
    ($which:literal) => {
        sql!(
            sqlite: concat!(
                "SELECT first_seq, lines, segment, offset, length, body FROM log_chunk ",
                $which
            ),
            postgres: concat!(
                "SELECT first_seq, lines, CAST(NULL AS BIGINT) AS segment, CAST(NULL AS BIGINT) AS \"offset\",
                        CAST(NULL AS BIGINT) AS length, body FROM log_chunk ",
                $which
            ),
        )
    };
}

/// The next chunks that hold line `from` or later ones, in order; none at the end of the log.
pub(super) async fn ahead(
    store: &Store,
    run: RunId,
    from: u64,
    reach: Reach,
) -> Result<Vec<ChunkRow>, StoreError> {
    let mut conn = store.read().await?;
    let limit = at_once(&conn, reach);
    // The chunk that `from` lies in begins before it; where there is none, it is one too many.
    all!(
        &mut conn,
        ChunkRow,
        chunks!(
            "WHERE run_id = $1 AND first_seq + lines > $2
               AND first_seq >= coalesce((SELECT first_seq FROM log_chunk WHERE run_id = $1 AND first_seq <= $2
                                           ORDER BY first_seq DESC LIMIT 1), 0)
             ORDER BY first_seq LIMIT $3"
        ),
        run.get(),
        signed(from),
        limit
    )
}

/// The chunks that hold lines before line `before`, the last one first; none at the beginning.
pub(super) async fn behind(
    store: &Store,
    run: RunId,
    before: u64,
    reach: Reach,
) -> Result<Vec<ChunkRow>, StoreError> {
    let mut conn = store.read().await?;
    let limit = at_once(&conn, reach);
    all!(
        &mut conn,
        ChunkRow,
        chunks!("WHERE run_id = $1 AND first_seq < $2 ORDER BY first_seq DESC LIMIT $3"),
        run.get(),
        signed(before),
        limit
    )
}
