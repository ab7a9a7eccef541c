//! Every statement of the crate is understood by both databases.

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, SqlSafeStr as _};

use super::postgres::Postgres;
use crate::bulk::BULKS;
use crate::conn::{NOT_HERE, STATEMENTS};
use crate::ids::for_arrays;

#[tokio::test]
async fn every_statement_prepares_on_both_databases() {
    let cluster = Postgres::start();
    let mut postgres = sqlx::PgConnection::connect(&cluster.database("orch"))
        .await
        .expect("it connects");
    sqlx::migrate!("migrations/postgres")
        .run(&mut postgres)
        .await
        .expect("it migrates");
    let mut sqlite = sqlx::SqliteConnection::connect("sqlite::memory:")
        .await
        .expect("it opens");
    sqlx::migrate!("migrations/sqlite")
        .run(&mut sqlite)
        .await
        .expect("it migrates");
    let mut failures = Vec::new();
    let mut prepared = 0;
    let mut note = |text: &str, result: Option<sqlx::Error>| {
        prepared += 1;
        failures.extend(result.map(|error| format!("{text}\n  {error}")));
    };
    for statement in STATEMENTS.iter().map(|statement| statement()) {
        if statement.sqlite != NOT_HERE {
            let result = sqlite.prepare(statement.sqlite.into_sql_str()).await;
            note(statement.sqlite, result.err());
        }
        if statement.postgres != NOT_HERE {
            let result = postgres.prepare(statement.postgres.into_sql_str()).await;
            note(statement.postgres, result.err());
            let piped = for_arrays(statement.postgres);
            let result = postgres
                .prepare(AssertSqlSafe(piped.as_str()).into_sql_str())
                .await;
            note(&piped, result.err());
        }
    }
    for bulk in BULKS {
        let (for_sqlite, for_postgres) = bulk.one_row();
        // Log chunks stand in files on the one, in rows on the other.
        if !for_sqlite.contains("first_at, body") {
            let result = sqlite
                .prepare(AssertSqlSafe(for_sqlite.clone()).into_sql_str())
                .await;
            note(&for_sqlite, result.err());
        }
        if let Some(one) = bulk.one() {
            let result = sqlite.prepare(one.into_sql_str()).await;
            note(one, result.err());
        }
        if !for_postgres.contains("first_at, segment") {
            // An update gets its types from the values: the conformance test runs each.
            if !for_postgres.starts_with("UPDATE") {
                let result = postgres
                    .prepare(AssertSqlSafe(for_postgres.clone()).into_sql_str())
                    .await;
                note(&for_postgres, result.err());
            }
            let piped = bulk.over_arrays();
            let result = postgres
                .prepare(AssertSqlSafe(piped.clone()).into_sql_str())
                .await;
            note(&piped, result.err());
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(prepared > 150, "only {prepared} statements were noted");
}
