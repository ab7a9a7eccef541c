//! A shared database that is not there, or does not answer.

use std::time::{Duration, Instant};

use sqlx::postgres::PgConnectOptions;

use super::TestClock;
use super::postgres::Postgres;
use crate::conn::{execute, one};
use crate::reach::{Patience, knock};
use crate::{Away, Database, ReachError, Store, StoreError};

const PATIENCE: Duration = Duration::from_secs(60);
/// What is promised is 2 s; the machine may be busy.
const SOON: Duration = Duration::from_secs(6);

async fn open(url: String) -> Store {
    let clock = TestClock::default();
    clock.advance(1_700_000_000);
    let store = Store::open(clock.options(Database::Postgres { url }, 1)).await;
    store.expect("the store opens")
}

async fn fault(url: &str) -> ReachError {
    let options: PgConnectOptions = url.parse().expect("a URL");
    match knock(&options, Patience::None).await {
        Err(StoreError::Reach(fault)) => fault,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_missing_database_is_named_with_how_to_make_it() {
    let cluster = Postgres::start();
    let fault = fault(&cluster.url("nowhere")).await;
    let said = fault.to_string();
    assert!(said.contains("has no database `nowhere`"), "{said}");
    let next = fault.next_step();
    assert!(next.contains("`createdb -h 127.0.0.1 -p "), "{next}");
    assert!(next.contains(" -U postgres nowhere`"), "{next}");
}

#[tokio::test]
async fn a_user_who_is_not_let_in_is_named() {
    let cluster = Postgres::start();
    let url = cluster
        .url("postgres")
        .replace("postgres@", "nobody:hunter2@");
    let said = fault(&url).await.to_string();
    assert!(said.contains("does not let user `nobody` in"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
}

#[tokio::test]
async fn a_server_that_takes_connections_and_says_nothing_is_named() {
    let cluster = Postgres::start();
    cluster.freeze();
    let begun = Instant::now();
    let fault = fault(&cluster.url("postgres")).await;
    cluster.thaw();
    assert!(matches!(fault, ReachError::Silent { .. }), "{fault}");
    assert!(begun.elapsed() < PATIENCE);
}

#[tokio::test]
async fn a_socket_leads_to_the_database_for_both_drivers() {
    let cluster = Postgres::start();
    cluster.database("orch");
    let url = cluster.socket_url("orch");
    // The strict reader of URLs puts what stands before a missing host behind it.
    let url = url.replace("postgres://postgres@/", "postgres:///") + "&user=postgres";
    let store = open(url).await;
    let tx = store.begin("user").await.expect("a transaction");
    tx.commit().await.expect("a commit");
    store.close().await;
}

#[tokio::test]
async fn what_waits_for_a_database_that_hangs_is_given_up_and_what_is_slow_is_waited_for() {
    let cluster = Postgres::start();
    let store = open(cluster.database("orch")).await;
    let slow = store.unless_away(tokio::time::sleep(Duration::from_secs(2)));
    assert_eq!(slow.await, Ok(()));
    cluster.freeze();
    for _ in 0..3 {
        let begun = Instant::now();
        let given_up = store.unless_away(store.begin("user")).await;
        assert_eq!(given_up.err(), Some(Away));
        assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    }
    cluster.thaw();
    let begun = Instant::now();
    while store.unless_away(async {}).await.is_err() {
        assert!(begun.elapsed() < PATIENCE, "it is not found again");
        tokio::task::yield_now().await;
    }
    drop(store.begin("user").await.expect("a transaction"));
    store.close().await;
}

fn end_all_connections(cluster: &Postgres) {
    let end =
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()";
    assert!(cluster.query("postgres", end));
}

async fn lost_connection(store: &Store, cluster: &Postgres) -> StoreError {
    let mut conn = store.peek().await.expect("a connection");
    end_all_connections(cluster);
    let lost = execute!(&mut conn, "DELETE FROM idempotency WHERE key = ''");
    let lost = lost.expect_err("the connection has ended");
    assert!(lost.is_lost_connection(), "{lost:?}");
    lost
}

#[tokio::test]
async fn a_read_whose_connection_ends_is_asked_again_on_another() {
    let cluster = Postgres::start();
    let store = open(cluster.database("orch")).await;
    let mut conn = store.peek().await.expect("a connection");
    end_all_connections(&cluster);
    let (keys,) = one!(&mut conn, (i64,), "SELECT count(*) FROM idempotency").expect("a count");
    assert_eq!(keys, 0);
    store.close().await;
}

#[tokio::test]
async fn the_outcome_of_a_commit_whose_answer_was_lost_is_read_from_the_audit_chain() {
    let cluster = Postgres::start();
    let store = open(cluster.database("orch")).await;
    let before = store.audit_head();
    let mut tx = store.begin("user").await.expect("a transaction");
    tx.record("test.done", None, serde_json::json!({}));
    tx.commit().await.expect("a commit");
    let after = store.audit_head();
    let lost = async || lost_connection(&store, &cluster).await;
    let settled = store.settle_commit(before, after, lost().await).await;
    settled.expect("it took place");
    let mut elsewhere = after;
    elsewhere.seq += 1;
    let error = store.settle_commit(after, elsewhere, lost().await).await;
    let error = error.expect_err("it did not take place");
    assert!(error.is_away() && !error.is_of_unknown_outcome());
    let error = store.settle_commit(after, after, lost().await).await;
    assert!(error.is_err_and(|error| error.is_of_unknown_outcome()));
    store.close().await;
}
