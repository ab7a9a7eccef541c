//! What a run asks of people, and what becomes of their answers.

use std::os::unix::fs::PermissionsExt;

use orch_api::proto::{Assignment, agent_message::Kind};
use orch_core::info_request::Field;

use crate::{
    Stage,
    server::{Session, Told, answers, assignment},
};

async fn question(session: &mut Session) -> (String, Vec<(String, bool)>) {
    match session.finish(&mut Told::default()).await {
        Kind::Question(question) => {
            let fields: Vec<Field> = serde_json::from_str(&question.fields_json).unwrap();
            assert_eq!(orch_core::info_request::check_fields(&fields), Ok(()));
            let fields = fields
                .into_iter()
                .map(|field| (field.key, field.secret.into()));
            (question.prompt, fields.collect())
        }
        other => panic!("expected a question, got {other:?}"),
    }
}

fn fields<const N: usize>(fields: [(&str, bool); N]) -> Vec<(String, bool)> {
    fields.map(|(key, secret)| (key.to_owned(), secret)).into()
}

/// A folder with programs of these names, to stand in `PATH`.
fn tools(folder: &std::path::Path, names: &[&str]) -> String {
    std::fs::create_dir_all(folder).unwrap();
    for name in names {
        let file = folder.join(name);
        std::fs::write(&file, "#!/bin/sh\nexit 0\n").unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    format!("{}:{}", folder.display(), std::env::var("PATH").unwrap())
}

#[tokio::test]
async fn a_run_that_nothing_tells_how_to_do_asks_for_its_steps() {
    let (stage, mut session) = Stage::start().await;
    session.assign(assignment(1, "ponder the orb", "")).await;
    let (prompt, asked) = question(&mut session).await;
    assert_eq!(asked, fields([("steps", false)]));
    assert!(prompt.contains("/work-items/101/tool-recipe"), "{prompt}");

    let answered = Assignment {
        epoch: 2,
        answers: answers([("steps", "echo by hand\n\necho twice")]),
        ..assignment(1, "ponder the orb", "")
    };
    session.assign(answered).await;
    let (told, completion) = session.complete().await;
    assert!(completion.success);
    assert_eq!(told.output(), [(1, 1, "by hand"), (1, 2, "twice")]);
    stage.end().await;
}

#[tokio::test]
async fn a_missing_tool_parks_the_run_until_it_is_there() {
    let top = tempfile::tempdir().unwrap();
    let bin = top.path().join("bin");
    let path = tools(&bin, &[]);
    let (stage, mut session) = Stage::with(|config| config.path = path).await;
    let recipe = "tools: [{name: opentofu-fake}]\nsteps: [echo planned]";
    session.assign(assignment(1, "x", recipe)).await;
    let (prompt, asked) = question(&mut session).await;
    assert_eq!(asked, fields([("retry", false)]));
    assert!(prompt.contains("tool opentofu-fake is missing"), "{prompt}");

    let retry = |epoch| Assignment {
        epoch,
        answers: answers([("retry", "retry")]),
        ..assignment(1, "x", recipe)
    };
    session.assign(retry(2)).await;
    let (again, _) = question(&mut session).await;
    assert_eq!(again, prompt);
    tools(&bin, &["opentofu-fake"]);
    session.assign(retry(3)).await;
    let (told, completion) = session.complete().await;
    assert!(completion.success);
    assert_eq!(told.output(), [(1, 1, "planned")]);
    stage.end().await;
}

#[tokio::test]
async fn cloud_inputs_are_asked_for_and_reach_the_steps_but_never_the_log() {
    let top = tempfile::tempdir().unwrap();
    let path = tools(&top.path().join("bin"), &["aws"]);
    let (stage, mut session) = Stage::with(|config| config.path = path).await;
    let recipe = r#"steps:
  - 'echo "key $AWS_SECRET_ACCESS_KEY in $AWS_DEFAULT_REGION"'
  - 'printf %s "user:$AWS_SECRET_ACCESS_KEY" | base64'
  - 'printf %s "$AWS_SECRET_ACCESS_KEY" | sha256sum'
  - 'exit 3 # sup3r/secret+value'
"#;
    session.assign(assignment(1, "aws: upload", recipe)).await;
    let (prompt, asked) = question(&mut session).await;
    let expected = [
        ("AWS_ACCESS_KEY_ID", true),
        ("AWS_SECRET_ACCESS_KEY", true),
        ("AWS_DEFAULT_REGION", false),
    ];
    assert_eq!(asked, fields(expected));
    assert!(prompt.contains("aws needs AWS_ACCESS_KEY_ID"), "{prompt}");

    let secret = "sup3r/secret+value";
    let answered = Assignment {
        epoch: 2,
        answers: answers([
            ("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", secret),
            ("AWS_DEFAULT_REGION", "us-east-1"),
        ]),
        ..assignment(1, "aws: upload", recipe)
    };
    session.assign(answered).await;
    let (told, completion) = session.complete().await;
    let all = format!("{}\n{:?}\n{completion:?}", told.text(), told.steps);
    assert!(all.contains("key *** in us-east-1"), "{all}");
    assert!(!all.contains("sup3r"), "{all}");
    assert!(!all.contains("c3VwM3Ivc2VjcmV0"), "{all}");
    assert_eq!(completion.reason, "step 4 `exit 3 # ***` exited with 3");
    let digest = told.output()[2].2;
    assert!(
        digest.starts_with("15dd9bd9") || digest.len() > 60,
        "{digest}"
    );
    stage.end().await;
}

#[tokio::test]
async fn a_kubeconfig_is_a_private_file_outside_the_workspace_and_gone_afterwards() {
    let top = tempfile::tempdir().unwrap();
    let path = tools(&top.path().join("bin"), &["kubectl", "helm"]);
    let (stage, mut session) = Stage::with(|config| {
        config.path = path;
        config.keep_runs = 1;
    })
    .await;
    let recipe = r#"steps: ['stat -c "mode %a" "$KUBECONFIG"; echo "at $KUBECONFIG"; wc -c < "$KUBECONFIG"; cat "$KUBECONFIG"; env | grep -c KUBECONFIG_CONTENT; true']"#;
    let config = "users:\n- token: abcdefghijklmnop\n";
    let answered = Assignment {
        answers: answers([("KUBECONFIG_CONTENT", config)]),
        ..assignment(1, "k8s rollout", recipe)
    };
    session.assign(answered).await;
    let (told, completion) = session.complete().await;
    assert!(completion.success, "{completion:?}");
    let output: Vec<&str> = told.output().into_iter().map(|(_, _, text)| text).collect();
    assert_eq!(output[0], "mode 600");
    let file = output[1].strip_prefix("at ").unwrap();
    assert!(!file.contains("/work/"), "{file}");
    assert_eq!(output[2], config.len().to_string());
    assert!(!told.text().contains("abcdefghijklmnop"), "{}", told.text());
    assert_eq!(output.last(), Some(&"0"));
    assert!(!std::path::Path::new(file).exists());
    assert_eq!(stage.folders(), ["run-1"]);
    stage.end().await;
}

#[tokio::test]
async fn planned_steps_of_a_gated_item_wait_for_approval() {
    let source = tempfile::tempdir().unwrap();
    std::fs::write(source.path().join("Makefile"), "deploy:\n\techo deployed\n").unwrap();
    let workspace = source.path().to_owned();
    let (stage, mut session) = Stage::with(|config| config.workspace = Some(workspace)).await;
    let gated = Assignment {
        plan_needs_approval: true,
        ..assignment(1, "deploy", "")
    };
    session.assign(gated.clone()).await;
    let mut told = Told::default();
    let planned = match session.finish(&mut told).await {
        Kind::PlannedSteps(planned) => planned,
        other => panic!("expected planned steps, got {other:?}"),
    };
    assert_eq!(planned.steps_json, r#"[{"run":"make deploy"}]"#);
    assert_eq!(told.output(), []);

    let approved = Assignment {
        epoch: 2,
        approved_steps_json: planned.steps_json,
        ..gated.clone()
    };
    session.assign(approved).await;
    let (told, completion) = session.complete().await;
    assert!(completion.success, "{completion:?}");
    assert!(told.text().contains("deployed"));

    // Steps that a person answered with are no approval.
    let answered = Assignment {
        run_id: 2,
        answers: answers([("steps", "echo now")]),
        ..gated
    };
    session.assign(answered).await;
    let kind = session.finish(&mut Told::default()).await;
    assert!(matches!(kind, Kind::PlannedSteps(_)), "{kind:?}");
    stage.end().await;
}

#[tokio::test]
async fn a_recipe_that_cannot_be_read_fails_the_run_and_says_why() {
    let (stage, mut session) = Stage::start().await;
    session
        .assign(assignment(1, "x", "steps: [{runn: ls}]"))
        .await;
    let (_, completion) = session.complete().await;
    assert!(!completion.success);
    assert!(
        completion.reason.contains("the recipe cannot be read"),
        "{}",
        completion.reason
    );
    assert!(completion.reason.contains("runn"), "{}", completion.reason);
    stage.end().await;
}
