//! The connection that does not wait for each statement: what failed is known by the commit.

use std::time::Duration;

use orch_core::engine::Enqueue;
use orch_core::ids::{RunId, WorkItemId};
use orch_core::rules::Rules;
use tokio::time::timeout;

use super::postgres::Postgres;
use super::{TestClock, item};
use crate::conn::{execute, one, send};
use crate::load::{self, Starts};
use crate::{Command, Conn, Database, Needs, Reply, Store, StoreError, Tx, project};

/// Longer than anything here takes, shorter than the database waits for a turn.
const PATIENCE: Duration = Duration::from_secs(10);

async fn open(cluster: &Postgres, seed: u64) -> Store {
    let clock = TestClock::default();
    clock.advance(1_700_000_000);
    let url = cluster.url("orch");
    let store = Store::open(clock.options(Database::Postgres { url }, seed)).await;
    store.expect("the store opens")
}

fn cluster() -> Postgres {
    let cluster = Postgres::start();
    cluster.database("orch");
    cluster
}

async fn begin(store: &Store) -> Tx {
    let begun = timeout(PATIENCE, store.begin("user")).await;
    begun.expect("it is its turn").expect("a transaction")
}

async fn send_key(tx: &mut Tx, key: &str) -> Result<(), StoreError> {
    send!(
        &mut tx.conn,
        "INSERT INTO idempotency (key, request, status, headers, body, created_at) VALUES ($1, '', 1, '', $2, 1)",
        key,
        [0_u8, 1, 255].as_slice()
    )
}

async fn keys(store: &Store) -> i64 {
    let mut conn = store.peek().await.expect("a connection");
    let (keys,) = one!(&mut conn, (i64,), "SELECT count(*) FROM idempotency").expect("a count");
    keys
}

#[tokio::test]
async fn a_commit_reports_the_statement_that_failed_first_and_keeps_nothing() {
    let cluster = cluster();
    let store = open(&cluster, 1).await;
    let mut tx = begin(&store).await;
    for key in ["a", "a", "b"] {
        // Prepared by now or not: it is sent all the same, or has failed already.
        if send_key(&mut tx, key).await.is_err() {
            break;
        }
    }
    let error = tx.commit().await.expect_err("a key was taken twice");
    assert!(error.is_of_one_row(), "{error:?}");
    assert_eq!(keys(&store).await, 0);

    let mut tx = begin(&store).await;
    send_key(&mut tx, "a").await.expect("it is sent");
    tx.commit().await.expect("the connection goes on");
    assert_eq!(keys(&store).await, 1);
    store.close().await;
}

#[tokio::test]
async fn a_transaction_whose_failure_was_ignored_is_not_committed() {
    let cluster = cluster();
    let store = open(&cluster, 1).await;
    let mut tx = begin(&store).await;
    send_key(&mut tx, "a").await.expect("it is sent");
    let failed = execute!(
        &mut tx.conn,
        "INSERT INTO idempotency (key, request, status, headers, body, created_at) VALUES ('a', '', 1, '', '', 2)"
    );
    assert!(failed.is_err_and(|error| error.is_of_one_row()));
    tx.commit().await.expect_err("the database rolled it back");
    assert_eq!(keys(&store).await, 0);
    store.close().await;
}

#[tokio::test]
async fn a_transaction_that_is_dropped_with_statements_under_way_gives_the_turn_back() {
    let cluster = cluster();
    let (one, other) = (open(&cluster, 1).await, open(&cluster, 2).await);
    let mut tx = begin(&one).await;
    send_key(&mut tx, "a").await.expect("it is sent");
    drop(tx);
    let tx = begin(&other).await;
    drop(tx);
    drop(begin(&one).await);
    assert_eq!(keys(&other).await, 0);
    one.close().await;
    other.close().await;
}

#[tokio::test]
async fn connections_that_the_database_ended_are_replaced_unnoticed() {
    let cluster = cluster();
    let store = open(&cluster, 1).await;
    for round in 0..3 {
        keys(&store).await;
        let end =
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()";
        assert!(cluster.query("postgres", end));
        let mut tx = begin(&store).await;
        let key = format!("round {round}");
        send_key(&mut tx, &key).await.expect("it is sent");
        tx.commit().await.expect("a commit");
    }
    assert_eq!(keys(&store).await, 3);
    store.close().await;
}

/// Items 1 and 2 run; 3 waits for both, 4 for 3; 5 is not queued.
async fn graph(store: &Store) {
    let mut tx = begin(store).await;
    let now = tx.now();
    project::insert(&mut tx.conn, "p", "", now)
        .await
        .expect("a project");
    tx.commit().await.expect("a commit");
    let create = Command::CreateItems((1..=5).map(item).collect());
    store.submit("user", create).await.expect("items");
    let after = |item, depends_on: &[i64]| {
        let depends_on = depends_on.iter().map(|id| WorkItemId(*id)).collect();
        let want = Enqueue {
            depends_on,
            ..Enqueue::default()
        };
        (WorkItemId(item), want)
    };
    let wanted = vec![
        after(1, &[]),
        after(2, &[]),
        after(3, &[1, 2]),
        after(4, &[3]),
    ];
    let enqueue = Command::Enqueue(wanted);
    store.submit("user", enqueue).await.expect("entries");
    let Ok(Reply::Runs(runs)) = store.submit("user", Command::Tick).await else {
        panic!("nothing was started")
    };
    assert_eq!(runs.len(), 2);
}

#[tokio::test]
async fn one_round_trip_loads_what_kind_by_kind_would() {
    let cluster = cluster();
    let store = open(&cluster, 1).await;
    graph(&store).await;
    let starts = Needs {
        starts: Starts::Some,
        ..Needs::default()
    };
    let all_at_once = Needs {
        entries: [3, 4].map(orch_core::ids::QueueEntryId).into(),
        dependents_of: [2, 3].map(WorkItemId).into(),
        ..Needs::item(WorkItemId(5))
    };
    for needs in [
        Needs::finishing(RunId(1)),
        Needs::run(RunId(2)),
        Needs::start(WorkItemId(4)),
        Needs::item(WorkItemId(5)),
        Needs::item(WorkItemId(99)),
        Needs::finishing(RunId(99)),
        starts,
        all_at_once,
    ] {
        let mut piped = store.peek().await.expect("a connection");
        assert!(matches!(piped, Conn::PostgresPiped(_)));
        let mut plain = store.read().await.expect("a connection");
        let (left, right) = (
            loaded(&mut piped, needs.clone()).await,
            loaded(&mut plain, needs.clone()).await,
        );
        assert_eq!(left.runs, right.runs, "{needs:?}");
        assert_eq!(left.entries, right.entries, "{needs:?}");
        assert_eq!(left.open_entries, right.open_entries, "{needs:?}");
        assert_eq!(left.items, right.items, "{needs:?}");
        assert_eq!(left.projects, right.projects, "{needs:?}");
        assert_eq!(left.dependents, right.dependents, "{needs:?}");
        assert_eq!(left.waits_for, right.waits_for, "{needs:?}");
        assert_eq!(left.virtual_time, right.virtual_time, "{needs:?}");
    }
    store.close().await;
}

async fn loaded(conn: &mut Conn, needs: Needs) -> orch_core::engine::Working {
    let next = orch_core::engine::NextIds {
        work_item: 1,
        entry: 1,
        run: 1,
    };
    let (w, _) = load::load(conn, next, needs, &Rules::default(), None)
        .await
        .expect("a working set");
    w
}
