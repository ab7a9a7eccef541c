//! Requests that nobody works on any more end, whatever can be read of them.

use std::time::Duration;

use super::on_both;
use super::unreadable::harm;
use crate::orchestration::{self, Left, NewOrchestration};
use crate::{Conn, Store};

#[tokio::test]
async fn a_request_of_which_something_cannot_be_read_is_left_and_ends_as_others_do() {
    on_both(async |store: Store, _| {
        let mut tx = store.begin("user").await.expect("a transaction");
        let now = tx.now();
        let session_id = orchestration::use_session(&mut tx.conn, "s", "user", now).await;
        let session_id = session_id.expect("a session");
        for uuid in ["whole", "request", "agents"] {
            let new = NewOrchestration {
                uuid,
                session_id,
                session_uuid: "s",
                request: "{}",
                agents: "[]",
                by: "user",
                now,
                deadline: now,
            };
            let made = orchestration::insert(&mut tx.conn, &new).await;
            assert!(made.is_ok_and(|id| id.is_some()), "{uuid}");
        }
        let is_embedded = matches!(tx.conn, Conn::SqliteInline(_));
        tx.commit().await.expect("a commit");
        harm(
            &store,
            "UPDATE orchestration SET request = '{' WHERE id = 2",
        )
        .await;
        harm(&store, "UPDATE orchestration SET agents = '[' WHERE id = 3").await;
        let mut last = Some("[");
        if is_embedded {
            // Only the embedded database takes a column of another type.
            harm(
                &store,
                "UPDATE orchestration SET agents = x'ff' WHERE id = 3",
            )
            .await;
            last = None;
        }
        let left = Left {
            due: now.plus(Duration::from_secs(1)),
            begun: now,
        };
        let mut conn = store.read().await.expect("a connection");
        let found = orchestration::left(&mut conn, left, 9).await;
        drop(conn);
        let found = found.expect("what is left");
        let whole = Some("[]".to_owned());
        let expected = [(1, whole.clone()), (2, whole), (3, last.map(str::to_owned))];
        assert_eq!(found, expected);
        let mut tx = store.begin("system").await.expect("a transaction");
        for (id, agents) in found {
            let agents = agents.as_deref();
            let ended = orchestration::end(&mut tx.conn, id, "failed", agents, None, now);
            assert!(ended.await.expect("an end"), "{id}");
        }
        let found = orchestration::left(&mut tx.conn, left, 9).await;
        assert_eq!(found.expect("what is left"), []);
        tx.commit().await.expect("a commit");
    })
    .await;
}
