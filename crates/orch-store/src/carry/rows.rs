//! Rows from one database to the other, a bounded number in memory at a time.

use futures::TryStreamExt as _;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, ColumnIndex, Decode, FromRow, Row, Type};

use super::catalogue::{Kind, list, quoted};
use super::plan::Table;
use super::whole::Meter;
use crate::bulk::{Bulk, Cell};
use crate::conn::Link;
use crate::{Conn, StoreError};

/// So many rows, or bytes, are collected before they go out.
const ROWS: usize = 1024;
const BYTES: usize = 2 * 1024 * 1024;

/// Rows on their way into a table.
pub(super) struct Outgoing {
    insert: Bulk,
    cells: Vec<Cell>,
    width: usize,
    bytes: usize,
}

impl Outgoing {
    pub fn new(table: &str, columns: &[&str]) -> Self {
        let head = format!(
            "INSERT INTO {} ({}) VALUES ",
            quoted(table),
            list(columns.iter().copied())
        );
        Self {
            insert: Bulk::of(head.into(), columns.len(), ""),
            cells: Vec::new(),
            width: columns.len(),
            bytes: 0,
        }
    }

    /// Adds a row's cells.
    pub fn push(&mut self, row: impl IntoIterator<Item = Cell>) {
        for cell in row {
            self.bytes += match &cell {
                Cell::Int(_) => 8,
                Cell::Text(text) => text.as_ref().map_or(0, String::len),
                Cell::Bytes(bytes) => bytes.as_ref().map_or(0, Vec::len),
            };
            self.cells.push(cell);
        }
    }

    /// Sends what was collected, once it is enough.
    pub async fn send_when_full(&mut self, target: &mut Conn) -> Result<(), StoreError> {
        if self.cells.len() >= ROWS * self.width || self.bytes >= BYTES {
            self.send(target).await?;
        }
        Ok(())
    }

    /// Sends what was collected.
    pub async fn send(&mut self, target: &mut Conn) -> Result<(), StoreError> {
        self.bytes = 0;
        self.insert
            .run(target, std::mem::take(&mut self.cells))
            .await
    }
}

/// Copies a table column by column.
pub(super) async fn copy(
    source: &mut Conn,
    target: &mut Conn,
    table: &Table,
    meter: &mut Meter<'_>,
) -> Result<(), StoreError> {
    let names: Vec<&str> = table.columns.iter().map(|c| c.0.as_str()).collect();
    let kinds: Vec<Kind> = table.columns.iter().map(|c| c.1).collect();
    let text = format!(
        "SELECT {} FROM {}",
        list(names.iter().copied()),
        quoted(&table.name)
    );
    let mut outgoing = Outgoing::new(&table.name, &names);
    match source.link() {
        Link::Inline(_) | Link::Piped(_) => {
            unreachable!("invariant: whoever writes does not stream")
        }
        Link::Sqlite(link) => {
            let mut rows = sqlx::query(AssertSqlSafe(text)).fetch(link);
            while let Some(row) = rows.try_next().await? {
                outgoing.push(cells::<SqliteRow>(&row, &kinds)?);
                outgoing.send_when_full(target).await?;
                meter.one();
            }
        }
        Link::Postgres(link) => {
            let mut rows = sqlx::query(AssertSqlSafe(text)).fetch(link);
            while let Some(row) = rows.try_next().await? {
                outgoing.push(cells::<PgRow>(&row, &kinds)?);
                outgoing.send_when_full(target).await?;
                meter.one();
            }
        }
    }
    outgoing.send(target).await
}

/// The first columns of a row as cells.
pub(super) fn cells<'r, R>(row: &'r R, kinds: &[Kind]) -> Result<Vec<Cell>, sqlx::Error>
where
    R: Row,
    usize: ColumnIndex<R>,
    i64: Decode<'r, R::Database> + Type<R::Database>,
    String: Decode<'r, R::Database> + Type<R::Database>,
    Vec<u8>: Decode<'r, R::Database> + Type<R::Database>,
{
    let cell = |(at, kind): (usize, &Kind)| {
        Ok(match kind {
            Kind::Int => Cell::Int(row.try_get::<Option<i64>, _>(at)?),
            Kind::Text => Cell::Text(row.try_get::<Option<String>, _>(at)?),
            Kind::Bytes => Cell::Bytes(row.try_get::<Option<Vec<u8>>, _>(at)?),
        })
    };
    kinds.iter().enumerate().map(cell).collect()
}

/// The one row of a query that is put together at run time.
pub(super) async fn fetch_one<T>(conn: &mut Conn, text: String) -> Result<T, StoreError>
where
    T: Send + Unpin + for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow>,
{
    Ok(match conn.link() {
        Link::Inline(_) | Link::Piped(_) => {
            unreachable!("invariant: whoever writes does not stream")
        }
        Link::Sqlite(link) => sqlx::query_as(AssertSqlSafe(text)).fetch_one(link).await?,
        Link::Postgres(link) => sqlx::query_as(AssertSqlSafe(text)).fetch_one(link).await?,
    })
}
