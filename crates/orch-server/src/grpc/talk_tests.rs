//! Talks of one agent over two streams, as after a lost connection.

use orch_api::proto::LogLine;
use orch_core::run::Run;
use tokio::sync::mpsc;

use super::*;
use crate::app::log::page;
use crate::app::testing::{PATIENCE, World};

fn talk(world: &World, seen: &Arc<Seen>) -> (Talk, mpsc::Receiver<orch_api::proto::ServerMessage>) {
    let peer = Peer {
        app: world.app.clone(),
        name: orch_core::ids::AgentName::parse("a").expect("a name"),
    };
    let (outbox, out) = mpsc::channel(8);
    (Talk::new(peer, outbox, Arc::clone(seen)), out)
}

fn logs(id: u64, run: &Run) -> AgentMessage {
    let line = LogLine {
        stream: 1,
        message: "said once".to_owned(),
        ..LogLine::default()
    };
    let kind = Some(agent_message::Kind::Logs(Logs {
        run_id: run.id.get(),
        epoch: run.epoch,
        lines: vec![line],
    }));
    AgentMessage { id, kind }
}

#[tokio::test]
async fn a_log_that_is_sent_again_is_acknowledged_once_the_first_copy_is_on_disk_and_stored_once() {
    let world = World::open().await;
    let seen = Arc::default();
    let (mut before, _out) = talk(&world, &seen);
    let run = world.held_run(&before.peer.name).await;
    // Whoever has a transaction keeps every commit waiting.
    let disk = world
        .app
        .store()
        .begin("user")
        .await
        .expect("a transaction");
    assert!(before.take(logs(7, &run)).await.is_continue());
    let (mut after, _out) = talk(&world, &seen);
    assert!(after.take(logs(7, &run)).await.is_continue());
    let early = after.under_way.next().now_or_never();
    assert!(early.is_none(), "acknowledged while its first copy waits");
    drop(disk);
    let ended = tokio::spawn(before.settle());
    let done = tokio::time::timeout(PATIENCE, after.under_way.next()).await;
    let done = done.expect("in time").expect("it is under way");
    assert!(done.result.is_ok());
    ended.await.expect("it settles");
    let page = page(&world.app, run.id, Some("said once"), 0, 10).await;
    assert_eq!(page.expect("a page").lines.len(), 1);
}
