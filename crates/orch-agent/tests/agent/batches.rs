//! Several messages in one, either way, with a server that says it keeps each run's order.

use orch_api::proto::agent_message::Kind;

use crate::{
    Stage,
    server::{Told, assignment},
};

#[tokio::test]
async fn a_completion_follows_its_log_at_once_where_the_server_keeps_the_order() {
    let mut stage = Stage::prepare(|_| {}).await;
    let mut session = stage.server.opened().await;
    assert!(session.hello.batches);
    session.welcome_batches().await;
    session
        .assign(assignment(1, "x", "steps: [echo one]"))
        .await;
    let (mut told, mut ids) = (Told::default(), Vec::new());
    let completion = loop {
        let (id, kind) = session.heard().await;
        ids.push(id);
        if let Some(other) = told.add(kind) {
            break other;
        }
    };
    assert!(matches!(completion, Kind::Completion(_)), "{completion:?}");
    assert_eq!(told.output(), [(1, 1, "one")]);
    assert_eq!(told.statuses(), [(1, "running"), (1, "succeeded")]);
    assert_eq!(
        stage.folders().len(),
        1,
        "the server does not know of the end yet"
    );
    for id in ids {
        session.accept(id).await;
    }
    crate::poll("the removal of the folder", || {
        stage.folders().is_empty().then_some(())
    })
    .await;
    stage.end().await;
}

#[tokio::test]
async fn a_lost_stream_sends_the_completion_again_behind_its_log() {
    let mut stage = Stage::prepare(|_| {}).await;
    let mut session = stage.server.opened().await;
    session.welcome_batches().await;
    session
        .assign(assignment(1, "x", "steps: [echo one]"))
        .await;
    let mut first = Told::default();
    while first.add(session.heard().await.1).is_none() {}
    drop(session);
    let mut session = stage.server.opened().await;
    session.welcome_batches().await;
    let (again, completion) = session.complete().await;
    assert_eq!(again.output(), first.output());
    assert!(completion.success);
    stage.end().await;
}

#[tokio::test]
async fn runs_that_come_in_one_message_are_all_worked() {
    let mut stage = Stage::prepare(|_| {}).await;
    let mut session = stage.server.opened().await;
    session.welcome_batches().await;
    let recipe = "steps: [echo one]";
    let all = (1..=3).map(|run| assignment(run, "x", recipe)).collect();
    session.assign_all(all).await;
    let mut runs = Vec::new();
    while runs.len() < 3 {
        runs.push(session.complete().await.1.run_id);
    }
    runs.sort_unstable();
    assert_eq!(runs, [1, 2, 3]);
    stage.end().await;
}
