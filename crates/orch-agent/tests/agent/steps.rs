//! A run's steps: what they write, how they end, what they see.

use std::fs;

use crate::{
    Stage,
    server::{assignment, soon},
};

#[tokio::test]
async fn a_run_tells_its_steps_and_lines_and_completes_once_all_is_stored() {
    let (stage, mut session) = Stage::start().await;
    assert_eq!(session.hello.slots, 4);
    let recipe =
        "steps:\n  - echo one; echo two >&2\n  - {name: second, run: 'printf \"a\\nb\"'}\n";
    session.assign(assignment(1, "anything", recipe)).await;
    let (told, completion) = session.complete().await;
    let mut output = told.output();
    output.sort();
    assert_eq!(
        output,
        [(1, 1, "one"), (1, 2, "a"), (1, 2, "b"), (2, 1, "two")]
    );
    assert_eq!(
        told.statuses(),
        [
            (1, "running"),
            (1, "succeeded"),
            (2, "running"),
            (2, "succeeded")
        ]
    );
    assert_eq!(told.steps[2].name, "second");
    let first = &told.lines[0];
    assert_eq!((first.stream, first.step), (0, 0));
    assert!(
        first.message.contains("without a sandbox"),
        "{}",
        first.message
    );
    assert_eq!((completion.run_id, completion.epoch), (1, 1));
    assert_eq!((completion.success, completion.exit_code), (true, Some(0)));
    assert_eq!(completion.reason, "all 2 steps succeeded");
    // Its folder is removed once the server knows.
    crate::poll("the removal of the folder", || {
        stage.folders().is_empty().then_some(())
    })
    .await;
    stage.end().await;
}

#[tokio::test]
async fn the_first_failure_ends_the_run_with_its_code() {
    let (stage, mut session) = Stage::start().await;
    let recipe = "steps: ['true', 'exit 7', 'echo never']";
    session.assign(assignment(1, "anything", recipe)).await;
    let (told, completion) = session.complete().await;
    assert_eq!(told.output(), []);
    assert_eq!((completion.success, completion.exit_code), (false, Some(7)));
    assert_eq!(completion.reason, "step 2 `exit 7` exited with 7");
    assert_eq!(told.statuses().last(), Some(&(2, "failed")));

    session
        .assign(assignment(2, "x", "steps: ['kill -9 $$']"))
        .await;
    let (_, completion) = session.complete().await;
    assert_eq!(completion.exit_code, Some(137));
    assert_eq!(completion.reason, "step 1 `kill -9 $$` ended by signal 9");

    session
        .assign(assignment(3, "x", "steps: [{run: ls, cwd: none}]"))
        .await;
    let (_, completion) = session.complete().await;
    assert!(!completion.success);
    assert!(
        completion
            .reason
            .contains("does not exist in the workspace"),
        "{}",
        completion.reason
    );
    stage.end().await;
}

#[tokio::test]
async fn a_step_that_takes_too_long_is_ended() {
    let (stage, mut session) = Stage::start().await;
    let recipe = "steps: [{run: 'echo $$; sleep 1000', timeout: 0.3}]";
    session.assign(assignment(1, "x", recipe)).await;
    let (told, completion) = session.complete().await;
    assert_eq!((completion.success, completion.exit_code), (false, None));
    assert_eq!(
        completion.reason,
        "step 1 `echo $$; sleep 1000` timed out after 0.3 s"
    );
    crate::gone(told.output()[0].2).await;
    stage.end().await;
}

#[tokio::test]
async fn steps_see_their_own_environment_and_nothing_of_the_agents() {
    let (stage, mut session) = Stage::with(|config| {
        config.secret = Some("agent-secret".to_owned());
        config.api_token = Some("api-token".to_owned());
    })
    .await;
    assert_eq!(session.hello.secret, "agent-secret");
    assert_eq!(session.token.as_deref(), Some("Bearer api-token"));
    let recipe = "tools: [{name: sh, env: {FROM: tool, TOOL: t}}]\n\
                  steps: [{run: 'env | sort; pwd', env: {FROM: step}}]";
    session.assign(assignment(3, "x", recipe)).await;
    let (told, _) = session.complete().await;
    let output: Vec<&str> = told.output().into_iter().map(|(_, _, text)| text).collect();
    let has = |line: &str| assert!(output.contains(&line), "{line}: {output:?}");
    for line in [
        "FROM=step",
        "TOOL=t",
        "ORCH_RUN_ID=3",
        "ORCH_WORK_ITEM_ID=103",
        "ORCH_ATTEMPT=1",
        "ORCH_TRACE_ID=0af7651916cd43dd8448eb211c80319c",
        "TRACEPARENT=00-0af7651916cd43dd8448eb211c80319c-8000000000300001-01",
        "LANG=C.UTF-8",
    ] {
        has(line);
    }
    let text = output.join("\n");
    assert!(text.contains("/run-3/epoch-1/home"), "{text}");
    for name in ["CARGO", "AGENT_", "api-token", "agent-secret"] {
        assert!(!text.contains(name), "{name}: {text}");
    }
    stage.end().await;
}

#[tokio::test]
async fn each_run_works_on_a_copy_of_the_workspace() {
    let source = tempfile::tempdir().unwrap();
    let makefile = "build:\n\techo built > result\n\tcat result\n";
    fs::write(source.path().join("Makefile"), makefile).unwrap();
    let workspace = source.path().to_owned();
    let (stage, mut session) = Stage::with(|config| config.workspace = Some(workspace)).await;
    session.assign(assignment(1, "build", "")).await;
    let (told, completion) = session.complete().await;
    assert!(completion.success, "{completion:?} {told:?}");
    assert!(told.text().contains("\nbuilt"), "{}", told.text());
    assert!(
        told.text().contains("target `build` in Makefile"),
        "{}",
        told.text()
    );
    assert!(!source.path().join("result").exists());
    stage.end().await;
}

#[tokio::test]
async fn the_operators_steps_replace_the_recipes() {
    let (stage, mut session) =
        Stage::with(|config| config.steps = Some(vec!["echo demo".to_owned()])).await;
    session.assign(assignment(1, "x", "steps: [exit 1]")).await;
    let (told, completion) = session.complete().await;
    assert_eq!(told.output(), [(1, 1, "demo")]);
    assert!(completion.success);
    stage.end().await;
}

#[tokio::test]
async fn no_more_runs_than_slots_work_at_once() {
    let (stage, mut session) = Stage::with(|config| config.slots = 1).await;
    assert_eq!(session.hello.slots, 1);
    let flag = stage.path("flag");
    let first = format!(
        "steps: ['echo first; while [ ! -e {} ]; do sleep 0.01; done']",
        flag.display()
    );
    session.assign(assignment(1, "x", &first)).await;
    session.until_output("first").await;
    session
        .assign(assignment(2, "x", "steps: [echo second]"))
        .await;
    fs::write(&flag, "").unwrap();
    let (told, completion) = session.complete().await;
    assert_eq!(completion.run_id, 1);
    assert!(!told.text().contains("second"), "{}", told.text());
    let (told, completion) = session.complete().await;
    assert_eq!(completion.run_id, 2);
    assert!(told.text().contains("second"));
    stage.end().await;
}

#[tokio::test]
async fn runs_work_side_by_side_and_a_loud_one_is_held_up_alone() {
    let (stage, mut session) = Stage::start().await;
    // Nothing of this run is acknowledged: it fills its window and waits.
    session
        .assign(assignment(
            1,
            "x",
            "steps: ['yes $(printf %01000d 0) | head -c 30000000']",
        ))
        .await;
    let mut unacknowledged = 0;
    while unacknowledged < 3_000_000 {
        let (_, kind) = session.heard().await;
        if let orch_api::proto::agent_message::Kind::Logs(logs) = kind {
            unacknowledged += logs
                .lines
                .iter()
                .map(|line| line.message.len())
                .sum::<usize>();
        }
    }
    session
        .assign(assignment(2, "x", "steps: [echo quiet]"))
        .await;
    let mut held_back = Vec::new();
    let mut quiet = crate::server::Told::default();
    let quiet_done = async {
        loop {
            let (id, kind) = session.heard().await;
            let run_id = crate::holds::run_of(&kind);
            if run_id == 1 {
                held_back.push(id);
                continue;
            }
            session.accept(id).await;
            if quiet.add(kind).is_some() {
                break;
            }
        }
    };
    soon("the quiet run", quiet_done).await;
    assert_eq!(quiet.output(), [(1, 1, "quiet")]);
    stage.end().await;
}
