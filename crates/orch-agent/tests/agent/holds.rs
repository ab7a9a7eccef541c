//! Who holds a run: lost streams, revoked and refused runs, and the end of the agent.

use std::{fs, time::Duration};

use orch_api::proto::{Held, agent_message::Kind};

use crate::{
    Stage,
    server::{Told, assignment, soon},
};

pub fn run_of(kind: &Kind) -> i64 {
    match kind {
        Kind::Logs(logs) => logs.run_id,
        Kind::Step(step) => step.run_id,
        Kind::Completion(completion) => completion.run_id,
        Kind::Question(question) => question.run_id,
        Kind::PlannedSteps(planned) => planned.run_id,
        Kind::Release(release) => release.run_id,
        Kind::Artifact(artifact) => artifact.run_id,
        Kind::EgressRefusal(refusal) => refusal.run_id,
        Kind::ToolsUsed(used) => used.run_id,
        Kind::Workspace(workspace) => workspace.run_id,
        Kind::ArtifactUpload(upload) => upload.run_id,
        Kind::ToolRequest(asked) => asked.run_id,
        Kind::ModelUse(used) => used.run_id,
        Kind::ModelWanted(wanted) => wanted.run_id,
        Kind::Hello(_) | Kind::Pong(_) | Kind::Leaving(_) | Kind::Batch(_) => 0,
    }
}

/// A step that says its process numbers and its child's and goes on for ever.
const ENDLESS: &str = "steps: ['sleep 1000 & echo pids $$ $!; wait']";

fn pids(told: &Told) -> Vec<String> {
    let text = told.text();
    let line = text.lines().find_map(|line| line.strip_prefix("pids "));
    line.unwrap().split(' ').map(str::to_owned).collect()
}

#[tokio::test]
async fn a_revoked_run_ends_with_all_its_processes_and_without_another_word() {
    let (stage, mut session) = Stage::start().await;
    session.assign(assignment(1, "x", ENDLESS)).await;
    let told = session.until_output("pids ").await;
    session.revoke(1).await;
    for pid in pids(&told) {
        crate::gone(&pid).await;
    }
    crate::poll("the removal of the folder", || {
        stage.folders().is_empty().then_some(())
    })
    .await;
    session
        .assign(assignment(2, "x", "steps: [echo next]"))
        .await;
    let (told, completion) = session.complete().await;
    assert_eq!(completion.run_id, 2);
    assert!(told.steps.iter().all(|step| step.run_id == 2), "{told:?}");
    stage.end().await;
}

#[tokio::test]
async fn a_refused_hold_ends_the_run_silently() {
    for code in ["stale_epoch", "taken_over", "run_finished"] {
        let (stage, mut session) = Stage::start().await;
        session
            .assign(assignment(
                1,
                "x",
                "steps: ['sleep 1000 & echo pids $$ $!; wait']",
            ))
            .await;
        let mut told = Told::default();
        loop {
            let (id, kind) = session.heard().await;
            told.add(kind);
            if told.text().contains("pids ") {
                session.answer(id, code).await;
                break;
            }
            session.accept(id).await;
        }
        for pid in pids(&told) {
            crate::gone(&pid).await;
        }
        session
            .assign(assignment(2, "x", "steps: [echo next]"))
            .await;
        let (told, completion) = session.complete().await;
        assert_eq!(completion.run_id, 2);
        assert_eq!(
            told.statuses(),
            [(1, "running"), (1, "succeeded")],
            "{code}"
        );
        stage.end().await;
    }
}

#[tokio::test]
async fn a_lost_stream_loses_nothing() {
    let (mut stage, mut session) = Stage::start().await;
    let flag = stage.path("flag");
    let recipe = format!(
        "steps: ['for i in 1 2 3; do echo before $i; done; while [ ! -e {} ]; do sleep 0.01; done; echo after']",
        flag.display()
    );
    session.assign(assignment(1, "x", &recipe)).await;
    // Heard, and never acknowledged.
    let mut heard = Told::default();
    while !heard.text().contains("before 3") {
        heard.add(session.heard().await.1);
    }
    drop(session);
    let mut session = stage.server.session().await;
    assert_eq!(
        session.hello.held,
        [Held {
            run_id: 1,
            epoch: 1
        }]
    );
    fs::write(&flag, "").unwrap();
    let (told, completion) = session.complete().await;
    assert!(completion.success);
    let output: Vec<&str> = told.output().into_iter().map(|(_, _, text)| text).collect();
    assert_eq!(output, ["before 1", "before 2", "before 3", "after"]);
    stage.end().await;
}

#[tokio::test]
async fn a_completion_is_sent_again_until_it_is_acknowledged() {
    let (mut stage, mut session) = Stage::start().await;
    session.assign(assignment(1, "x", "steps: [echo hi]")).await;
    let first = loop {
        let (id, kind) = session.heard().await;
        if let Kind::Completion(completion) = kind {
            break (id, completion);
        }
        session.accept(id).await;
    };
    drop(session);
    let mut session = stage.server.session().await;
    assert_eq!(session.hello.held.len(), 1);
    let (id, kind) = session.heard().await;
    assert_eq!((id, kind), (first.0, Kind::Completion(first.1)));
    // It was stored the first time.
    session.answer(id, "run_finished").await;
    crate::poll("the removal of the folder", || {
        stage.folders().is_empty().then_some(())
    })
    .await;
    stage.end().await;
}

#[tokio::test]
async fn an_outage_longer_than_the_hold_ends_all_processes() {
    let mut stage = Stage::prepare(|config| config.interval = Duration::from_millis(20)).await;
    let mut session = stage.server.opened().await;
    session.welcome(100).await;
    session.assign(assignment(1, "x", ENDLESS)).await;
    let told = session.until_output("pids ").await;
    drop(session);
    // The agent connects again, and is never welcomed.
    let waiting = stage.server.opened().await;
    for pid in pids(&told) {
        crate::gone(&pid).await;
    }
    drop(waiting);
    let session = stage.server.session().await;
    assert_eq!(session.hello.held, []);
    // What was done there may be gone on with.
    assert_eq!(stage.folders(), ["run-1"]);
    stage.end().await;
}

#[tokio::test]
async fn the_end_of_the_agent_gives_its_runs_back() {
    let (stage, mut session) = Stage::start().await;
    session.assign(assignment(1, "x", ENDLESS)).await;
    let told = session.until_output("pids ").await;
    stage.shutdown.cancel();
    let mut rest = Told::default();
    let leaving = session.finish(&mut rest).await;
    assert!(matches!(leaving, Kind::Leaving(_)), "{leaving:?}");
    let released = session.finish(&mut rest).await;
    assert_eq!(run_of(&released), 1);
    assert!(matches!(released, Kind::Release(_)), "{released:?}");
    assert_eq!(rest.statuses(), [], "the step begins anew");
    for pid in pids(&told) {
        crate::gone(&pid).await;
    }
    // A stream that ends cleanly.
    assert_eq!(session.next().await, None);
    assert_eq!(stage.folders(), ["run-1"]);
    stage.end().await;
}

#[tokio::test]
async fn an_interrupted_run_goes_on_at_the_first_step_not_done() {
    let recipe =
        "steps: ['echo one > made; echo one', 'cat made; echo pids $$; sleep 1000', 'echo three']";
    let (stage, mut session) = Stage::start().await;
    session.assign(assignment(1, "x", recipe)).await;
    session.until_output("pids ").await;
    stage.shutdown.cancel();
    session.finish(&mut Told::default()).await;
    while session.next().await.is_some() {}

    // The recipe is the same; `sleep` is cut short by the environment's PATH being the same too.
    let state = stage.path("state");
    let mut server = crate::server::Server::start().await;
    let mut config = orch_agent::AgentConfig::new(&server.url, &state);
    config.path = std::env::var("PATH").unwrap();
    let shutdown = tokio_util::sync::CancellationToken::new();
    let agent = tokio::spawn(orch_agent::run(config, shutdown.clone()));
    let mut session = server.session().await;
    let again = orch_api::proto::Assignment {
        epoch: 2,
        steps_done: vec![1],
        ..assignment(1, "x", recipe)
    };
    session.assign(again).await;
    let told = session.until_output("pids ").await;
    assert_eq!(told.statuses(), [(2, "running")]);
    assert_eq!(told.output()[0], (1, 2, "one"));
    assert!(
        told.text().contains("going on after the steps done: 1"),
        "{}",
        told.text()
    );

    // Another agent that has no such folder starts over and says so.
    session.revoke(1).await;
    crate::gone(&pids(&told)[0]).await;
    let again = orch_api::proto::Assignment {
        epoch: 3,
        steps_done: vec![1],
        ..assignment(2, "x", "steps: [echo one, echo two]")
    };
    session.assign(again).await;
    let (told, completion) = session.complete().await;
    assert!(completion.success);
    assert!(told.text().contains("starting over"), "{}", told.text());
    assert_eq!(told.output(), [(1, 1, "one"), (1, 2, "two")]);
    shutdown.cancel();
    soon("the agent's end", agent).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_newer_hold_of_a_run_replaces_the_older_one() {
    let (stage, mut session) = Stage::start().await;
    session.assign(assignment(1, "x", ENDLESS)).await;
    let told = session.until_output("pids ").await;
    let newer = orch_api::proto::Assignment {
        epoch: 2,
        ..assignment(1, "x", "steps: [echo again]")
    };
    session.assign(newer).await;
    let (again, completion) = session.complete().await;
    assert_eq!((completion.run_id, completion.epoch), (1, 2));
    assert_eq!(again.output(), [(1, 1, "again")]);
    for pid in pids(&told) {
        assert!(!crate::is_alive(&pid));
    }
    stage.end().await;
}

#[tokio::test]
async fn an_agent_keeps_its_name_and_a_refused_one_says_what_to_do() {
    let (stage, session) = Stage::start().await;
    let kept = fs::read_to_string(stage.path("state/agent-id")).unwrap();
    assert_eq!(session.hello.agent_id, kept.trim());
    stage.end().await;

    let mut stage = Stage::prepare(|config| {
        config.agent_id = orch_core::ids::AgentName::parse("unwanted");
    })
    .await;
    let refusal = soon("the refusal", &mut stage.agent)
        .await
        .unwrap()
        .unwrap_err();
    let text = refusal.to_string();
    assert!(
        text.contains("a token is needed") && text.contains("ORCH_API_TOKEN"),
        "{text}"
    );
}
