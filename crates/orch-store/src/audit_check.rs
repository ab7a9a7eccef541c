//! Checking an audit chain offline: reads the database file, changes nothing.

use std::collections::BTreeMap;
use std::path::Path;
use std::str::FromStr as _;

use futures::TryStreamExt as _;
use orch_core::audit::{Entry, Head};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteRow};
use sqlx::{ConnectOptions as _, Row as _};

use crate::StoreError;

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
/// When the file cannot be opened or read as a database.
pub async fn check(
    database: &Path,
    heads: &BTreeMap<i64, [u8; 32]>,
) -> Result<Checked, StoreError> {
    let mut conn: SqliteConnection = SqliteConnectOptions::from_str("sqlite://")?
        .filename(database)
        .read_only(true)
        .connect()
        .await?;
    let mut checked = Checked {
        head: Head::EMPTY,
        first_bad: None,
    };
    let mut rows =
        sqlx::query("SELECT seq, at, actor, kind, project_id, body, hash FROM audit ORDER BY seq")
            .fetch(&mut conn);
    while let Some(row) = rows.try_next().await? {
        let (entry, hash) = match readable(&row) {
            Ok(read) => read,
            Err(error) => {
                let seq = checked.head.seq + 1;
                checked.first_bad = Some(format!("entry {seq} cannot be read: {error}"));
                return Ok(checked);
            }
        };
        match checked.head.verify(&entry, &hash) {
            Ok(head) => checked.head = head,
            Err(broken) => {
                checked.first_bad = Some(broken.to_string());
                return Ok(checked);
            }
        }
        if heads
            .get(&entry.seq)
            .is_some_and(|signed| *signed != checked.head.hash)
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

/// A row as an entry with its hash; an edit may have left a value of another type.
fn readable(row: &SqliteRow) -> Result<(Entry, Vec<u8>), sqlx::Error> {
    let entry = Entry {
        seq: row.try_get(0)?,
        at_us: row.try_get(1)?,
        actor: row.try_get(2)?,
        kind: row.try_get(3)?,
        project_id: row.try_get(4)?,
        body: row.try_get(5)?,
    };
    Ok((entry, row.try_get(6)?))
}
