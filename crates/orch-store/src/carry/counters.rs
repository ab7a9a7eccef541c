//! What a database counts by itself: the ids to come, and the word that the writer leaves.

use orch_core::audit::Head;
use sqlx::AssertSqlSafe;

use super::CarryError;
use super::catalogue::quoted;
use super::plan::Plan;
use crate::conn::{Conn, Link, all, execute, one, optional, sql};
use crate::{postgres, sqlite};

/// Makes the target go on counting where the source was; ids of removed rows are not given again.
pub(super) async fn set(
    source: &mut Conn,
    target: &mut Conn,
    plan: &Plan,
    head: Head,
) -> Result<(), CarryError> {
    let is_carried = |table: &String| plan.tables.iter().any(|carried| carried.name == *table);
    let identities = if matches!(source.link(), Link::Sqlite(_)) {
        from_sqlite(source).await?
    } else {
        from_postgres(source).await?
    };
    for (table, last) in identities.into_iter().filter(|(t, _)| is_carried(t)) {
        if matches!(target.link(), Link::Sqlite(_)) {
            into_sqlite(target, &table, last).await?;
        } else {
            into_postgres(target, &table, last).await?;
        }
    }
    if matches!(target.link(), Link::Postgres(_)) {
        let next = sqlite::next_ids(target).await?;
        // Nobody's turn: whoever comes next learns everything from here.
        postgres::leave_word(target, 0, head, next, 0).await?;
    }
    Ok(())
}

async fn from_sqlite(conn: &mut Conn) -> Result<Vec<(String, i64)>, CarryError> {
    Ok(all!(
        conn,
        (String, i64),
        sql!(
            sqlite: "SELECT name, CAST(seq AS INTEGER) FROM sqlite_sequence",
            postgres: crate::conn::NOT_HERE,
        )
    )?)
}

async fn from_postgres(conn: &mut Conn) -> Result<Vec<(String, i64)>, CarryError> {
    let tables = all!(
        conn,
        (String, String),
        sql!(
            postgres: "SELECT CAST(table_name AS TEXT), CAST(column_name AS TEXT) FROM information_schema.columns
                        WHERE table_schema = current_schema() AND is_identity = 'YES'",
        )
    )?;
    let mut identities = Vec::new();
    for (table, column) in tables {
        let (last,) = one!(
            conn,
            (Option<i64>,),
            sql!(
                postgres: "SELECT pg_sequence_last_value(CAST(pg_get_serial_sequence($1, $2) AS regclass))",
            ),
            quoted(&table),
            column
        )?;
        identities.extend(last.map(|last| (table, last)));
    }
    Ok(identities)
}

/// SQLite raised it with the rows; this is for rows that are gone.
async fn into_sqlite(conn: &mut Conn, table: &str, last: i64) -> Result<(), CarryError> {
    let updated = execute!(
        conn,
        sql!(
            sqlite: "UPDATE sqlite_sequence SET seq = max(seq, $2) WHERE name = $1",
            postgres: crate::conn::NOT_HERE,
        ),
        table.to_owned(),
        last
    )?;
    if updated == 0 {
        execute!(
            conn,
            sql!(
                sqlite: "INSERT INTO sqlite_sequence (name, seq) VALUES ($1, $2)",
                postgres: crate::conn::NOT_HERE,
            ),
            table.to_owned(),
            last
        )?;
    }
    Ok(())
}

async fn into_postgres(conn: &mut Conn, table: &str, last: i64) -> Result<(), CarryError> {
    let identity = optional!(
        conn,
        (String,),
        sql!(
            postgres: "SELECT CAST(column_name AS TEXT) FROM information_schema.columns
                        WHERE table_schema = current_schema() AND is_identity = 'YES'
                          AND CAST(table_name AS TEXT) = CAST($1 AS TEXT)",
        ),
        table.to_owned()
    )?;
    let (Some((column,)), Link::Postgres(link)) = (identity, conn.link()) else {
        return Ok(());
    };
    let text = format!(
        "SELECT setval(CAST(pg_get_serial_sequence($1, $2) AS regclass),
                       greatest($3, (SELECT coalesce(max({}), 1) FROM {})))",
        quoted(&column),
        quoted(table)
    );
    sqlx::query(AssertSqlSafe(text))
        .bind(quoted(table))
        .bind(column)
        .bind(last)
        .execute(link)
        .await?;
    Ok(())
}
