//! Schemas move forward, and one that this program does not know is refused with both versions.

use std::path::Path;

use sqlx::{AssertSqlSafe, Connection as _, Executor as _};

use super::TestClock;
use super::postgres::Postgres;
use crate::schema::{self, Moved, SchemaError};
use crate::{Database, Store, StoreError};

fn sqlite(folder: &Path) -> Database {
    Database::Sqlite {
        file: folder.join("orchestrator.db"),
        logs: folder.join("logs"),
    }
}

/// Runs statements past the store.
pub(super) async fn execute(database: &Database, sql: &str) {
    match database {
        Database::Sqlite { file, .. } => {
            let url = format!("sqlite://{}", file.display());
            let mut conn = sqlx::SqliteConnection::connect(&url)
                .await
                .expect("it opens");
            conn.execute(AssertSqlSafe(sql)).await.expect("it runs");
            conn.close().await.expect("it closes");
        }
        Database::Postgres { url } => {
            let mut conn = sqlx::PgConnection::connect(url).await.expect("it connects");
            conn.execute(AssertSqlSafe(sql)).await.expect("it runs");
            conn.close().await.expect("it closes");
        }
    }
}

async fn refused(database: &Database) -> SchemaError {
    let opened = Store::open(TestClock::default().options(database.clone(), 1)).await;
    match opened.map(|_| ()) {
        Err(StoreError::Schema(fault)) => fault,
        other => panic!("{other:?}"),
    }
}

async fn moves_forward_and_refuses(database: Database) {
    let before = schema::status(&database).await.expect("a status");
    let program = before.program;
    assert_eq!(before.database, 0);
    assert_eq!(before.pending.len(), usize::try_from(program).unwrap());
    let moved = schema::migrate(&database).await.expect("it moves");
    assert_eq!(
        moved,
        Moved {
            from: 0,
            to: program
        }
    );
    let moved = schema::migrate(&database).await.expect("it stays");
    assert_eq!(
        moved,
        Moved {
            from: program,
            to: program
        }
    );

    let copy =
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                SELECT 9000, 'later', success, checksum, 0 FROM _sqlx_migrations WHERE version = 1";
    execute(&database, copy).await;
    let newer = SchemaError::Newer {
        database: 9000,
        program,
    };
    assert_eq!(refused(&database).await, newer);
    assert!(schema::migrate(&database).await.is_err());
    let status = schema::status(&database).await.expect("a status");
    assert_eq!(status.fault, Some(newer.clone()));
    let text = newer.to_string();
    assert!(
        text.contains("9000") && text.contains(&program.to_string()),
        "{text}"
    );

    let edit = "DELETE FROM _sqlx_migrations WHERE version = 9000;
                UPDATE _sqlx_migrations SET checksum = '' WHERE version = 1";
    execute(&database, edit).await;
    assert_eq!(
        refused(&database).await,
        SchemaError::Edited {
            version: 1,
            database: program,
            program
        }
    );
}

#[tokio::test]
async fn a_schema_moves_forward_and_a_newer_or_edited_one_is_refused_on_sqlite() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("new/data");
    moves_forward_and_refuses(sqlite(&data)).await;
    let mode = std::fs::metadata(data)
        .expect("a folder")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o700, "it is its owner's alone");
}

#[tokio::test]
async fn a_schema_moves_forward_and_a_newer_or_edited_one_is_refused_on_postgresql() {
    let cluster = Postgres::start();
    let url = cluster.database("orch");
    moves_forward_and_refuses(Database::Postgres { url }).await;
}

#[tokio::test]
async fn programs_that_start_at_once_bring_the_schema_forward_once() {
    let cluster = Postgres::start();
    let url = cluster.database("orch");
    let database = Database::Postgres { url };
    let all = futures::future::join_all((0..8).map(|_| schema::migrate(&database))).await;
    let moved: Vec<Moved> = all
        .into_iter()
        .map(|moved| moved.expect("each succeeds"))
        .collect();
    assert_eq!(moved.iter().filter(|moved| moved.from == 0).count(), 1);
}

#[tokio::test]
async fn a_database_in_use_is_not_brought_forward() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = sqlite(folder.path());
    let store = Store::open(TestClock::default().options(database.clone(), 1))
        .await
        .expect("it opens");
    assert!(matches!(
        schema::migrate(&database).await,
        Err(StoreError::Log(_))
    ));
    store.close().await;
}
