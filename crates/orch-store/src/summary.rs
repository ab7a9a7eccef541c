//! Run summaries in the database.

use orch_core::ids::RunId;
use orch_core::time::Timestamp;

use crate::conn::{all, one, sql};
use crate::inline::row;
use crate::{Conn, StoreError};

row! {
    /// What a worker says of a run; `usage` is JSON (tokens by kind) where a model was used.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Summary {
        pub id: i64,
        pub run_id: i64,
        pub content: String,
        pub usage: Option<String>,
        pub created_at: i64,
    }
}

/// Stores a summary.
///
/// # Errors
/// When the database fails.
pub async fn insert(
    conn: &mut Conn,
    run: RunId,
    content: &str,
    usage: Option<&str>,
    now: Timestamp,
) -> Result<Summary, StoreError> {
    one!(
        conn,
        Summary,
        "INSERT INTO summary (run_id, content, usage, created_at) VALUES ($1, $2, $3, $4) RETURNING *",
        run.get(),
        content,
        usage,
        now.as_micros()
    )
}

/// The summaries of a run, oldest first.
///
/// # Errors
/// When the database fails.
pub async fn of_run(conn: &mut Conn, run: RunId) -> Result<Vec<Summary>, StoreError> {
    all!(
        conn,
        Summary,
        "SELECT * FROM summary WHERE run_id = $1 ORDER BY id",
        run.get()
    )
}

/// Tokens counted in a project's runs: input, cached input, output.
///
/// # Errors
/// When the database fails.
pub async fn tokens_by_project(conn: &mut Conn) -> Result<Vec<(i64, i64, i64, i64)>, StoreError> {
    all!(
        conn,
        (i64, i64, i64, i64),
        sql!(
            sqlite: "SELECT r.project_id,
                CAST(sum(coalesce(CAST(s.usage->>'input_tokens' AS BIGINT), 0)) AS BIGINT),
                CAST(sum(coalesce(CAST(s.usage->>'cached_input_tokens' AS BIGINT), 0)) AS BIGINT),
                CAST(sum(coalesce(CAST(s.usage->>'output_tokens' AS BIGINT), 0)) AS BIGINT)
           FROM summary s JOIN run r ON r.id = s.run_id WHERE s.usage IS NOT NULL GROUP BY r.project_id",
            postgres: "SELECT r.project_id,
                CAST(sum(coalesce(CAST(CAST(s.usage AS jsonb)->>'input_tokens' AS BIGINT), 0)) AS BIGINT),
                CAST(sum(coalesce(CAST(CAST(s.usage AS jsonb)->>'cached_input_tokens' AS BIGINT), 0)) AS BIGINT),
                CAST(sum(coalesce(CAST(CAST(s.usage AS jsonb)->>'output_tokens' AS BIGINT), 0)) AS BIGINT)
           FROM summary s JOIN run r ON r.id = s.run_id WHERE s.usage IS NOT NULL GROUP BY r.project_id",
        )
    )
}
