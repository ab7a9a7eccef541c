//! Run summaries in the database.

use std::collections::BTreeMap;

use orch_core::ids::RunId;
use orch_core::time::Timestamp;

use crate::conn::{all, json_ids, one, sql};
use crate::inline::row;
use crate::stored::{Lenient, stored};
use crate::{Conn, Found, Page, StoreError};

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

stored!(Summary, "summary" by id => Summary, json: usage);

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
pub async fn of_run(conn: &mut Conn, run: RunId) -> Result<Found<Summary>, StoreError> {
    Ok(Found::of::<Summary>(all!(
        conn,
        Lenient<Summary>,
        "SELECT * FROM summary WHERE run_id = $1 ORDER BY id",
        run.get()
    )?))
}

/// Tokens counted in each project's runs: project, input, cached input, output. Summaries that cannot
/// be read count nothing.
///
/// # Errors
/// When the database fails.
pub async fn tokens_by_project(conn: &mut Conn) -> Result<Found<(i64, i64, i64, i64)>, StoreError> {
    // One text that is no JSON fails the whole statement.
    match summed(conn).await {
        Ok(rows) => Ok(Found {
            rows,
            unreadable: Vec::new(),
            next: None,
        }),
        Err(_) => one_by_one(conn).await,
    }
}

/// The same, row by row.
async fn one_by_one(conn: &mut Conn) -> Result<Found<(i64, i64, i64, i64)>, StoreError> {
    let mut sums: BTreeMap<i64, [i64; 3]> = BTreeMap::new();
    let mut unreadable = Vec::new();
    let mut after = 0;
    loop {
        let page = Page {
            after: Some(after),
            limit: ROWS_AT_ONCE,
            ..Page::default()
        };
        let rows = all!(
            conn,
            Lenient<Summary>,
            "SELECT * FROM summary WHERE usage IS NOT NULL AND id > $1 ORDER BY id LIMIT $2",
            after,
            page.limit
        )?;
        let found = Found::page::<Summary>(rows, page);
        let runs = found.rows.iter().map(|summary| summary.run_id);
        let of: BTreeMap<i64, i64> = all!(
            conn,
            (i64, i64),
            "SELECT id, project_id FROM run WHERE id IN (SELECT CAST(value AS BIGINT) FROM json_each($1))",
            json_ids(runs)
        )?
        .into_iter()
        .collect();
        for summary in found.rows {
            let usage = summary.usage.as_deref().unwrap_or("null");
            let usage: serde_json::Value = serde_json::from_str(usage).unwrap_or_default();
            if let Some(project) = of.get(&summary.run_id) {
                let sums = sums.entry(*project).or_default();
                for (sum, kind) in sums.iter_mut().zip(KINDS) {
                    *sum = sum.saturating_add(usage[kind].as_i64().unwrap_or(0));
                }
            }
        }
        unreadable.extend(found.unreadable);
        match found.next {
            Some(next) => after = next,
            None => break,
        }
    }
    let rows = sums.into_iter();
    Ok(Found {
        rows: rows
            .map(|(of, [input, cached, output])| (of, input, cached, output))
            .collect(),
        unreadable,
        next: None,
    })
}

const ROWS_AT_ONCE: i64 = 1000;
const KINDS: [&str; 3] = ["input_tokens", "cached_input_tokens", "output_tokens"];

async fn summed(conn: &mut Conn) -> Result<Vec<(i64, i64, i64, i64)>, StoreError> {
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
