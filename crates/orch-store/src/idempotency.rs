//! Answers kept by idempotency key, so that a request that is sent again acts once.
//!
//! A row comes with the request's act ([`Reservation`](crate::Reservation)), and its answer after
//! it. One without an answer says that the request acted and nobody knows what it was answered.

use orch_core::time::Timestamp;

use crate::conn::{execute, optional};
use crate::inline::row;
use crate::{Conn, StoreError};

row! {
    /// An answer that was given.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Kept {
        /// A digest of method, path and body.
        pub request: String,
        /// 0 while it was not kept; `headers` names the audit entries of the act then.
        pub status: i64,
        /// A JSON object of the headers that are sent again.
        pub headers: String,
        pub body: Vec<u8>,
    }
}

/// The answer kept under a key.
///
/// # Errors
/// When the database fails.
pub async fn find(conn: &mut Conn, key: &str) -> Result<Option<Kept>, StoreError> {
    optional!(
        conn,
        Kept,
        "SELECT request, status, headers, body FROM idempotency WHERE key = $1",
        key
    )
}

/// Keeps an answer.
///
/// # Errors
/// When the database fails.
pub async fn keep(
    conn: &mut Conn,
    key: &str,
    answer: &Kept,
    now: Timestamp,
) -> Result<(), StoreError> {
    orch_failpoint::check("store.idempotency.keep").map_err(sqlx::Error::from)?;
    execute!(
        conn,
        "INSERT INTO idempotency (key, request, status, headers, body, created_at)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (key) DO UPDATE SET status = excluded.status, headers = excluded.headers, body = excluded.body
          WHERE idempotency.status = 0",
        key,
        answer.request.as_str(),
        answer.status,
        answer.headers.as_str(),
        answer.body.as_slice(),
        now.as_micros()
    )?;
    Ok(())
}

/// Forgets a key whose request was refused after it had acted in part.
///
/// # Errors
/// When the database fails.
pub async fn forget(conn: &mut Conn, key: &str) -> Result<u64, StoreError> {
    execute!(
        conn,
        "DELETE FROM idempotency WHERE key = $1 AND status = 0",
        key
    )
}

/// Forgets what was kept before `then`.
///
/// # Errors
/// When the database fails.
pub async fn forget_before(conn: &mut Conn, then: Timestamp) -> Result<u64, StoreError> {
    execute!(
        conn,
        "DELETE FROM idempotency WHERE created_at < $1",
        then.as_micros()
    )
}
