//! What several servers on one database have to agree on besides rows: requests counted over all of
//! them, and keys that one of them at a time works under.

use std::collections::BTreeSet;

use sqlx::Postgres as Pg;

use crate::conn::{all, one, sql};
use crate::inline::row;
use crate::{Store, StoreError};

row! {
    /// A request as it was counted.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Counted {
        /// 1, or 0 where the client had used its requests up.
        pub accepted: i64,
        /// In the window, this one included.
        pub used: i64,
        /// The first second of the window that has a request.
        pub oldest: i64,
    }
}

/// Counts a request of a client over all servers; `None` where there is one server alone.
///
/// # Errors
/// When the database fails.
pub async fn count_request(
    store: &Store,
    client: &str,
    window_seconds: i64,
    most: i64,
) -> Result<Option<Counted>, StoreError> {
    let Some(mut conn) = store.read_shared().await? else {
        return Ok(None);
    };
    let second = store.now().as_micros() / 1_000_000;
    let counted = one!(
        conn,
        Counted,
        sql!(postgres: "SELECT accepted, used, oldest FROM count_request($1, $2, $3, $4)"),
        client,
        second,
        window_seconds,
        most
    )?;
    Ok(Some(counted))
}

/// What tells a server among those on one database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerNumber(i32);

impl ServerNumber {
    pub(crate) fn of(me: i64) -> Self {
        Self(i32::try_from(me & i64::from(i32::MAX)).unwrap_or(i32::MAX))
    }

    pub(crate) fn get(self) -> i64 {
        i64::from(self.0)
    }

    /// The second half of the advisory lock that a server holds while it lives; [`ALIVE`] is the first.
    pub(crate) fn lock(self) -> i32 {
        self.0
    }
}

/// The first half of the advisory locks by which servers show that they live.
pub(crate) const ALIVE: i32 = 0x4F52_4348;

/// The agents whose streams other servers have that live, by name; none where there is one server
/// alone.
///
/// # Errors
/// When the database fails.
pub async fn agents_elsewhere(store: &Store) -> Result<BTreeSet<String>, StoreError> {
    let Some(mut conn) = store.read_shared().await? else {
        return Ok(BTreeSet::new());
    };
    let names = all!(
        conn,
        (String,),
        sql!(
            postgres: "SELECT a.name FROM agent a WHERE a.server <> $1 AND a.server IN (
                SELECT CAST(l.objid AS BIGINT) FROM pg_locks l
                  JOIN pg_database d ON d.oid = l.database AND d.datname = current_database()
                 WHERE l.locktype = 'advisory' AND l.objsubid = 2 AND l.granted
                   AND CAST(l.classid AS BIGINT) = $2)"
        ),
        store.server_number().get(),
        i64::from(ALIVE)
    )?;
    Ok(names.into_iter().map(|(name,)| name).collect())
}

/// A key that nobody else works under until this is dropped.
pub struct Exclusive(
    #[expect(dead_code, reason = "its end unlocks")] Option<sqlx::Transaction<'static, Pg>>,
);

/// Takes a key among all servers; `None` while another has it. Where there is one server alone, it
/// has every key.
///
/// # Errors
/// When the database fails.
pub async fn exclusive(store: &Store, key: &str) -> Result<Option<Exclusive>, StoreError> {
    let Some(mut tx) = store.begin_lock().await? else {
        return Ok(Some(Exclusive(None)));
    };
    let (taken,): (bool,) =
        sqlx::query_as("SELECT pg_try_advisory_xact_lock(hashtextextended($1, 11))")
            .bind(key)
            .fetch_one(&mut *tx)
            .await?;
    Ok(taken.then_some(Exclusive(Some(tx))))
}
