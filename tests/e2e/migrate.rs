//! `migrate` through the binary: versions, refusals, and a whole installation that moves.

use std::process::Output;

use reqwest::Method;
use serde_json::{Value, json};

use crate::postgres::Postgres;
use crate::support::{Installation, PATIENCE};

/// One of everything that the API can make without an agent.
async fn filled() -> Installation {
    let server = Installation::embedded();
    let project = server.project().await;
    let vision = json!({"content": "Customers must pay by card."});
    server
        .post(&format!("/projects/{project}/vision"), vision)
        .await;
    server
        .post(
            &format!("/projects/{project}/requirements/propose"),
            json!({}),
        )
        .await;
    for path in ["requirements/1/approve", "tasks/plan"] {
        server
            .post(&format!("/projects/{project}/{path}"), json!({}))
            .await;
    }
    let done = server.item_with(project, "done", &["echo hello"]).await;
    let waits = server.item(project, "deploy:prod").await;
    server
        .post(
            &format!("/work-items/{waits}/approvals"),
            json!({"reason": "please"}),
        )
        .await;
    let open = server.item(project, "open").await;
    for item in [waits, open] {
        server.enqueue(item).await;
    }
    let run = server
        .post(&format!("/work-items/{done}/start"), json!(null))
        .await["id"]
        .as_i64()
        .expect("an id");
    let of_run = |what: &str| format!("/work-items/runs/{run}/{what}");
    for n in 0..20 {
        let lines = json!({"lines": [format!("line {n}"), "zwölf Boxkämpfer"]});
        server.post(&of_run("logs"), lines).await;
    }
    let artifact = json!({"name": "a.txt", "content_base64": "YSBmaWxl"});
    server.post(&of_run("artifacts"), artifact).await;
    let question = json!({"prompt": "Which?", "required_keys": ["KEY"]});
    server.post(&of_run("info-requests"), question).await;
    server
}

/// What the API answers about it.
async fn answers(server: &Installation) -> Vec<(String, Value)> {
    let mut answers = Vec::new();
    for path in [
        "/projects",
        "/projects/1/visions",
        "/projects/1/requirements",
        "/projects/1/plans",
        "/projects/1/plans/1",
        "/work-items",
        "/work-items/approvals",
        "/work-items/runs",
        "/work-items/runs/1/logs?format=json",
        "/work-items/runs/1/artifacts",
        "/work-items/runs/artifacts/1/raw",
        "/work-items/runs/1/info-requests",
        "/scheduler/queue",
        "/audit?limit=1000",
    ] {
        let response = server.request(Method::GET, path).timeout(PATIENCE).send();
        let response = response.await.expect("an answer");
        assert_eq!(response.status(), 200, "{path}");
        let text = response.text().await.expect("a body");
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        answers.push((path.to_owned(), body));
    }
    answers
}

fn said(output: &Output) -> String {
    let out = String::from_utf8_lossy(&output.stdout);
    format!("{out}{}", String::from_utf8_lossy(&output.stderr))
}

#[tokio::test]
async fn an_installation_moves_to_postgresql_and_answers_as_before() {
    let mut server = filled().await;
    let before = answers(&server).await;
    let cluster = Postgres::start();
    let url = cluster.database("orch");
    let file = server.data_dir().join("orchestrator.db");
    let from = format!("sqlite:///{}", file.display());
    let carry = ["migrate", "--from", &from, "--to", &url];

    let used = server.command(&carry).output().expect("it runs");
    assert_eq!(used.status.code(), Some(1), "{}", said(&used));
    assert!(said(&used).contains("stop every server"), "{}", said(&used));

    server.stop();
    let report: Value = serde_json::from_str(&server.cli(&[&carry[..], &["--json"]].concat()))
        .expect("JSON and nothing else");
    let tables = report["tables"].as_array().expect("a list");
    assert!(
        tables.iter().all(|t| t["source"] == t["target"]),
        "{report}"
    );
    let entries = before.last().and_then(|(_, audit)| audit.as_array());
    assert_eq!(report["audit_entries"], entries.expect("a list").len());

    let again = server.command(&carry).output().expect("it runs");
    assert!(said(&again).contains("not empty"), "{}", said(&again));

    server.use_database(cluster, &url);
    server.start();
    for ((path, then), (_, now)) in before.iter().zip(answers(&server).await) {
        assert_eq!(*then, now, "{path}");
    }
    // It goes on counting, and on the same chain.
    let item = server.item(1, "next").await;
    assert_eq!(item, 4);
    server.stop();
    let verified: Value = serde_json::from_str(&server.cli(&["audit", "verify", "--json"]))
        .expect("JSON and nothing else");
    assert!(verified["first_bad"].is_null(), "{verified}");
    let carried = entries.expect("a list").len() as u64;
    assert!(verified["entries"].as_u64() > Some(carried), "{verified}");
}

#[tokio::test]
async fn the_schema_is_brought_forward_once_and_a_newer_one_refused() {
    let mut server = Installation::embedded();
    server.stop();
    let status: Value = serde_json::from_str(&server.cli(&["migrate", "--status", "--json"]))
        .expect("JSON and nothing else");
    assert_eq!(status["version"], status["program"]);
    let told = server.cli(&["migrate"]);
    assert!(told.contains("already"), "{told}");

    let file = server.data_dir().join("orchestrator.db");
    let later = "INSERT INTO _sqlx_migrations SELECT 9000, 'later', installed_on, success, checksum, execution_time
                   FROM _sqlx_migrations WHERE version = 1";
    let status = std::process::Command::new("sqlite3")
        .arg(file)
        .arg(later)
        .status();
    assert!(status.expect("sqlite3 runs").success());
    for command in [
        &["serve", "--port", "0"][..],
        &["migrate"],
        &["migrate", "--status"],
    ] {
        let output = server.command(command).output().expect("it runs");
        let text = said(&output);
        assert_eq!(output.status.code(), Some(1), "{command:?}: {text}");
        assert!(
            text.contains("is version 9000") && text.contains("newer version"),
            "{command:?}: {text}"
        );
    }
}
