//! What several servers on one database have to agree on besides rows: requests counted over all of
//! them, and keys that one of them at a time works under.

use sqlx::Postgres as Pg;

use crate::conn::{one, sql};
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
