//! Secrets through the binary: set by a person, had by the one step that names them, and in no log.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Installation, answer};

const VALUE: &str = "s3cr3t/K+y=value";
const FILE: &[u8] = b"\x00\xff-binary-secret-\x01\n\n";
// Of the two: a recipe stands in the database.
const VALUE_SHA256: &str = "a8a4d23bb14a3e19f45bc0be573a76673aca2c1e2cbf1a071081ce7b08c83771";
const FILE_SHA256: &str = "7b0a19d6255596150b28e5fdf25c7d11fa0053f132f28b9525d3a6959618e01f";

fn up(sandbox: &str) -> Installation {
    Installation::with("up", &[("AGENT_SANDBOX", sandbox)])
}

/// `secret set` with the value on standard input.
fn set(up: &Installation, args: &[&str], value: &[u8]) -> String {
    let args = [&["secret", "set"], args].concat();
    let mut child = up
        .command(&args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut stdin = child.stdin.take().expect("its input");
    stdin.write_all(value).expect("it reads");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{args:?}: {errors}");
    String::from_utf8_lossy(&output.stdout).into_owned() + &errors
}

async fn item(up: &Installation, project: i64, recipe: &str, environment: Option<&str>) -> i64 {
    let body = json!({"project_id": project, "title": "uses secrets", "environment": environment});
    let item = up.post("/work-items", body).await["id"]
        .as_i64()
        .expect("an id");
    let path = format!("/work-items/{item}/tool-recipe");
    up.post(&path, json!({ "yaml": recipe })).await;
    item
}

async fn audit(up: &Installation, kind: &str) -> Vec<Value> {
    let entries = up.get("/audit?limit=1000").await;
    let entries = entries.as_array().expect("a list").iter();
    entries
        .filter(|entry| entry["kind"] == kind)
        .cloned()
        .collect()
}

async fn the_one_step_has_it(sandbox: &str) {
    // The unprivileged user of a step has to get to it.
    let state = tempfile::tempdir().expect("a folder");
    let open = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(state.path(), open).expect("it is opened");
    let folder = state.path().to_str().expect("a path in UTF-8");
    let env = [("AGENT_SANDBOX", sandbox), ("AGENT_STATE_DIR", folder)];
    let up = Installation::with("up", &env);
    let project = up.project().await;
    let id = project.to_string();
    set(
        &up,
        &["DB_PASSWORD", "--project", &id],
        format!("{VALUE}\n").as_bytes(),
    );
    set(&up, &["CERTIFICATE", "--project", &id], FILE);
    let recipe = format!(
        "steps:
  - run: 'test -z \"$DB_PASSWORD$KEY$CERT\" && echo before'
  - run: |
      test \"$(printf %s \"$KEY\" | sha256sum | cut -c -64)\" = {VALUE_SHA256} && test -z \"$DB_PASSWORD\" && test \"$(stat -c %a \"$CERT\")\" = 600
      test \"$(sha256sum < \"$CERT\" | cut -c -64)\" = {FILE_SHA256}
      echo \"$KEY\"; echo \"plain=$KEY,\"; printf %s \"$KEY\" | base64; echo \"$CERT\" > path; echo had
    secrets: [{{name: DB_PASSWORD, env: KEY}}, {{name: CERTIFICATE, file: CERT}}]
  - run: 'test -z \"$DB_PASSWORD$KEY$CERT\" && ! cat \"$(cat path)\" && test -z \"$(ls \"$(dirname \"$(cat path)\")\")\" && echo after'
"
    );
    let item = item(&up, project, &recipe, None).await;
    up.enqueue(item).await;
    let path = format!("/work-items/{item}/runs");
    let ended = |runs: &Value| {
        ["succeeded", "failed"]
            .iter()
            .any(|end| runs[0]["status"] == *end)
    };
    let run = up.wait_for(&path, "an end", ended).await[0].clone();
    let lines = up.log_lines(run["id"].as_i64().expect("an id")).await;
    assert_eq!(run["status"], "succeeded", "{lines:#?}");
    for line in ["before", "***", "plain=***,", "had", "after"] {
        assert!(
            lines.iter().any(|logged| logged.ends_with(line)),
            "{line}: {lines:#?}"
        );
    }
    let coded = "czNjcjN0L0sreT12YWx1ZQ";
    assert!(
        !lines
            .iter()
            .any(|line| line.contains(VALUE) || line.contains(coded)),
        "{lines:#?}"
    );

    let delivered = audit(&up, "secret.delivered").await;
    assert_eq!(delivered.len(), 1, "{delivered:?}");
    let names = &delivered[0]["data"]["secrets"];
    assert_eq!(
        (&names[0]["name"], &names[1]["name"]),
        (&json!("CERTIFICATE"), &json!("DB_PASSWORD"))
    );
    let left = std::process::Command::new("grep")
        .args(["-rlE", "s3cr3t|binary-secret"])
        .args([up.folder.path(), state.path()])
        .output();
    let left = String::from_utf8_lossy(&left.expect("grep runs").stdout).into_owned();
    assert_eq!(left, "");
}

#[tokio::test]
async fn a_plain_process_has_the_secrets_that_its_step_names_and_the_next_does_not() {
    the_one_step_has_it("process").await;
}

#[tokio::test]
async fn a_step_in_landlock_has_the_secrets_that_it_names_and_the_next_does_not() {
    the_one_step_has_it("landlock").await;
}

#[tokio::test]
async fn a_step_in_bubblewrap_has_the_secrets_that_it_names_and_the_next_does_not() {
    the_one_step_has_it("bubblewrap").await;
}

#[tokio::test]
async fn a_missing_secret_is_asked_for_with_the_command_that_sets_it_and_an_environments_wins() {
    let up = up("process");
    let project = up.project().await;
    let id = project.to_string();
    let recipe =
        "steps:\n  - run: 'test \"$TOKEN\" = of-prod && echo right'\n    secrets: [TOKEN]\n";
    let item = item(&up, project, recipe, Some("prod")).await;
    up.enqueue(item).await;
    up.wait_run(item, "waiting").await;
    let asked = up.get("/work-items/runs/info-requests/1").await;
    let prompt = asked["prompt"].as_str().expect("a prompt");
    let expected = format!("codex-orchestrator secret set TOKEN --project {project}");
    assert!(prompt.contains(&expected), "{prompt}");
    set(&up, &["TOKEN", "--project", &id], b"of-project");
    set(
        &up,
        &["TOKEN", "--project", &id, "--environment", "prod"],
        b"of-prod",
    );
    let respond = "/work-items/runs/info-requests/1/respond";
    up.post(respond, json!({"values": {"retry": "retry"}}))
        .await;
    up.wait_run(item, "succeeded").await;
}

#[tokio::test]
async fn values_go_in_and_never_come_out_and_every_change_is_in_the_audit() {
    let up = up("process");
    let project = up.project().await;
    let id = project.to_string();
    let shown = set(
        &up,
        &["A_KEY", "--project", &id, "--environment", "prod"],
        VALUE.as_bytes(),
    );
    let again = set(
        &up,
        &["A_KEY", "--project", &id, "--environment", "prod"],
        b"abc",
    );
    assert!(
        shown.contains("A_KEY") && !shown.contains("s3cr3t"),
        "{shown}"
    );
    assert!(
        again.contains("warning") && again.contains("not kept out of logs"),
        "{again}"
    );
    let listed: Value =
        serde_json::from_str(&up.cli(&["secret", "list", "--project", &id, "--json"]))
            .expect("JSON");
    let one = &listed[0];
    assert_eq!(
        (
            &one["name"],
            &one["environment"],
            &one["version"],
            &one["set_by"]
        ),
        (&json!("A_KEY"), &json!("prod"), &json!(2), &json!("user"))
    );
    assert_eq!(one.get("value"), None);
    let path = format!("/projects/{project}/secrets/A_KEY");
    let call = async |method: Method, path: &str, body: Value| {
        answer(up.request(method, path).json(&body)).await
    };
    for (body, status) in [
        (json!({"value": 48151623}), 422),
        (json!({"value": "a", "value_base64": "YQ=="}), 422),
        (json!({"value_base64": "hush!"}), 422),
        (json!({"value": ""}), 422),
        (json!({"value": "x".repeat(65_537)}), 422),
        (json!({}), 422),
    ] {
        let (got, problem) = call(Method::PUT, &path, body.clone()).await;
        assert_eq!(got, status, "{problem}");
        let text = problem.to_string();
        assert!(
            !text.contains("48151623") && !text.contains("hush"),
            "{text}"
        );
    }
    for (path, status) in [
        (format!("/projects/{project}/secrets/lower"), 422),
        (format!("/projects/{project}/secrets/ORCH_RUN_TOKEN"), 422),
        (format!("/projects/{project}/secrets/A?environment="), 422),
        ("/projects/99/secrets/A".to_owned(), 404),
    ] {
        let (got, problem) = call(Method::PUT, &path, json!({"value": "v"})).await;
        assert_eq!(got, status, "{path}: {problem}");
    }
    // The project's own is another.
    assert_eq!(
        call(Method::GET, &path, json!(null)).await.0,
        StatusCode::NOT_FOUND
    );
    up.cli(&[
        "secret",
        "rm",
        "A_KEY",
        "--project",
        &id,
        "--environment",
        "prod",
    ]);
    let gone = call(
        Method::DELETE,
        &format!("{path}?environment=prod"),
        json!(null),
    )
    .await;
    assert_eq!(gone.0, StatusCode::NOT_FOUND);
    assert_eq!(audit(&up, "secret.set").await.len(), 2);
    let removed = audit(&up, "secret.removed").await;
    assert_eq!(removed[0]["data"]["version"], json!(2), "{removed:?}");
}
