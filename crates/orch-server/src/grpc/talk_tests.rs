//! Talks of one agent over two streams, as after a lost connection.

use orch_api::proto::{Completion, LogLine, StepReport};
use orch_core::run::Run;
use tokio::sync::mpsc;

use super::*;
use crate::app::log::page;
use crate::app::testing::{PATIENCE, World};
use orch_store::log::Wanted;

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
    let page = page(&world.app, run.id, Wanted::first(Some("said once"), 0, 10)).await;
    assert_eq!(page.expect("a page").lines.len(), 1);
}

fn reported(id: u64, run: &Run, status: &str) -> AgentMessage {
    let kind = Some(agent_message::Kind::Step(StepReport {
        run_id: run.id.get(),
        epoch: run.epoch,
        number: 1,
        command: "make".to_owned(),
        status: status.to_owned(),
        ..StepReport::default()
    }));
    AgentMessage { id, kind }
}

fn end(id: u64, run: &Run) -> AgentMessage {
    let kind = Some(agent_message::Kind::Completion(Completion {
        run_id: run.id.get(),
        epoch: run.epoch,
        success: true,
        ..Completion::default()
    }));
    AgentMessage { id, kind }
}

#[tokio::test]
async fn steps_logs_and_the_end_of_a_run_wait_for_the_disk_together_and_are_decided_in_order() {
    let world = World::open().await;
    let (mut talk, _out) = talk(&world, &Arc::default());
    let run = world.held_run(&talk.peer.name).await;
    let store = world.app.store();
    let disk = store.begin("user").await.expect("a transaction");
    for said in [
        reported(1, &run, "running"),
        logs(2, &run),
        reported(3, &run, "succeeded"),
        end(4, &run),
        reported(5, &run, "failed"),
    ] {
        assert!(talk.take(said).await.is_continue());
    }
    assert_eq!(talk.under_way.len(), 5);
    drop(disk);
    for _ in 0..5 {
        let done = tokio::time::timeout(PATIENCE, talk.under_way.next()).await;
        let done = done.expect("in time").expect("it is under way");
        let refused = done.result.as_ref().err().map(|error| refusal(error).0);
        let expected = (done.id == 5).then(|| "run_finished".to_owned());
        assert_eq!(refused, expected, "{}", done.id);
    }
    let steps = step::of_run(&world.app, run.id).await.expect("steps");
    let told: Vec<_> = steps.iter().map(|step| step.status.as_str()).collect();
    assert_eq!(told, ["succeeded"]);
}

#[tokio::test]
async fn a_step_that_cannot_be_is_refused_and_holds_up_nothing() {
    let world = World::open().await;
    let (mut talk, _out) = talk(&world, &Arc::default());
    let run = world.held_run(&talk.peer.name).await;
    for said in [reported(1, &run, "dancing"), end(2, &run)] {
        assert!(talk.take(said).await.is_continue());
    }
    let mut answers = Vec::new();
    for _ in 0..2 {
        let done = tokio::time::timeout(PATIENCE, talk.under_way.next()).await;
        let done = done.expect("in time").expect("it is under way");
        answers.push((done.id, done.result.err().map(|error| refusal(&error).0)));
    }
    answers.sort();
    assert_eq!(answers, [(1, Some("invalid".to_owned())), (2, None)]);
}
