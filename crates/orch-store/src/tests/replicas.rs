//! Several stores on one shared database.

use std::collections::HashSet;

use orch_core::audit::Head;
use orch_core::engine::Enqueue;

use super::postgres::Postgres;
use super::{TestClock, item};
use crate::{Command, Database, Page, Reply, Store, audit, project};

async fn open(clock: &TestClock, url: &str, seed: u64) -> Store {
    let database = Database::Postgres {
        url: url.to_owned(),
    };
    Store::open(clock.options(database, seed))
        .await
        .expect("the store opens")
}

#[tokio::test]
async fn writers_on_two_servers_take_turns_and_keep_one_chain() {
    let cluster = Postgres::start();
    let url = cluster.database("orch");
    let clock = TestClock::default();
    clock.advance(1_700_000_000);
    let stores = [open(&clock, &url, 1).await, open(&clock, &url, 2).await];
    let mut tx = stores[0].begin("user").await.expect("a transaction");
    let now = tx.now();
    project::insert(&mut tx.conn, "p", "", now)
        .await
        .expect("a row");
    tx.commit().await.expect("a commit");

    let create = |store: Store| async move {
        let mut ids = Vec::new();
        for n in 0..50 {
            let Ok(Reply::Items(items)) = store
                .submit("user", Command::CreateItems(vec![item(n)]))
                .await
            else {
                panic!("not created")
            };
            let wanted = vec![(items[0].id, Enqueue::default())];
            store
                .submit("user", Command::Enqueue(wanted))
                .await
                .expect("enqueued");
            ids.push(items[0].id);
        }
        ids
    };
    let (left, right) = tokio::join!(create(stores[0].clone()), create(stores[1].clone()));
    let distinct: HashSet<_> = left.iter().chain(&right).collect();
    assert_eq!(distinct.len(), 100, "no id was given twice");

    let ticks = stores
        .iter()
        .map(|store| store.submit("user", Command::Tick));
    let started: usize = futures::future::join_all(ticks)
        .await
        .into_iter()
        .map(|reply| match reply {
            Ok(Reply::Runs(runs)) => runs.len(),
            other => panic!("{other:?}"),
        })
        .sum();
    assert_eq!(started, 100, "each entry starts once, whoever ticks");

    let mut conn = stores[1].read().await.expect("a connection");
    let mut head = Head::EMPTY;
    for stored in audit::list(&mut conn, &audit::Filter::default(), Page::default())
        .await
        .expect("entries")
        .rows
    {
        head = head
            .verify(&stored.entry, &stored.hash)
            .expect("the chain holds");
    }
    drop(conn);
    for store in stores {
        store.close().await;
    }
}

#[tokio::test]
async fn a_database_clock_that_is_set_moves_no_lease() {
    let cluster = Postgres::start();
    let url = cluster.database("orch");
    let clock = TestClock::default();
    clock.advance(1_700_000_000);
    let store = open(&clock, &url, 1).await;
    let before = store.now();
    // To the store, a step of its own clock and one of the database's look alike: their distance
    // changed. It follows its own, which does not jump in a server.
    clock.advance(300);
    drop(store.begin("user").await.expect("a transaction"));
    assert_eq!(store.now().since(before).as_secs(), 300);
    let mut tx = store.begin("user").await.expect("a transaction");
    assert_eq!(tx.now().since(before).as_secs(), 300);
    let now = tx.now();
    project::insert(&mut tx.conn, "p", "", now)
        .await
        .expect("a row");
    tx.commit().await.expect("a commit");
    // A server that comes later agrees with those that are there.
    let later = open(&clock, &url, 2).await;
    assert!(later.now().since(before).as_secs().abs_diff(300) < 60);
    store.close().await;
    later.close().await;
}
