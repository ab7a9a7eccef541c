//! An installation goes from one kind of database to the other, whole or not at all.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use orch_core::ids::ProjectId;
use sha2::{Digest as _, Sha256};
use sqlx::{AssertSqlSafe, Connection as _, Row as _};

use super::TestClock;
use super::conformance::{Transcript, tell};
use super::postgres::Postgres;
use super::schema::execute;
use crate::audit_check::{self, SignedHeads};
use crate::carry::{Carried, CarryError, Side, carry};
use crate::{Database, Store, StoreError, log, project, run, schema};

fn embedded(folder: &Path) -> Side {
    Side {
        database: Database::Sqlite {
            file: folder.join("orchestrator.db"),
            logs: folder.join("logs"),
        },
        artifacts: folder.join("artifacts"),
    }
}

fn shared(url: String) -> Side {
    Side {
        database: Database::Postgres { url },
        artifacts: "/nowhere".into(),
    }
}

async fn open(side: &Side) -> Store {
    let clock = TestClock::default();
    clock.advance(1_800_000_000);
    Store::open(clock.options(side.database.clone(), 3))
        .await
        .expect("the store opens")
}

/// An embedded installation with a row of everything.
async fn filled(folder: &Path) -> Side {
    let side = embedded(folder);
    let clock = TestClock::default();
    clock.advance(1_700_000_000);
    let store = Store::open(clock.options(side.database.clone(), 7))
        .await
        .expect("the store opens");
    tell(&store, &clock, &Transcript::default()).await;
    store.close().await;
    // An id that was given and is free again: it must not be given a second time.
    let gone =
        "INSERT INTO project (id, name, description, window_start, runs_in_window, created_at)
                   SELECT max(id) + 5, 'gone', '', 0, 0, 0 FROM project;
                DELETE FROM project WHERE name = 'gone';
                INSERT INTO idempotency VALUES ('k', 'r', 201, '{}', x'00ff9f', 0)";
    execute(&side.database, gone).await;
    side
}

async fn moved(from: &Side, to: &Side) -> Result<Carried, CarryError> {
    carry(from, to, &mut |_| {}).await
}

/// Every row of every table, as text; where log lines stand is left out.
async fn rows(side: &Side) -> BTreeMap<String, Vec<String>> {
    let Database::Sqlite { file, .. } = &side.database else {
        panic!("an embedded database is looked at")
    };
    let mut conn = sqlx::SqliteConnection::connect(&format!("sqlite://{}", file.display()))
        .await
        .expect("it opens");
    let columns: Vec<(String, String)> = sqlx::query_as(
        "SELECT m.name, p.name FROM sqlite_master m JOIN pragma_table_info(m.name) p
          WHERE m.type = 'table' AND m.name <> '_sqlx_migrations'
            AND p.name NOT IN ('segment', 'offset', 'length') ORDER BY 1, 2",
    )
    .fetch_all(&mut conn)
    .await
    .expect("columns");
    let mut tables: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (table, column) in columns {
        tables
            .entry(table)
            .or_default()
            .push(format!("quote(\"{column}\")"));
    }
    let mut dump = BTreeMap::new();
    for (table, columns) in tables {
        let text = format!(
            "SELECT {} AS line FROM \"{table}\" ORDER BY line",
            columns.join(" || ' ' || ")
        );
        let lines = sqlx::query(AssertSqlSafe(text))
            .fetch_all(&mut conn)
            .await
            .expect("rows");
        dump.insert(table, lines.iter().map(|line| line.get(0)).collect());
    }
    conn.close().await.expect("it closes");
    dump
}

/// The log of every run.
async fn logs(store: &Store) -> Vec<log::Found> {
    let mut conn = store.read().await.expect("a connection");
    let runs = run::list(&mut conn, &run::Filter::default(), crate::Page::default())
        .await
        .expect("runs")
        .rows;
    drop(conn);
    let mut found = Vec::new();
    for run in runs {
        found.push(
            log::page(
                store,
                &run,
                log::Wanted::first(None, 0, 10_000),
                log::Budget::default(),
            )
            .await
            .expect("lines"),
        );
    }
    found
}

async fn count(url: &str, table: &str) -> i64 {
    let mut conn = sqlx::PgConnection::connect(url).await.expect("it connects");
    let (rows,): (i64,) = sqlx::query_as(AssertSqlSafe(format!("SELECT count(*) FROM {table}")))
        .fetch_one(&mut conn)
        .await
        .expect("a count");
    rows
}

#[tokio::test]
async fn an_installation_goes_to_postgresql_and_back_unchanged() {
    let cluster = Postgres::start();
    let folders = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
    let first = filled(folders[0].path()).await;
    let second = shared(cluster.database("orch"));
    let third = embedded(folders[1].path());

    let there = moved(&first, &second).await.expect("it goes");
    let filled = there.tables.iter().filter(|counted| counted.source > 0);
    let filled: BTreeSet<&str> = filled.map(|counted| counted.table.as_str()).collect();
    for table in [
        "project",
        "run",
        "log_chunk",
        "audit",
        "approval",
        "idempotency",
    ] {
        assert!(filled.contains(table), "{table} was not tried: {filled:?}");
    }
    let back = moved(&second, &third).await.expect("it comes back");
    assert_eq!(there.audit_head, back.audit_head);
    let (before, after) = (rows(&first).await, rows(&third).await);
    for (table, rows) in &before {
        assert_eq!(Some(rows), after.get(table), "{table}");
    }

    let (left, right) = (open(&first).await, open(&third).await);
    let lines = logs(&left).await;
    assert!(lines.iter().any(|found| found.total > 2), "{lines:?}");
    assert_eq!(lines, logs(&right).await);
    left.close().await;
    right.close().await;
}

#[tokio::test]
async fn what_was_carried_goes_on_where_it_was() {
    let cluster = Postgres::start();
    let folder = tempfile::tempdir().expect("a folder");
    let source = filled(folder.path()).await;
    let target = shared(cluster.database("orch"));
    let carried = moved(&source, &target).await.expect("it goes");

    let (left, right) = (open(&source).await, open(&target).await);
    assert_eq!(left.audit_head(), right.audit_head());
    assert_eq!(right.audit_head().seq, carried.audit_entries);
    assert_eq!(logs(&left).await, logs(&right).await);
    let mut ids = Vec::new();
    for store in [&left, &right] {
        let mut tx = store.begin("user").await.expect("a transaction");
        let now = tx.now();
        let made = project::insert(&mut tx.conn, "next", "", now)
            .await
            .expect("a row");
        tx.record("project.created", Some(made.id), serde_json::json!({}));
        tx.commit().await.expect("a commit");
        let item = orch_core::engine::NewWorkItem {
            project_id: ProjectId(1),
            title: "next".to_owned(),
            description: String::new(),
            kind: orch_core::work_item::Kind::Task,
            environment: None,
            policy: orch_core::work_item::Policy::default(),
            concurrency_key: None,
            reference: None,
        };
        let items = store
            .submit("user", crate::Command::CreateItems(vec![item]))
            .await;
        let Ok(crate::Reply::Items(items)) = items else {
            panic!("{items:?}")
        };
        ids.push((made.id, items[0].id));
    }
    assert_eq!(ids[0], ids[1]);
    left.close().await;
    right.close().await;
    let checked = audit_check::check(&target.database, &SignedHeads::new())
        .await
        .expect("it can be read");
    assert_eq!(checked.first_bad, None);
    assert_eq!(checked.head.seq, carried.audit_entries + 2);
}

#[tokio::test]
async fn a_failure_leaves_the_target_empty() {
    let cluster = Postgres::start();
    let url = cluster.database("orch");
    let folder = tempfile::tempdir().expect("a folder");
    let source = filled(folder.path()).await;
    let target = shared(url.clone());
    execute(
        &source.database,
        "UPDATE audit SET actor = 'else' WHERE seq = 2",
    )
    .await;
    let broken = moved(&source, &target).await;
    assert!(
        matches!(&broken, Err(CarryError::BrokenChain(bad)) if bad.contains("entry 2")),
        "{broken:?}"
    );
    for table in ["project", "run", "audit", "log_chunk"] {
        assert_eq!(count(&url, table).await, 0, "{table}");
    }
}

#[tokio::test]
async fn only_an_empty_target_and_an_unused_source_are_taken() {
    let cluster = Postgres::start();
    let folder = tempfile::tempdir().expect("a folder");
    let source = filled(folder.path()).await;
    let target = shared(cluster.database("orch"));

    let store = open(&source).await;
    let used = moved(&source, &target).await;
    assert!(
        matches!(
            &used,
            Err(CarryError::Source {
                source: StoreError::Log(_),
                ..
            })
        ),
        "{used:?}"
    );
    store.close().await;
    drop(store);

    moved(&source, &target).await.expect("it goes");
    let twice = moved(&source, &target).await;
    assert!(
        matches!(&twice, Err(CarryError::NotEmpty { .. })),
        "{twice:?}"
    );

    let elsewhere = tempfile::tempdir().expect("a folder");
    let store = open(&target).await;
    let used = moved(&target, &embedded(elsewhere.path())).await;
    assert!(matches!(&used, Err(CarryError::InUse { .. })), "{used:?}");
    store.close().await;

    let same = moved(&source, &embedded(elsewhere.path())).await;
    assert!(matches!(same, Err(CarryError::SameKind { .. })));
}

#[tokio::test]
async fn an_older_source_is_refused_and_left_alone() {
    let cluster = Postgres::start();
    let folder = tempfile::tempdir().expect("a folder");
    let source = filled(folder.path()).await;
    let newest =
        "DELETE FROM _sqlx_migrations WHERE version = (SELECT max(version) FROM _sqlx_migrations)";
    execute(&source.database, newest).await;
    let older = moved(&source, &shared(cluster.database("orch"))).await;
    assert!(
        matches!(
            &older,
            Err(CarryError::Source {
                source: StoreError::Schema(schema::SchemaError::Older { .. }),
                ..
            })
        ),
        "{older:?}"
    );
}

#[tokio::test]
async fn a_damaged_chunk_is_named_and_the_wrong_log_folder_refused() {
    let cluster = Postgres::start();
    let folder = tempfile::tempdir().expect("a folder");
    let source = filled(folder.path()).await;
    let mut elsewhere = source.clone();
    if let Database::Sqlite { logs, .. } = &mut elsewhere.database {
        *logs = folder.path().join("other");
    }
    let missing = moved(&elsewhere, &shared(cluster.database("missing"))).await;
    assert!(
        matches!(&missing, Err(CarryError::NoLogs { .. })),
        "{missing:?}"
    );
    std::fs::create_dir(folder.path().join("other")).expect("a folder");
    let wrong = moved(&elsewhere, &shared(cluster.database("wrong"))).await;
    assert!(
        matches!(&wrong, Err(CarryError::WrongLogs { .. })),
        "{wrong:?}"
    );

    let one = "UPDATE log_chunk SET segment = 999 WHERE segment > 0
                AND first_seq = (SELECT min(first_seq) FROM log_chunk WHERE segment > 0)";
    execute(&source.database, one).await;
    let target = shared(cluster.database("damaged"));
    let carried = moved(&source, &target).await.expect("it goes");
    assert!(
        carried
            .notes
            .iter()
            .any(|note| note.contains("1 log chunks cannot be read")),
        "{:?}",
        carried.notes
    );
    let (left, right) = (open(&source).await, open(&target).await);
    let (before, after) = (logs(&left).await, logs(&right).await);
    let totals = |found: &[log::Found]| found.iter().map(|f| f.total).collect::<Vec<_>>();
    assert_eq!(totals(&before), totals(&after));
    left.close().await;
    right.close().await;
}

#[tokio::test]
async fn artifact_bytes_go_into_the_table_and_out_of_it_with_their_digests_checked() {
    let cluster = Postgres::start();
    let url = cluster.database("orch");
    let folder = tempfile::tempdir().expect("a folder");
    let source = filled(folder.path()).await;
    let good = hex::encode(Sha256::digest(b"good"));
    let bad = hex::encode(Sha256::digest(b"bad"));
    for (sha256, content) in [(&good, "good"), (&bad, "rotten")] {
        let shard = source.artifacts.join(&sha256[..2]);
        std::fs::create_dir_all(&shard).expect("a folder");
        std::fs::write(shard.join(sha256), content).expect("a file");
    }
    let artifacts = format!(
        "DELETE FROM artifact;
         INSERT INTO artifact (run_id, name, media_type, kind, size_bytes, sha256, created_at)
         VALUES (1, 'a', 'text/plain', 'file', 4, '{good}', 0), (1, 'b', 'text/plain', 'file', 3, '{bad}', 0),
                (1, 'c', 'text/plain', 'file', 4, '{good}', 0)"
    );
    execute(&source.database, &artifacts).await;
    let target = shared(url.clone());
    schema::migrate(&target.database).await.expect("it moves");
    let table = "CREATE TABLE IF NOT EXISTS blob (sha256 TEXT PRIMARY KEY, bytes BYTEA NOT NULL)";
    execute(&target.database, table).await;

    let carried = moved(&source, &target).await.expect("it goes");
    assert_eq!(count(&url, "blob").await, 1);
    assert!(
        carried.notes.iter().any(|note| note.contains(&bad)),
        "{:?}",
        carried.notes
    );
    let long = hex::encode(Sha256::digest(b"good and more"));
    let pieces = format!(
        "INSERT INTO blob VALUES ('{long}', '');
         INSERT INTO blob_part VALUES ('{long}', 0, 'good and'), ('{long}', 1, ' more');"
    );
    execute(&target.database, &pieces).await;
    let elsewhere = tempfile::tempdir().expect("a folder");
    let third = embedded(elsewhere.path());
    moved(&target, &third).await.expect("it comes back");
    let file = third.artifacts.join(&long[..2]).join(&long);
    assert_eq!(std::fs::read(file).expect("a file"), b"good and more");
    let file = third.artifacts.join(&good[..2]).join(&good);
    assert_eq!(std::fs::read(file).expect("a file"), b"good");
}

#[tokio::test]
async fn the_chain_is_checked_in_postgresql_against_the_heads_of_several_servers() {
    let cluster = Postgres::start();
    let folder = tempfile::tempdir().expect("a folder");
    let source = filled(folder.path()).await;
    let target = shared(cluster.database("orch"));
    moved(&source, &target).await.expect("it goes");
    let check = async |heads: &SignedHeads| {
        audit_check::check(&target.database, heads)
            .await
            .expect("it can be read")
    };
    let head = check(&SignedHeads::new()).await.head;
    let signed = SignedHeads::from([(head.seq, BTreeSet::from([head.hash]))]);
    assert_eq!(check(&signed).await.first_bad, None);
    let disagree = SignedHeads::from([(head.seq, BTreeSet::from([head.hash, [7; 32]]))]);
    let bad = check(&disagree).await.first_bad.expect("one is wrong");
    assert!(bad.contains("not the one that was signed"), "{bad}");
    let longer = SignedHeads::from([(head.seq + 1, BTreeSet::from([[7; 32]]))]);
    let bad = check(&longer).await.first_bad.expect("one is missing");
    assert!(bad.contains("is missing"), "{bad}");
    execute(&target.database, "DELETE FROM audit WHERE seq = 3").await;
    let bad = check(&SignedHeads::new()).await.first_bad.expect("a hole");
    assert!(bad.contains("entry 3"), "{bad}");
}
