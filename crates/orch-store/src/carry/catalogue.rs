//! What tables and columns a database has, from its own catalogue.

use std::collections::{BTreeMap, BTreeSet};

use super::CarryError;
use crate::Conn;
use crate::conn::{all, one, sql};

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Int,
    Text,
    Bytes,
}

/// A column as the database calls its type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Column {
    pub name: String,
    declared: String,
}

impl Column {
    /// What it holds, where that can be carried.
    pub fn kind(&self, table: &str) -> Result<Kind, CarryError> {
        match self.declared.to_ascii_lowercase().as_str() {
            "integer" | "bigint" => Ok(Kind::Int),
            "text" => Ok(Kind::Text),
            "blob" | "bytea" => Ok(Kind::Bytes),
            _ => Err(CarryError::UnknownType {
                table: table.to_owned(),
                column: self.name.clone(),
                kind: self.declared.clone(),
            }),
        }
    }
}

/// Columns by table, in their order. The note of migrations is no table of the installation.
pub(super) type Tables = BTreeMap<String, Vec<Column>>;

pub(super) async fn tables(conn: &mut Conn) -> Result<Tables, CarryError> {
    let rows = all!(
        conn,
        (String, String, String),
        sql!(
            sqlite: "SELECT m.name, p.name, p.type FROM sqlite_master m JOIN pragma_table_info(m.name) p
                      WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite~_%' ESCAPE '~' AND m.name <> '_sqlx_migrations'
                      ORDER BY m.name, p.cid",
            postgres: "SELECT CAST(c.table_name AS TEXT), CAST(c.column_name AS TEXT), CAST(c.data_type AS TEXT)
                         FROM information_schema.columns c
                         JOIN information_schema.tables t ON t.table_schema = c.table_schema AND t.table_name = c.table_name
                        WHERE c.table_schema = current_schema() AND t.table_type = 'BASE TABLE'
                          AND c.table_name <> '_sqlx_migrations'
                        ORDER BY c.table_name, c.ordinal_position",
        )
    )?;
    let mut tables = Tables::new();
    for (table, name, declared) in rows {
        tables
            .entry(table)
            .or_default()
            .push(Column { name, declared });
    }
    Ok(tables)
}

/// The tables in an order in which every row finds those that it refers to.
pub(super) async fn in_order(
    conn: &mut Conn,
    tables: BTreeSet<String>,
) -> Result<Vec<String>, CarryError> {
    let references = all!(
        conn,
        (String, String),
        sql!(
            sqlite: "SELECT m.name, f.\"table\" FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) f WHERE m.type = 'table'",
            postgres: "SELECT CAST(a.relname AS TEXT), CAST(b.relname AS TEXT) FROM pg_constraint c
                         JOIN pg_class a ON a.oid = c.conrelid JOIN pg_class b ON b.oid = c.confrelid
                        WHERE c.contype = 'f' AND a.relnamespace = current_schema()::regnamespace",
        )
    )?;
    let mut left = tables;
    let mut ordered = Vec::new();
    while !left.is_empty() {
        let free: Vec<String> = left
            .iter()
            .filter(|table| {
                references
                    .iter()
                    .all(|(from, to)| from != *table || from == to || !left.contains(to))
            })
            .cloned()
            .collect();
        if free.is_empty() {
            return Err(CarryError::Circle);
        }
        for table in free {
            left.remove(&table);
            ordered.push(table);
        }
    }
    Ok(ordered)
}

/// How many rows a table has.
pub(super) async fn count(conn: &mut Conn, table: &str) -> Result<i64, CarryError> {
    let text = format!("SELECT count(*) FROM {}", quoted(table));
    let (rows,): (i64,) = super::rows::fetch_one(conn, text).await?;
    Ok(rows)
}

/// Whether PostgreSQL keeps the artifact bytes.
pub(super) async fn has_table(conn: &mut Conn, table: &str) -> Result<bool, CarryError> {
    let (found,) = one!(
        conn,
        (i64,),
        sql!(
            sqlite: "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = $1",
            postgres: "SELECT count(*) FROM information_schema.tables
                        WHERE table_schema = current_schema() AND CAST(table_name AS TEXT) = CAST($1 AS TEXT)",
        ),
        table.to_owned()
    )?;
    Ok(found > 0)
}

/// A name as both databases read it.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Names, quoted and separated.
pub(super) fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.into_iter().map(quoted).collect();
    names.join(", ")
}
