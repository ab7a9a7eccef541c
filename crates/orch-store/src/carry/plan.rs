//! What is carried, found by comparing the two catalogues.

use std::collections::BTreeSet;

use super::CarryError;
use super::catalogue::{self, Kind, Tables};
use crate::Conn;

/// Tables that PostgreSQL alone has, and which are treated apart.
pub(super) const WRITER: &str = "writer";
pub(super) const BLOB: &str = "blob";
/// Its larger contents, in pieces.
pub(super) const BLOB_PART: &str = "blob_part";
/// The table whose rows name bytes beside the database, or hold them.
pub(super) const LOG_CHUNK: &str = "log_chunk";
const PLACE: [&str; 4] = ["segment", "offset", "length", "body"];

/// A table with the columns that both databases have.
pub(super) struct Table {
    pub name: String,
    pub columns: Vec<(String, Kind)>,
    /// Rows in the source.
    pub rows: i64,
}

/// Every table that both have, in an order that keeps references whole.
pub(super) struct Plan {
    pub tables: Vec<Table>,
    /// Tables of the source alone that hold rows: nobody there would read them.
    pub left_behind: Vec<String>,
    /// Whether PostgreSQL, on whichever side it is, keeps artifact bytes.
    pub blobs: bool,
}

pub(super) async fn plan(source: &mut Conn, target: &mut Conn) -> Result<Plan, CarryError> {
    let from = catalogue::tables(source).await?;
    let to = catalogue::tables(target).await?;
    let both: BTreeSet<String> = from
        .keys()
        .filter(|name| to.contains_key(*name))
        .cloned()
        .collect();
    let mut left_behind = Vec::new();
    for name in from.keys().filter(|name| !both.contains(*name)) {
        if name != WRITER
            && name != BLOB
            && name != BLOB_PART
            && catalogue::count(source, name).await? > 0
        {
            left_behind.push(name.clone());
        }
    }
    let mut tables = Vec::new();
    for name in catalogue::in_order(target, both).await? {
        let columns = shared(&from, &to, &name)?;
        let rows = catalogue::count(source, &name).await?;
        tables.push(Table {
            name,
            columns,
            rows,
        });
    }
    Ok(Plan {
        tables,
        left_behind,
        blobs: from.contains_key(BLOB) || to.contains_key(BLOB),
    })
}

/// The columns of a table in the source, each of which the target must have; where a log chunk's
/// bytes stand is each database's own affair.
fn shared(from: &Tables, to: &Tables, table: &str) -> Result<Vec<(String, Kind)>, CarryError> {
    let mut columns = Vec::new();
    for column in &from[table] {
        if table == LOG_CHUNK && PLACE.contains(&column.name.as_str()) {
            continue;
        }
        if to[table].iter().all(|other| other.name != column.name) {
            return Err(CarryError::NoColumn {
                table: table.to_owned(),
                column: column.name.clone(),
            });
        }
        columns.push((column.name.clone(), column.kind(table)?));
    }
    Ok(columns)
}

/// Refuses a target that holds anything.
pub(super) async fn require_empty(target: &mut Conn, plan: &Plan) -> Result<(), CarryError> {
    let blob = catalogue::has_table(target, BLOB).await?;
    let names = plan.tables.iter().map(|table| table.name.as_str());
    for table in names.chain(blob.then_some(BLOB)) {
        let rows = catalogue::count(target, table).await?;
        if rows > 0 {
            return Err(CarryError::NotEmpty {
                table: table.to_owned(),
                rows,
            });
        }
    }
    Ok(())
}
