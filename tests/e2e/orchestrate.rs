//! `/api/orchestrate`: several roles in turn, against a model that answers by a script.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::codex::scripted_model::{Reply, ScriptedModel};
use crate::support::{Installation, PATIENCE, answer};

const KEY: &str = "sk-orchestrate-0123456789";

/// A server whose roles ask a model that answers by a script.
async fn with_model(replies: Vec<Reply>, env: &[(&str, &str)]) -> (Installation, ScriptedModel) {
    let model = ScriptedModel::start(replies).await;
    let base = model.base_url();
    let own = [
        ("OPENAI_API_KEY", KEY),
        ("ORCH_OPENAI_BASE_URL", base.as_str()),
        ("ORCH_OPENAI_MODEL", "scripted-1"),
    ];
    let env = [&own[..], env].concat();
    (Installation::with("serve", &env), model)
}

fn ask(agents: &[&str]) -> Value {
    json!({
        "prompt": "Create a simple HTTP server in Node.js",
        "context": {"language": "javascript", "framework": "express"},
        "agent_sequence": agents,
        "options": {"test_framework": "jest", "coverage_goals": "80%"},
    })
}

fn said(recorded: &Value) -> String {
    recorded["input"].to_string()
}

#[tokio::test]
async fn roles_answer_in_turn_and_each_is_told_what_those_before_it_wrote() {
    let replies = ["the specification", "the code", "Verdict: approve"].map(Reply::say);
    let (server, model) = with_model(replies.to_vec(), &[]).await;
    let done = server
        .post("/api/orchestrate", ask(&["spec", "code", "reviewer"]))
        .await;
    assert_eq!(done["status"], "completed");
    assert_eq!(
        done["result"],
        json!({"spec": "the specification", "code": "the code", "reviewer": "Verdict: approve"})
    );
    let metadata = &done["metadata"];
    assert_eq!(
        metadata["agent_sequence"],
        json!(["Spec", "Code", "Reviewer"])
    );
    assert_eq!(metadata["success"], true);
    assert!(
        metadata["duration_ms"].is_u64() && metadata["end_time"].is_string(),
        "{metadata}"
    );
    assert_eq!(metadata["agents"][2]["status"], "completed");
    assert_eq!(metadata["agents"][2]["model"], "scripted-1");
    assert!(done.get("error").is_none(), "{done}");

    let requests = model.requests();
    assert_eq!(requests.len(), 3);
    assert_eq!(
        requests[0].authorization.as_deref(),
        Some(format!("Bearer {KEY}").as_str())
    );
    let last = said(&requests[2].body);
    for part in [
        "Node.js",
        "express",
        "jest",
        "the specification",
        "the code",
    ] {
        assert!(last.contains(part), "{part} is missing in {last}");
    }

    let id = done["request_id"].as_str().expect("an id");
    assert_eq!(server.get(&format!("/api/orchestrate/{id}")).await, done);
    let calls = server.get(&format!("/api/orchestrate/{id}/calls")).await;
    assert_eq!(calls.as_array().map(Vec::len), Some(3));
    assert_eq!(calls[1]["answer"]["text"], "the code");
    assert!(!calls.to_string().contains(KEY));
    let session = done["session_id"].as_str().expect("a session");
    let shown = server.get(&format!("/api/sessions/{session}")).await;
    assert_eq!(
        (&shown["requests"], &shown["active"]),
        (&json!(1), &json!(false))
    );
    let kinds = server.get("/audit").await.to_string();
    for kind in [
        "orchestration.started",
        "model.called",
        "orchestration.ended",
    ] {
        assert!(kinds.contains(kind), "{kind} is not in the audit");
    }
}

#[tokio::test]
async fn a_session_goes_on_with_what_was_written_before() {
    let replies = [Reply::say("a shop for bikes"), Reply::say("with a cart")];
    let (server, model) = with_model(replies.to_vec(), &[]).await;
    let first = server.post("/api/orchestrate", ask(&["spec"])).await;
    let mut second = ask(&["spec"]);
    second["session_id"] = first["session_id"].clone();
    let second = server.post("/api/orchestrate", second).await;
    assert_eq!(second["session_id"], first["session_id"]);
    let told = said(&model.requests()[1].body);
    assert!(told.contains("a shop for bikes"), "{told}");
    let path = format!(
        "/api/orchestrate?session_id={}",
        first["session_id"].as_str().unwrap()
    );
    let listed = server.get(&path).await;
    assert_eq!(listed.as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn a_session_is_not_told_to_requests_of_another_project() {
    let replies = ["ours", "ours still"].map(Reply::say);
    let (server, model) = with_model(replies.to_vec(), &[]).await;
    let (mine, other) = (server.project().await, server.project().await);
    let of = |project: Value, session: &Value| {
        let mut body = ask(&["spec"]);
        body["project_id"] = project;
        body["session_id"] = session.clone();
        body
    };
    let first = of(json!(mine), &json!(null));
    let session = server.post("/api/orchestrate", first).await["session_id"].clone();
    for stranger in [json!(other), json!(null)] {
        let (status, problem) = server
            .try_post("/api/orchestrate", of(stranger, &session))
            .await;
        assert_eq!(
            (status.as_u16(), &problem["code"]),
            (409, &json!("session_of_another_project"))
        );
        let detail = problem["detail"].to_string();
        assert!(detail.contains(&format!("project {mine}")), "{detail}");
    }
    server
        .post("/api/orchestrate", of(json!(mine), &session))
        .await;
    assert_eq!(model.requests().len(), 2);
}

#[tokio::test]
async fn a_role_that_fails_is_named_and_the_results_of_the_others_are_kept() {
    let replies = vec![Reply::say("the specification"), Reply::status(400)];
    let (server, _model) = with_model(replies, &[]).await;
    let (status, done) = server
        .try_post("/api/orchestrate", ask(&["spec", "code", "reviewer"]))
        .await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        (&done["status"], &done["metadata"]["success"]),
        (&json!("failed"), &json!(false))
    );
    assert_eq!(done["error"]["agent"], "Code");
    assert!(
        done["error"]["reason"].as_str().unwrap().contains("400"),
        "{done}"
    );
    assert_eq!(done["result"], json!({"spec": "the specification"}));
    let states: Vec<_> = done["metadata"]["agents"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["status"])
        .collect();
    assert_eq!(states, ["completed", "failed", "skipped"]);
    let id = done["request_id"].as_str().unwrap();
    assert_eq!(server.get(&format!("/api/orchestrate/{id}")).await, done);
}

#[tokio::test]
async fn without_a_model_the_reason_names_the_settings() {
    let server = Installation::serve();
    let (status, done) = server.try_post("/api/orchestrate", ask(&["spec"])).await;
    assert_eq!(
        (status, &done["status"]),
        (StatusCode::OK, &json!("failed"))
    );
    let reason = done["error"]["reason"].as_str().unwrap();
    assert!(
        reason.contains("OPENAI_API_KEY") && reason.contains("ORCH_OPENAI_BASE_URL"),
        "{reason}"
    );
}

#[tokio::test]
async fn bad_requests_are_refused_by_field() {
    let server = Installation::serve();
    for (body, part) in [
        (
            json!({"prompt": "", "agent_sequence": ["spec"]}),
            "`prompt` is empty",
        ),
        (
            json!({"prompt": "x", "agent_sequence": []}),
            "names no role",
        ),
        (
            json!({"prompt": "x", "agent_sequence": ["spek"]}),
            "did you mean spec?",
        ),
        (json!({"agent_sequence": ["spec"]}), "prompt"),
        (
            json!({"prompt": "x", "agent_sequence": "spec"}),
            "agent_sequence",
        ),
        (
            json!({"prompt": "x", "agent_sequence": ["spec"], "session_id": "../x"}),
            "session_id",
        ),
    ] {
        let (status, problem) = server.try_post("/api/orchestrate", body.clone()).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(part), "{body}: {detail}");
    }
    let nobody = "/api/orchestrate/550e8400-e29b-41d4-a716-446655440000";
    let (status, _) = answer(server.request(Method::GET, nobody)).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn more_than_may_be_worked_on_at_once_is_told_to_come_back() {
    let (server, _model) = with_model(vec![Reply::Hang], &[("MAX_CONCURRENT_REQUESTS", "1")]).await;
    let id = "550e8400-e29b-41d4-a716-446655440000";
    let mut first = ask(&["spec"]);
    first["request_id"] = json!(id);
    let waiting = tokio::spawn({
        let request = server
            .request(Method::POST, "/api/orchestrate")
            .json(&first);
        async move { answer(request).await }
    });
    let path = format!("/api/orchestrate/{id}");
    wait_until_running(&server, &path).await;
    let refused = server
        .request(Method::POST, "/api/orchestrate")
        .json(&ask(&["spec"]));
    let refused = refused.timeout(PATIENCE).send().await.expect("an answer");
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    let after: u64 = refused.headers()["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!(after > 0);
    // Everything else goes on.
    server.get("/projects/").await;

    let cancelled = server.post(&format!("{path}/cancel"), json!(null)).await;
    assert_eq!(cancelled["status"], "cancelled");
    let (status, done) = waiting.await.expect("it is answered");
    assert_eq!(
        (status, &done["status"]),
        (StatusCode::OK, &json!("cancelled"))
    );
    let (status, problem) = server
        .try_post(&format!("{path}/cancel"), json!(null))
        .await;
    assert_eq!(
        (status, &problem["code"]),
        (StatusCode::CONFLICT, &json!("request_over"))
    );
}

async fn wait_until_running(server: &Installation, path: &str) {
    let from = std::time::Instant::now();
    while answer(server.request(Method::GET, path)).await.0 != StatusCode::OK {
        assert!(from.elapsed() < PATIENCE, "the request did not begin");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_caller_that_goes_away_cancels_its_request() {
    let (server, _model) = with_model(vec![Reply::Hang], &[]).await;
    let id = "550e8400-e29b-41d4-a716-446655440001";
    let mut body = ask(&["spec"]);
    body["request_id"] = json!(id);
    let waiting = tokio::spawn({
        let request = server.request(Method::POST, "/api/orchestrate").json(&body);
        async move { answer(request).await }
    });
    let path = format!("/api/orchestrate/{id}");
    wait_until_running(&server, &path).await;
    waiting.abort();
    let over = server
        .wait_for(&path, "the request is over", |shown| {
            shown["status"] != "running"
        })
        .await;
    assert_eq!(over["status"], "cancelled");
}

#[tokio::test]
async fn progress_comes_as_events_and_the_last_is_the_whole() {
    let (server, _model) = with_model(vec![Reply::say("one"), Reply::say("two")], &[]).await;
    let request = server
        .request(Method::POST, "/api/orchestrate")
        .json(&ask(&["spec", "code"]));
    let response = request
        .header("accept", "text/event-stream")
        .timeout(PATIENCE)
        .send()
        .await
        .expect("an answer");
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let text = response.text().await.expect("events");
    let names: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("event: "))
        .filter(|name| *name != "delta")
        .collect();
    assert_eq!(
        names,
        ["request", "agent", "agent", "agent", "agent", "end"]
    );
    let last = text
        .lines()
        .rfind(|line| line.starts_with("data: "))
        .expect("data");
    let last: Value = serde_json::from_str(&last["data: ".len()..]).expect("JSON");
    assert_eq!(last["result"], json!({"spec": "one", "code": "two"}));
}

#[tokio::test]
async fn a_request_under_way_when_its_server_dies_is_failed_at_the_next_start() {
    let (mut server, _model) = with_model(vec![Reply::Hang], &[]).await;
    let id = "550e8400-e29b-41d4-a716-446655440002";
    let mut body = ask(&["spec", "code"]);
    body["request_id"] = json!(id);
    let waiting = tokio::spawn({
        let request = server.request(Method::POST, "/api/orchestrate").json(&body);
        async move { request.timeout(PATIENCE).send().await.is_ok() }
    });
    let path = format!("/api/orchestrate/{id}");
    wait_until_running(&server, &path).await;
    server.kill();
    assert!(!waiting.await.expect("it ends"));
    server.start();
    let over = server
        .wait_for(&path, "the request is over", |shown| {
            shown["status"] != "running"
        })
        .await;
    assert_eq!(over["status"], "failed");
    assert!(
        over["error"]["reason"].as_str().unwrap().contains("ended"),
        "{over}"
    );
    assert_eq!(over["error"]["agent"], "Spec");
    let agents = &over["metadata"]["agents"];
    assert_eq!(
        (&agents[0]["status"], &agents[1]["status"]),
        (&json!("failed"), &json!("skipped"))
    );
}

#[tokio::test]
async fn a_folder_adds_a_role_as_one_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let role = "+++\nname = \"poet\"\ntitle = \"Poet\"\nabout = \"Writes verse\"\ninputs = [\"prompt\"]\n+++\nYou write verse.\n+++\nA poem on {{ prompt }}";
    std::fs::write(folder.path().join("poet.md"), role).expect("a role");
    let roles = folder.path().to_str().unwrap();
    let (server, model) = with_model(vec![Reply::say("roses")], &[("ORCH_ROLES", roles)]).await;
    let done = server
        .post(
            "/api/orchestrate",
            json!({"prompt": "bikes", "agent_sequence": ["poet"]}),
        )
        .await;
    assert_eq!(done["metadata"]["agent_sequence"], json!(["Poet"]));
    assert_eq!(done["result"]["poet"], "roses");
    assert!(said(&model.requests()[0].body).contains("A poem on bikes"));
    let listed = server.get("/api/agents").await.to_string();
    assert!(
        listed.contains("Poet") && listed.contains("test_generator"),
        "{listed}"
    );
}

#[tokio::test]
async fn a_role_with_a_schema_is_held_to_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let role = "+++\nname = \"counter\"\ntitle = \"Counter\"\nabout = \"Counts\"\ninputs = [\"prompt\"]\noutput = \"json\"\n[schema]\ntype = \"object\"\nrequired = [\"count\"]\n+++\n+++\nCount {{ prompt }}";
    std::fs::write(folder.path().join("counter.md"), role).expect("a role");
    let roles = folder.path().to_str().unwrap();
    let replies = vec![
        Reply::say("about three"),
        Reply::say("{\"count\": 3}"),
        Reply::say("never JSON"),
    ];
    let (server, model) = with_model(replies, &[("ORCH_ROLES", roles)]).await;
    let body = json!({"prompt": "bikes", "agent_sequence": ["counter"]});
    let done = server.post("/api/orchestrate", body.clone()).await;
    assert_eq!(done["result"]["counter"], "{\"count\":3}");
    assert_eq!(model.requests().len(), 2);
    let failed = server.post("/api/orchestrate", body).await;
    assert_eq!(failed["status"], "failed");
    assert!(
        failed["error"]["reason"]
            .as_str()
            .unwrap()
            .contains("schema"),
        "{failed}"
    );
}

#[tokio::test]
async fn a_recorded_flow_is_replayed_without_a_model() {
    let folder = tempfile::tempdir().expect("a folder");
    let recording = folder.path().join("calls.jsonl");
    let recording = recording.to_str().unwrap();
    let replies = vec![Reply::say("the specification"), Reply::say("the code")];
    let (server, model) = with_model(replies, &[("ORCH_MODEL_RECORD", recording)]).await;
    let first = server
        .post("/api/orchestrate", ask(&["spec", "code"]))
        .await;
    drop((server, model));
    assert!(
        !std::fs::read_to_string(recording)
            .expect("a recording")
            .contains(KEY)
    );
    let server = Installation::with("serve", &[("ORCH_MODEL_REPLAY", recording)]);
    let again = server
        .post("/api/orchestrate", ask(&["spec", "code"]))
        .await;
    assert_eq!(again["result"], first["result"]);
    let other = server.post("/api/orchestrate", ask(&["debug"])).await;
    assert_eq!(other["status"], "failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_script_of_the_documents_and_the_command_line_work() {
    let replies = ["the specification", "the code", "Verdict: approve"].map(Reply::say);
    let (server, _model) = with_model(replies.to_vec(), &[]).await;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/test-orchestrator.js");
    let run = tokio::task::spawn_blocking({
        let base = server.base.clone();
        move || {
            Command::new("node")
                .arg(script)
                .env("ORCHESTRATOR_URL", base)
                .output()
                .expect("node runs")
        }
    });
    let run = run.await.expect("it ends");
    let text = String::from_utf8_lossy(&run.stdout);
    assert!(
        run.status.success(),
        "{text}{}",
        String::from_utf8_lossy(&run.stderr)
    );
    assert!(text.contains("the orchestrator works"), "{text}");

    let (text, listed) = tokio::task::block_in_place(|| {
        let text = server.cli(&[
            "orchestrate",
            "ask",
            "a bike shop",
            "--agents",
            "code,reviewer",
            "--context",
            "language=rust",
        ]);
        (text, server.cli(&["orchestrate", "list"]))
    });
    assert!(text.contains("Verdict: approve"), "{text}");
    assert!(listed.contains("a bike shop"), "{listed}");
}
