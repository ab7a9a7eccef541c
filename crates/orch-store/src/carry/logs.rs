//! Log chunks: from segment files into rows, and back.
//!
//! A chunk whose bytes are damaged or gone keeps its place: readers are told of its lines on the
//! target as they were on the source.

use futures::TryStreamExt as _;
use sqlx::{AssertSqlSafe, Row as _};

use super::CarryError;
use super::catalogue::{Kind, list};
use super::plan::{LOG_CHUNK, Table};
use super::rows::{Outgoing, cells};
use super::side::{Files, Open};
use super::whole::Meter;
use crate::StoreError;
use crate::bulk::Cell;
use crate::conn::Link;
use crate::log;
use crate::segment::{self, Chunk, Location, SegmentWriter};

/// The columns that both databases have, the two that name a chunk in front.
struct Columns<'a> {
    names: Vec<&'a str>,
    kinds: Vec<Kind>,
}

impl<'a> Columns<'a> {
    fn of(table: &'a Table) -> Self {
        let mut columns: Vec<_> = table.columns.iter().collect();
        columns.sort_by_key(|(name, _)| match name.as_str() {
            "run_id" => 0,
            "first_seq" => 1,
            _ => 2,
        });
        Self {
            names: columns.iter().map(|(name, _)| name.as_str()).collect(),
            kinds: columns.iter().map(|(_, kind)| *kind).collect(),
        }
    }

    fn select(&self, more: &[&'a str]) -> String {
        let names = self.names.iter().chain(more).copied();
        format!("SELECT {} FROM {LOG_CHUNK}", list(names))
    }

    fn outgoing(&self, more: &[&'a str]) -> Outgoing {
        let names: Vec<&str> = self.names.iter().chain(more).copied().collect();
        Outgoing::new(LOG_CHUNK, &names)
    }
}

/// Copies all chunks; answers how many of them cannot be read.
pub(super) async fn copy(
    source: &mut Open,
    target: &mut Open,
    table: &Table,
    meter: &mut Meter<'_>,
) -> Result<u64, CarryError> {
    let failed = CarryError::table(LOG_CHUNK);
    match (&source.files, &mut target.files) {
        (Some(files), None) => {
            let unread = into_rows(files, &mut source.conn, &mut target.conn, table, meter)
                .await
                .map_err(failed)?;
            if unread.in_files > 0 && unread.in_files == unread.of_files {
                return Err(CarryError::WrongLogs {
                    folder: files.folder.clone(),
                    chunks: unread.in_files,
                });
            }
            Ok(unread.in_files + unread.in_rows)
        }
        (None, Some(files)) => into_files(
            &mut files.writer,
            &mut source.conn,
            &mut target.conn,
            table,
            meter,
        )
        .await
        .map_err(failed),
        (Some(_), Some(_)) | (None, None) => {
            unreachable!("invariant: one side alone has log files")
        }
    }
}

/// Chunks that cannot be read.
#[derive(Default)]
struct Unread {
    in_files: u64,
    in_rows: u64,
    /// How many there are in files, readable or not.
    of_files: u64,
}

async fn into_rows(
    files: &Files,
    source: &mut crate::Conn,
    target: &mut crate::Conn,
    table: &Table,
    meter: &mut Meter<'_>,
) -> Result<Unread, StoreError> {
    let Link::Sqlite(link) = source.link() else {
        unreachable!("invariant: log files are SQLite's");
    };
    let columns = Columns::of(table);
    let mut outgoing = columns.outgoing(&["body"]);
    let mut unread = Unread::default();
    let text = columns.select(&["segment", "offset", "length", "body"]);
    let mut rows = sqlx::query(AssertSqlSafe(text)).fetch(link);
    while let Some(row) = rows.try_next().await? {
        let width = columns.kinds.len();
        let mut line = cells(&row, &columns.kinds)?;
        let (run, first) = name(&line);
        let place: (i64, i64, i64) = (
            row.try_get(width)?,
            row.try_get(width + 1)?,
            row.try_get(width + 2)?,
        );
        let stored: Option<Vec<u8>> = row.try_get(width + 3)?;
        let is_row = stored.is_some();
        let reader = files.reader.clone();
        let body = tokio::task::spawn_blocking(move || {
            if let Some(stored) = stored {
                let chunk = segment::from_bytes(&stored).ok()?;
                return is(&chunk, run, first).then_some(stored);
            }
            let at = Location {
                segment: u64::try_from(place.0).ok()?,
                offset: u64::try_from(place.1).ok()?,
                length: u32::try_from(place.2).ok()?,
            };
            let chunk = reader.read(at).ok()?;
            is(&chunk, run, first)
                .then(|| segment::to_bytes(chunk.run_id, chunk.first_seq, &chunk.lines).ok())?
        })
        .await
        .map_err(|_| StoreError::Closed)?;
        let lost = u64::from(body.is_none());
        if is_row {
            unread.in_rows += lost;
        } else {
            unread.of_files += 1;
            unread.in_files += lost;
        }
        line.push(Cell::Bytes(Some(body.unwrap_or_default())));
        outgoing.push(line);
        outgoing.send_when_full(target).await?;
        meter.one();
    }
    outgoing.send(target).await?;
    Ok(unread)
}

async fn into_files(
    writer: &mut SegmentWriter,
    source: &mut crate::Conn,
    target: &mut crate::Conn,
    table: &Table,
    meter: &mut Meter<'_>,
) -> Result<u64, StoreError> {
    let Link::Postgres(link) = source.link() else {
        unreachable!("invariant: log rows are PostgreSQL's");
    };
    let columns = Columns::of(table);
    let mut outgoing = columns.outgoing(&["segment", "offset", "length", "body"]);
    let mut unread = 0;
    let text = columns.select(&["body"]);
    let mut rows = sqlx::query(AssertSqlSafe(text)).fetch(link);
    while let Some(row) = rows.try_next().await? {
        let mut line = cells(&row, &columns.kinds)?;
        let (run, first) = name(&line);
        let body: &[u8] = row.try_get(columns.kinds.len())?;
        let chunk = segment::from_bytes(body)
            .ok()
            .filter(|chunk| is(chunk, run, first));
        let mut in_row = None;
        // A place where no record is: readers are told that the lines cannot be read.
        let (segment, offset, length) = match chunk {
            Some(chunk) if log::is_short(chunk.first_seq, &chunk.lines) => {
                in_row = Some(body.to_vec());
                (log::IN_NO_SEGMENT, 0, body.len() as i64)
            }
            Some(chunk) => {
                let at = writer.append(chunk.run_id, chunk.first_seq, &chunk.lines)?;
                let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
                (number(at.segment), number(at.offset), i64::from(at.length))
            }
            None => {
                unread += 1;
                (log::IN_NO_SEGMENT, 0, 0)
            }
        };
        line.push(Cell::from(segment));
        line.push(Cell::from(offset));
        line.push(Cell::from(length));
        line.push(Cell::from(in_row));
        outgoing.push(line);
        outgoing.send_when_full(target).await?;
        meter.one();
    }
    outgoing.send(target).await?;
    Ok(unread)
}

/// The run and the first line of a chunk's row.
fn name(line: &[Cell]) -> (i64, i64) {
    match line {
        [Cell::Int(Some(run)), Cell::Int(Some(first)), ..] => (*run, *first),
        _ => unreachable!("invariant: these columns are the primary key, and integers"),
    }
}

fn is(chunk: &Chunk, run: i64, first: i64) -> bool {
    chunk.run_id == run && i64::try_from(chunk.first_seq) == Ok(first)
}
