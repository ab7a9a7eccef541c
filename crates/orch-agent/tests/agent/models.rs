//! Models as planners and Codex as executor, and workers other than the agent's own.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures::future::BoxFuture;
use orch_agent::{AgentConfig, Ended, Executor, Finished, Job, LlmPlanning, Outcome, Worker};
use orch_api::proto::{Assignment, agent_message::Kind, server_message};
use tokio_util::sync::CancellationToken;

use crate::{
    Stage,
    server::{Server, Told, assignment, soon},
};

/// The settings that these variables make, beside those an agent always has.
pub fn variables<const N: usize>(config: &mut AgentConfig, pairs: [(&str, &str); N]) {
    let mut env: BTreeMap<String, String> = pairs
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    for name in ["PATH", "HOME"] {
        env.insert(name.to_owned(), std::env::var(name).unwrap());
    }
    let read = config.clone().with_variables(&env).unwrap();
    config.executor = read.executor;
    config.llm_planning = read.llm_planning;
}

#[tokio::test]
async fn a_model_plans_where_nothing_is_given() {
    let (stage, mut session) = Stage::with(|config| {
        let command = r#"grep -q TITLE && echo '["echo one", {"run": "echo two", "timeout": 30}]'"#;
        variables(
            config,
            [
                ("AGENT_ENABLE_LLM_PLANNING", "true"),
                ("CODEX_PLAN_CMD", command),
            ],
        );
        assert!(matches!(config.llm_planning, LlmPlanning::On(_)));
    })
    .await;
    session.assign(assignment(1, "ponder the orb", "")).await;
    let (told, completion) = session.complete().await;
    assert!(completion.success, "{completion:?} {}", told.text());
    assert_eq!(told.output(), [(1, 1, "one"), (1, 2, "two")]);

    let gated = Assignment {
        plan_needs_approval: true,
        ..assignment(2, "ponder the orb", "")
    };
    session.assign(gated).await;
    match session.finish(&mut Told::default()).await {
        Kind::PlannedSteps(planned) => assert_eq!(
            planned.steps_json,
            r#"[{"run":"echo one"},{"run":"echo two","timeout":30}]"#
        ),
        other => panic!("expected planned steps, got {other:?}"),
    }
    stage.end().await;
}

#[tokio::test]
async fn a_model_that_answers_nonsense_is_replaced_by_the_workspace_with_an_event() {
    let source = tempfile::tempdir().unwrap();
    std::fs::write(source.path().join("Makefile"), "build:\n\t@echo made\n").unwrap();
    let workspace = source.path().to_owned();
    let (stage, mut session) = Stage::with(|config| {
        config.workspace = Some(workspace);
        variables(
            config,
            [
                ("AGENT_ENABLE_LLM_PLANNING", "1"),
                ("CODEX_PLAN_CMD", "cat > /dev/null; echo sorry"),
            ],
        );
    })
    .await;
    session.assign(assignment(1, "build", "")).await;
    let (told, completion) = session.complete().await;
    assert!(completion.success);
    assert_eq!(told.output(), [(1, 1, "made")]);
    let event = told.lines.iter().find(|line| line.stream == 3).unwrap();
    let expected = "planning by a model failed, using the deterministic plan: ";
    assert!(event.message.starts_with(expected), "{}", event.message);
    stage.end().await;
}

#[tokio::test]
async fn another_coding_agent_is_fed_read_and_judged_by_its_own_word() {
    use std::os::unix::fs::PermissionsExt as _;
    const PROGRAM: &str = r#"#!/bin/sh
grep -q 'ponder the orb' || exit 9
echo '{"type":"assistant","message":{"content":[{"type":"text","text":"key '$MY_KEY'"}]}}'
echo '{"type":"new thing","anything":[1]}'
echo '{"type":"result","is_error":true,"result":"gave up","usage":{"input_tokens":7}}'
"#;
    let top = tempfile::tempdir().unwrap();
    let program = top.path().join("mine");
    std::fs::write(&program, PROGRAM).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::set_permissions(top.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let line = format!("{} --go", program.display());
    let (stage, mut session) = Stage::with(|config| {
        variables(
            config,
            [
                ("AGENT_EXECUTOR", "command"),
                ("AGENT_COMMAND", &line),
                ("AGENT_COMMAND_EVENTS", "claude-stream-json"),
                ("AGENT_COMMAND_ENV", "MY_KEY"),
                ("MY_KEY", "hush-hush-1"),
            ],
        );
    })
    .await;
    session.assign(assignment(1, "ponder the orb", "")).await;
    let (told, completion) = session.complete().await;
    assert_eq!(told.output()[0], (1, 1, "key ***"), "{}", told.text());
    assert!(!completion.success);
    assert_eq!(completion.reason, "mine failed: gave up");
    assert!(completion.usage_json.contains("\"input_tokens\":7"));
    stage.end().await;
}

#[tokio::test]
async fn codex_needs_approval_on_a_gated_item_and_a_missing_one_says_so() {
    let (stage, mut session) = Stage::with(|config| {
        variables(
            config,
            [("AGENT_EXECUTOR", "codex"), ("CODEX_BIN", "/no/such/codex")],
        );
        assert!(matches!(config.executor, Executor::Codex(_)));
    })
    .await;
    let gated = Assignment {
        plan_needs_approval: true,
        ..assignment(1, "ponder the orb", "")
    };
    session.assign(gated.clone()).await;
    let planned = match session.finish(&mut Told::default()).await {
        Kind::PlannedSteps(planned) => planned,
        other => panic!("expected planned steps, got {other:?}"),
    };
    let approved = Assignment {
        epoch: 2,
        approved_steps_json: planned.steps_json,
        ..gated
    };
    session.assign(approved).await;
    let (told, completion) = session.complete().await;
    assert_eq!(told.statuses(), [(1, "running"), (1, "failed")]);
    assert!(!completion.success);
    assert!(
        completion.reason.contains("/no/such/codex was not found"),
        "{}",
        completion.reason
    );
    stage.end().await;
}

/// Spawns no process: one line, done.
struct NoOp;

impl Worker for NoOp {
    fn work(&self, job: Job) -> BoxFuture<'static, Ended> {
        Box::pin(async move {
            job.log.system("nothing to do").await;
            Ended {
                outcome: Outcome::Finished(Finished::succeeded("")),
                folder: None,
            }
        })
    }
}

#[tokio::test]
async fn a_worker_without_processes_can_be_plugged_in() {
    let top = tempfile::tempdir().unwrap();
    let mut server = Server::start().await;
    let mut config = AgentConfig::new(&server.url, top.path());
    config.slots = 16;
    config.interval = Duration::from_millis(50);
    let shutdown = CancellationToken::new();
    let agent = orch_agent::run_with(
        config,
        Arc::new(NoOp),
        || jiff::Timestamp::UNIX_EPOCH,
        shutdown.clone(),
    );
    let agent = tokio::spawn(agent);
    let mut session = server.session().await;
    session
        .say(server_message::Kind::Ping(orch_api::proto::Ping {}))
        .await;
    let (id, kind) = session.heard().await;
    assert_eq!((id, matches!(kind, Kind::Pong(_))), (0, true));
    for run_id in 1..=16 {
        session.assign(assignment(run_id, "x", "")).await;
    }
    let mut told = Told::default();
    let mut completed = Vec::new();
    while completed.len() < 16 {
        match session.finish(&mut told).await {
            Kind::Completion(completion) => completed.push(completion.run_id),
            other => panic!("expected completions, got {other:?}"),
        }
    }
    completed.sort_unstable();
    assert_eq!(completed, (1..=16).collect::<Vec<_>>());
    assert_eq!(told.lines.len(), 16);
    assert_eq!(told.lines[0].message, "nothing to do");
    assert_eq!(told.lines[0].at_us, 0);
    shutdown.cancel();
    soon("the agent's end", agent).await.unwrap().unwrap();
}
