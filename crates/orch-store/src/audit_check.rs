//! Checking an audit chain without a server: reads the database, changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use futures::TryStreamExt as _;
use futures::stream::{BoxStream, StreamExt as _};
use orch_core::audit::Head;

use crate::audit::{Row, Stored};
use crate::conn::{Conn, Link, sql};
use crate::{Database, StoreError, postgres, sqlite};

/// Hashes that were signed, by the place in the chain; several servers may have signed one place.
pub type SignedHeads = BTreeMap<i64, BTreeSet<[u8; 32]>>;

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// The last entry that is intact.
    pub head: Head,
    /// The first entry that is not, in words.
    pub first_bad: Option<String>,
}

/// Checks every entry in order, and that each of `heads` (signed before) stands in the chain.
///
/// # Errors
/// When the database cannot be opened or read.
pub async fn check(database: &Database, heads: &SignedHeads) -> Result<Checked, StoreError> {
    match database {
        Database::Sqlite { file, .. } => {
            let pool = sqlite::only_reading(file).await?;
            let checked = chain(&mut Conn::SqliteRead(pool.acquire().await?), heads).await;
            pool.close().await;
            checked
        }
        Database::Postgres { url } => {
            let pool = postgres::one_connection(url).await?;
            let checked = chain(&mut Conn::PostgresRead(pool.acquire().await?), heads).await;
            pool.close().await;
            checked
        }
    }
}

/// Checks the chain of a database that is open.
pub(crate) async fn chain(conn: &mut Conn, heads: &SignedHeads) -> Result<Checked, StoreError> {
    let text = sql!("SELECT seq, at, actor, kind, project_id, body, hash FROM audit ORDER BY seq");
    let rows: BoxStream<'_, Result<Row, sqlx::Error>> = match conn.link() {
        Link::Inline(_) | Link::Piped(_) => {
            unreachable!("invariant: whoever writes does not stream")
        }
        Link::Sqlite(link) => sqlx::query_as(text).fetch(link).boxed(),
        Link::Postgres(link) => sqlx::query_as(text).fetch(link).boxed(),
    };
    follow(rows, heads).await
}

async fn follow(
    mut rows: BoxStream<'_, Result<Row, sqlx::Error>>,
    heads: &SignedHeads,
) -> Result<Checked, StoreError> {
    let mut checked = Checked {
        head: Head::EMPTY,
        first_bad: None,
    };
    loop {
        let Stored { entry, hash } = match rows.try_next().await {
            Ok(Some(row)) => row.into(),
            Ok(None) => break,
            // An edit may have left a value of another type.
            Err(error @ sqlx::Error::ColumnDecode { .. }) => {
                let seq = checked.head.seq + 1;
                checked.first_bad = Some(format!("entry {seq} cannot be read: {error}"));
                return Ok(checked);
            }
            Err(error) => return Err(error.into()),
        };
        match checked.head.verify(&entry, &hash) {
            Ok(head) => checked.head = head,
            Err(broken) => {
                checked.first_bad = Some(broken.to_string());
                return Ok(checked);
            }
        }
        let hash = checked.head.hash;
        if heads
            .get(&entry.seq)
            .is_some_and(|signed| signed.iter().any(|signed| *signed != hash))
        {
            checked.first_bad = Some(format!(
                "entry {} ({}) is not the one that was signed: the chain up to it was written anew",
                entry.seq, entry.kind
            ));
            return Ok(checked);
        }
    }
    if let Some((&signed, _)) = heads.last_key_value()
        && signed > checked.head.seq
    {
        checked.first_bad = Some(format!(
            "entry {} is missing: the chain ends at {}, but its head was signed at {signed}",
            checked.head.seq + 1,
            checked.head.seq
        ));
    }
    Ok(checked)
}
