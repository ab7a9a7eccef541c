//! The bytes of artifacts where the database keeps them, held to the contract of every place.

use super::{Database, Postgres, TestClock};
use crate::Store;
use crate::blob::{Blobs, contract};

#[tokio::test]
async fn the_shared_database_keeps_the_contract_of_bytes() {
    let cluster = Postgres::start();
    let url = cluster.database("orch");
    let clock = TestClock::default();
    let store = Store::open(clock.options(Database::Postgres { url }, 7))
        .await
        .expect("the store opens");
    let folder = tempfile::tempdir().expect("a folder");
    let blobs = Blobs::of(&store, folder.path());
    contract::keeps(&blobs, async |sha256: &str| {
        let mut conn = store.read().await.expect("a connection");
        // Small content stands in the one row, large content in pieces.
        for statement in [
            "UPDATE blob SET bytes = 'rotten' WHERE sha256 = $1 AND length(bytes) > 0",
            "UPDATE blob_part SET bytes = 'rotten' WHERE sha256 = $1 AND number = 1",
        ] {
            damage(&mut conn, statement, sha256).await;
        }
    })
    .await;
    store.close().await;
}

async fn damage(conn: &mut crate::Conn, statement: &'static str, sha256: &str) {
    let crate::conn::Link::Postgres(link) = conn.link() else {
        panic!("it is no reader of PostgreSQL");
    };
    let done = sqlx::query(statement).bind(sha256).execute(link).await;
    done.expect("it can be damaged");
}
