//! A connection to the database, and the macros through which every statement runs.
//!
//! SQL is written once, with `$1` placeholders and standard casts. A second database adds a
//! variant here and an arm to the macros, and changes no caller.

use sqlx::pool::PoolConnection;
use sqlx::sqlite::{Sqlite, SqliteConnection};

/// A connection, inside a transaction or only reading.
pub enum Conn {
    Tx(sqlx::Transaction<'static, Sqlite>),
    Read(PoolConnection<Sqlite>),
}

impl Conn {
    pub(crate) fn sqlite(&mut self) -> &mut SqliteConnection {
        match self {
            Self::Tx(tx) => tx,
            Self::Read(conn) => conn,
        }
    }
}

/// Runs a statement; answers how many rows it touched.
macro_rules! execute {
    ($conn:expr, $sql:expr $(, $bind:expr)* $(,)?) => {
        sqlx::query($sql)$(.bind($bind))*
            .execute($conn.sqlite())
            .await
            .map(|done| done.rows_affected())
            .map_err($crate::StoreError::from)
    };
}

/// All rows of a query.
macro_rules! all {
    ($conn:expr, $row:ty, $sql:expr $(, $bind:expr)* $(,)?) => {
        sqlx::query_as::<_, $row>($sql)$(.bind($bind))*
            .fetch_all($conn.sqlite())
            .await
            .map_err($crate::StoreError::from)
    };
}

/// The first row of a query, when there is one.
macro_rules! optional {
    ($conn:expr, $row:ty, $sql:expr $(, $bind:expr)* $(,)?) => {
        sqlx::query_as::<_, $row>($sql)$(.bind($bind))*
            .fetch_optional($conn.sqlite())
            .await
            .map_err($crate::StoreError::from)
    };
}

/// The one row of a query.
macro_rules! one {
    ($conn:expr, $row:ty, $sql:expr $(, $bind:expr)* $(,)?) => {
        sqlx::query_as::<_, $row>($sql)$(.bind($bind))*
            .fetch_one($conn.sqlite())
            .await
            .map_err($crate::StoreError::from)
    };
}

pub(crate) use {all, execute, one, optional};

/// Ids as a JSON array, for `IN (SELECT value FROM json_each($1))`.
pub(crate) fn json_ids(ids: impl IntoIterator<Item = i64>) -> String {
    serde_json::to_string(&ids.into_iter().collect::<Vec<_>>())
        .expect("invariant: integers serialise")
}
