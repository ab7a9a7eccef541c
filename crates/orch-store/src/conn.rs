//! A connection to the database, and the macros through which every statement runs.
//!
//! SQL is written once, with `$1` placeholders and standard casts, and means the same on SQLite and
//! on PostgreSQL. Where the two cannot agree, a [`Dialect`] holds both texts. `sql!` notes each
//! statement for the test that prepares all of them on both databases.

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnection, Postgres};
use sqlx::sqlite::{Sqlite, SqliteConnection};

use crate::StoreError;
use crate::inline::Inline;
use crate::piped::Piped;

/// A connection, inside a transaction or only reading.
pub enum Conn {
    /// On this thread: the transaction of the one that writes, or a short read.
    SqliteInline(Inline),
    /// The one long transaction of a move to another database.
    SqliteTx(sqlx::Transaction<'static, Sqlite>),
    SqliteRead(PoolConnection<Sqlite>),
    /// The transaction of the one that writes, or a short read.
    PostgresPiped(Piped),
    PostgresTx(sqlx::Transaction<'static, Postgres>),
    PostgresRead(PoolConnection<Postgres>),
}

/// A connection by its database.
pub(crate) enum Link<'a> {
    Inline(&'a mut Inline),
    Piped(&'a mut Piped),
    Sqlite(&'a mut SqliteConnection),
    Postgres(&'a mut PgConnection),
}

impl Conn {
    pub(crate) fn link(&mut self) -> Link<'_> {
        match self {
            Self::SqliteInline(inline) => Link::Inline(inline),
            Self::PostgresPiped(piped) => Link::Piped(piped),
            Self::SqliteTx(tx) => Link::Sqlite(tx),
            Self::SqliteRead(conn) => Link::Sqlite(conn),
            Self::PostgresTx(tx) => Link::Postgres(tx),
            Self::PostgresRead(conn) => Link::Postgres(conn),
        }
    }

    /// Commits the transaction that it is; a connection that only reads has nothing to commit.
    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        match self {
            Self::SqliteInline(inline) => inline.commit()?,
            Self::PostgresPiped(piped) => piped.commit().await?,
            Self::SqliteTx(tx) => tx.commit().await?,
            Self::PostgresTx(tx) => tx.commit().await?,
            Self::SqliteRead(_) | Self::PostgresRead(_) => {}
        }
        Ok(())
    }
}

/// A statement that the two databases cannot share.
#[derive(Clone, Copy)]
pub(crate) struct Dialect {
    pub sqlite: &'static str,
    pub postgres: &'static str,
}

/// In place of a statement that only the other database is ever asked.
pub(crate) const NOT_HERE: &str = "";

/// The text of a statement for each database.
pub(crate) trait Statement {
    fn sqlite(&self) -> &'static str;
    fn postgres(&self) -> &'static str;
}

impl Statement for &'static str {
    fn sqlite(&self) -> &'static str {
        self
    }

    fn postgres(&self) -> &'static str {
        self
    }
}

impl Statement for Dialect {
    fn sqlite(&self) -> &'static str {
        self.sqlite
    }

    fn postgres(&self) -> &'static str {
        self.postgres
    }
}

/// Every statement of this crate, for the test that prepares them.
#[cfg(test)]
#[linkme::distributed_slice]
pub(crate) static STATEMENTS: [fn() -> Dialect];

/// Notes a statement. Shared text stands alone; what differs stands as `sqlite: …, postgres: …`.
macro_rules! sql {
    (postgres: $postgres:expr $(,)?) => {
        $crate::conn::sql!(sqlite: $crate::conn::NOT_HERE, postgres: $postgres)
    };
    (sqlite: $sqlite:expr, postgres: $postgres:expr $(,)?) => {{
        const TEXT: $crate::conn::Dialect = $crate::conn::Dialect { sqlite: $sqlite, postgres: $postgres };
        #[cfg(test)]
        {
            #[linkme::distributed_slice($crate::conn::STATEMENTS)]
            static NOTED: fn() -> $crate::conn::Dialect = || TEXT;
        }
        TEXT
    }};
    ($shared:expr) => {{
        const TEXT: &str = $shared;
        #[cfg(test)]
        {
            #[linkme::distributed_slice($crate::conn::STATEMENTS)]
            static NOTED: fn() -> $crate::conn::Dialect =
                || $crate::conn::Dialect { sqlite: TEXT, postgres: TEXT };
        }
        TEXT
    }};
}

/// The two statements of a list, oldest first and newest first: a `SELECT … WHERE …` to which the
/// cursor and the limit are added as the placeholders that follow the conditions.
macro_rules! listing {
    ($page:expr, $select:literal, $id:literal, $cursor:literal, $limit:literal) => {
        match $page.order {
            $crate::Order::OldestFirst => $crate::conn::sql!(concat!(
                $select,
                " AND (CAST(",
                $cursor,
                " AS BIGINT) IS NULL OR ",
                $id,
                " > ",
                $cursor,
                ") ORDER BY ",
                $id,
                " LIMIT ",
                $limit
            )),
            $crate::Order::NewestFirst => $crate::conn::sql!(concat!(
                $select,
                " AND (CAST(",
                $cursor,
                " AS BIGINT) IS NULL OR ",
                $id,
                " < ",
                $cursor,
                ") ORDER BY ",
                $id,
                " DESC LIMIT ",
                $limit
            )),
        }
    };
}

/// Runs one statement on whichever database the connection is to.
macro_rules! on_link {
    ($conn:expr, $statement:expr, $query:ident $(::<$($generic:ty),+>)?, $fetch:ident, ($($bind:expr),*)) => {
        match ($conn.link(), $statement) {
            ($crate::conn::Link::Inline(inline), statement) => {
                inline.$fetch($crate::conn::Statement::sqlite(&statement), rusqlite::params![$($bind),*])
                    .map_err($crate::StoreError::from)
            }
            ($crate::conn::Link::Piped(piped), statement) => {
                let values = vec![$($crate::piped::Value::from($bind)),*];
                piped.$fetch($crate::conn::Statement::postgres(&statement), values).await
                    .map_err($crate::StoreError::from)
            }
            ($crate::conn::Link::Sqlite(link), statement) => {
                sqlx::$query$(::<$($generic),+>)?($crate::conn::Statement::sqlite(&statement))$(.bind($bind))*
                    .$fetch(link).await.map(|done| $crate::conn::tally!($fetch, done))
                    .map_err($crate::StoreError::from)
            }
            ($crate::conn::Link::Postgres(link), statement) => {
                sqlx::$query$(::<$($generic),+>)?($crate::conn::Statement::postgres(&statement))$(.bind($bind))*
                    .$fetch(link).await.map(|done| $crate::conn::tally!($fetch, done))
                    .map_err($crate::StoreError::from)
            }
        }
    };
}

/// What a call answers: the rows touched, or what was fetched.
macro_rules! tally {
    (execute, $done:expr) => {
        $done.rows_affected()
    };
    ($fetch:ident, $done:expr) => {
        $done
    };
}

/// Runs a statement; answers how many rows it touched.
macro_rules! execute {
    ($conn:expr, $sql:literal $(, $bind:expr)* $(,)?) => {
        $crate::conn::on_link!($conn, $crate::conn::sql!($sql), query, execute, ($($bind),*))
    };
    ($conn:expr, $sql:expr $(, $bind:expr)* $(,)?) => {
        $crate::conn::on_link!($conn, $sql, query, execute, ($($bind),*))
    };
}

/// Runs a statement whose outcome nobody needs before the commit, which fails where it failed.
macro_rules! send {
    ($conn:expr, $sql:literal $(, $bind:expr)* $(,)?) => {
        $crate::conn::send!($conn, $crate::conn::sql!($sql) $(, $bind)*)
    };
    ($conn:expr, $sql:expr $(, $bind:expr)* $(,)?) => {
        if let $crate::conn::Link::Piped(piped) = $conn.link() {
            let values = vec![$($crate::piped::Value::from($bind)),*];
            piped.send($crate::conn::Statement::postgres(&$sql), values).await
                .map_err($crate::StoreError::from)
        } else {
            $crate::conn::on_link!($conn, $sql, query, execute, ($($bind),*)).map(drop)
        }
    };
}

/// All rows of a query.
macro_rules! all {
    ($conn:expr, $row:ty, $sql:literal $(, $bind:expr)* $(,)?) => {
        $crate::conn::on_link!($conn, $crate::conn::sql!($sql), query_as::<_, $row>, fetch_all, ($($bind),*))
    };
    ($conn:expr, $row:ty, $sql:expr $(, $bind:expr)* $(,)?) => {
        $crate::conn::on_link!($conn, $sql, query_as::<_, $row>, fetch_all, ($($bind),*))
    };
}

/// The first row of a query, when there is one.
macro_rules! optional {
    ($conn:expr, $row:ty, $sql:literal $(, $bind:expr)* $(,)?) => {
        $crate::conn::on_link!($conn, $crate::conn::sql!($sql), query_as::<_, $row>, fetch_optional, ($($bind),*))
    };
    ($conn:expr, $row:ty, $sql:expr $(, $bind:expr)* $(,)?) => {
        $crate::conn::on_link!($conn, $sql, query_as::<_, $row>, fetch_optional, ($($bind),*))
    };
}

/// The one row of a query.
macro_rules! one {
    ($conn:expr, $row:ty, $sql:literal $(, $bind:expr)* $(,)?) => {
        $crate::conn::on_link!($conn, $crate::conn::sql!($sql), query_as::<_, $row>, fetch_one, ($($bind),*))
    };
    ($conn:expr, $row:ty, $sql:expr $(, $bind:expr)* $(,)?) => {
        $crate::conn::on_link!($conn, $sql, query_as::<_, $row>, fetch_one, ($($bind),*))
    };
}

pub(crate) use crate::ids::{Ids, json_ids};
pub(crate) use {all, execute, listing, on_link, one, optional, send, sql, tally};
