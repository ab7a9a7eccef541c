//! Planned work: its steps are not guessed, and it is done when its acceptance commands say so.

use orch_api::proto::{Assignment, Criterion, agent_message::Kind};

use crate::{
    Stage,
    models::variables,
    server::{Told, answers, assignment},
};

/// A run of planned work that is done when `command` says so, and when a person likes it.
fn planned(run_id: i64, title: &str, command: &str) -> Assignment {
    let criterion = |text: &str, command: &str| Criterion {
        text: text.to_owned(),
        command: command.to_owned(),
    };
    Assignment {
        planned: true,
        acceptance: vec![
            criterion("It is made", command),
            criterion("It is beautiful", ""),
        ],
        ..assignment(run_id, title, "")
    }
}

/// An agent whose workspace has a Makefile.
async fn at_a_makefile(
    executor: &str,
    command: &str,
) -> (Stage, crate::server::Session, tempfile::TempDir) {
    let source = tempfile::tempdir().unwrap();
    let makefile = "build:\n\t@echo built\n\ntest:\n\t@echo tested\n";
    std::fs::write(source.path().join("Makefile"), makefile).unwrap();
    let workspace = source.path().to_owned();
    let (stage, session) = Stage::with(|config| {
        config.workspace = Some(workspace);
        let pairs = [("AGENT_EXECUTOR", executor), ("AGENT_COMMAND", command)];
        variables(config, pairs);
    })
    .await;
    (stage, session, source)
}

#[tokio::test]
async fn a_verb_in_the_title_of_planned_work_runs_nothing_and_a_person_is_asked() {
    let (stage, mut session, _source) = at_a_makefile("shell", "").await;
    let title = "Build: Users must be able to download";
    session.assign(planned(1, title, "test -s made")).await;
    let mut told = Told::default();
    let prompt = match session.finish(&mut told).await {
        Kind::Question(question) => question.prompt,
        other => panic!("expected a question, got {other:?}"),
    };
    assert!(
        prompt.contains("work of an approved plan")
            && prompt.contains("/work-items/101/tool-recipe"),
        "{prompt}"
    );
    assert!(
        prompt.contains("its acceptance command runs after them"),
        "{prompt}"
    );
    assert_eq!(told.output(), []);

    // What a person answers is followed by the acceptance.
    for (run_id, steps, success) in [(2, "echo x > made", true), (3, "echo ok", false)] {
        let answered = Assignment {
            epoch: 2,
            answers: answers([("steps", steps)]),
            ..planned(run_id, title, "test -s made")
        };
        session.assign(answered).await;
        let (told, completion) = session.complete().await;
        assert_eq!(completion.success, success, "{}", told.text());
        assert!(
            told.text()
                .contains("to be judged by a person: It is beautiful"),
            "{}",
            told.text()
        );
        let last = told.steps.last().unwrap();
        assert_eq!(
            (last.number, last.name.as_str(), last.command.as_str()),
            (2, "acceptance: It is made", "test -s made")
        );
        if !success {
            assert_eq!(
                completion.reason,
                "the work is not done: \"It is made\" is not met: `test -s made` exited with 1"
            );
            assert_eq!(completion.exit_code, Some(1));
        }
    }
    let recipe = Assignment {
        recipe_yaml: "steps: [echo by recipe]".to_owned(),
        ..planned(4, title, "grep -q built made")
    };
    session.assign(recipe).await;
    let (told, completion) = session.complete().await;
    assert!(!completion.success, "{}", told.text());
    assert_eq!(told.output()[0], (1, 1, "by recipe"));
    stage.end().await;
}

#[tokio::test]
async fn what_a_person_approves_of_planned_work_has_its_acceptance_and_runs_as_approved() {
    let (stage, mut session, _source) = at_a_makefile("shell", "").await;
    let gated = Assignment {
        plan_needs_approval: true,
        answers: answers([("steps", "echo x > made")]),
        ..planned(1, "Deploy: it", "test -s made")
    };
    session.assign(gated.clone()).await;
    let steps_json = match session.finish(&mut Told::default()).await {
        Kind::PlannedSteps(planned) => planned.steps_json,
        other => panic!("expected planned steps, got {other:?}"),
    };
    assert!(
        steps_json.contains("acceptance: It is made"),
        "{steps_json}"
    );
    let approved = Assignment {
        epoch: 2,
        approved_steps_json: steps_json,
        ..gated
    };
    session.assign(approved).await;
    let (told, completion) = session.complete().await;
    assert!(completion.success, "{}", told.text());
    assert_eq!(told.steps.iter().map(|step| step.number).max(), Some(2));
    stage.end().await;
}

#[tokio::test]
async fn what_an_executor_says_it_has_done_is_checked() {
    let line = "sh -c 'grep -q beautifully || echo x > made'";
    let (stage, mut session, _source) = at_a_makefile("command", line).await;
    session
        .assign(planned(1, "Build: it", "test -s made"))
        .await;
    let (told, completion) = session.complete().await;
    assert!(completion.success, "{completion:?} {}", told.text());
    assert_eq!(
        completion.reason,
        "sh succeeded, and so did its command of acceptance"
    );
    session
        .assign(planned(2, "Build: it beautifully", "test -s made"))
        .await;
    let (told, completion) = session.complete().await;
    assert!(!completion.success, "{}", told.text());
    assert!(
        completion
            .reason
            .contains("\"It is made\" is not met: `test -s made`"),
        "{}",
        completion.reason
    );

    // Its approval names what runs behind it.
    let gated = Assignment {
        plan_needs_approval: true,
        ..planned(3, "Build: it", "test -s made")
    };
    session.assign(gated.clone()).await;
    let steps_json = match session.finish(&mut Told::default()).await {
        Kind::PlannedSteps(planned) => planned.steps_json,
        other => panic!("expected planned steps, got {other:?}"),
    };
    assert!(steps_json.contains("test -s made"), "{steps_json}");
    let approved = Assignment {
        epoch: 2,
        approved_steps_json: steps_json,
        ..gated
    };
    session.assign(approved).await;
    let (told, completion) = session.complete().await;
    assert!(completion.success, "{completion:?} {}", told.text());
    stage.end().await;
}
