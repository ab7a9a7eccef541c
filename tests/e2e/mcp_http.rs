//! The Model Context Protocol over HTTP: each request by itself, behind the checks of everything else.

use std::process::Stdio;

use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::codex::scripted_model::{KEY_VARIABLE, Reply, ScriptedModel, codex_bin, scratch_folder};
use crate::mcp::id;
use crate::run_tokens::{API_TOKEN, serve};
use crate::support::{Installation, answer};

/// A request to the protocol's address, which lacks its message.
pub fn asking(server: &Installation, token: Option<&str>) -> RequestBuilder {
    let request = server
        .request(Method::POST, "/mcp")
        .header("accept", "application/json, text/event-stream");
    match token {
        Some(token) => request.bearer_auth(token),
        None => request,
    }
}

pub async fn post(
    server: &Installation,
    token: Option<&str>,
    message: Value,
) -> (StatusCode, Value) {
    answer(asking(server, token).json(&message)).await
}

/// A call of a tool.
pub fn calling(tool: &str, arguments: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}})
}

/// What a tool answers, also where that is an error.
pub async fn called(server: &Installation, token: &str, tool: &str, arguments: Value) -> Value {
    let (status, body) = post(server, Some(token), calling(tool, arguments)).await;
    assert_eq!(status, StatusCode::OK, "{tool}: {body}");
    body["result"].clone()
}

/// Has a tool make something, which its answer calls `what`.
pub async fn made(server: &Installation, tool: &str, arguments: Value, what: &str) -> i64 {
    let made = called(server, API_TOKEN, tool, arguments).await;
    id(&made["structuredContent"][what])
}

/// A project and a work item of it.
async fn item(server: &Installation, title: &str) -> (i64, i64) {
    let project = json!({"name": "shop"});
    let project = made(server, "create_project", project, "project").await;
    let item = json!({"project_id": project, "title": title});
    let item = made(server, "create_work_item", item, "work_item").await;
    (project, item)
}

#[tokio::test]
async fn over_http_each_request_stands_for_itself_behind_the_same_checks_as_all_else() {
    let server = serve(&[]);
    let hello = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params":
        {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}});
    let (status, body) = post(&server, None, hello.clone()).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED, "{body}");
    let (status, body) = post(&server, Some("wrong"), hello.clone()).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED, "{body}");
    let (status, body) = post(&server, Some(API_TOKEN), hello).await;
    assert_eq!(
        (status, &body["result"]["serverInfo"]["name"]),
        (StatusCode::OK, &json!("codex-orchestrator"))
    );
    let (project, item) = item(&server, "over http").await;
    let shown = answer(
        server
            .request(Method::GET, &format!("/work-items/{item}"))
            .bearer_auth(API_TOKEN),
    )
    .await;
    assert_eq!(shown.1["title"], "over http");

    let listing = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"});
    let asked = || asking(&server, Some(API_TOKEN));
    let foreign = asked()
        .header("origin", "https://evil.example")
        .json(&listing);
    assert_eq!(answer(foreign).await.0, StatusCode::FORBIDDEN);
    let rebound = asked().header("host", "evil.example").json(&listing);
    assert_eq!(answer(rebound).await.0, StatusCode::FORBIDDEN);
    let large = asked().json(&calling(
        "submit_vision",
        json!({"project_id": project, "content": "x".repeat(10 << 20)}),
    ));
    assert_eq!(answer(large).await.0, StatusCode::PAYLOAD_TOO_LARGE);
    for (junk, code) in [("{", -32700), ("", -32700), ("[]", -32600)] {
        let junk = asked()
            .header("content-type", "application/json")
            .body(junk);
        let (status, said) = answer(junk).await;
        assert_eq!(
            (status, &said["error"]["code"], &said["id"]),
            (StatusCode::BAD_REQUEST, &json!(code), &Value::Null),
            "{said}"
        );
    }
    let as_text = asked().header("content-type", "text/plain").body("{}");
    assert_eq!(answer(as_text).await.0, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    for method in [Method::GET, Method::DELETE] {
        let (status, _) = answer(
            server
                .request(method, "/mcp")
                .header("accept", "application/json, text/event-stream")
                .bearer_auth(API_TOKEN),
        )
        .await;
        assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
    }
}

#[tokio::test]
async fn what_the_server_asks_itself_is_not_counted_against_anybody() {
    let server = Installation::with("serve", &[("ORCH_RATE_LIMIT_PER_MIN", "5")]);
    for _ in 0..3 {
        let (status, body) = post(&server, None, calling("read_queue", json!({}))).await;
        assert_eq!(
            (status, &body["result"]["isError"]),
            (StatusCode::OK, &json!(false)),
            "{body}"
        );
    }
    // Of five, three are used.
    let (status, _) = answer(
        server
            .request(Method::GET, "/projects")
            .header("x-orch-inside", "guessed"),
    )
    .await;
    assert_eq!(status, StatusCode::OK);
    answer(server.request(Method::GET, "/projects")).await;
    let (status, _) = answer(
        server
            .request(Method::GET, "/projects")
            .header("x-orch-inside", "guessed"),
    )
    .await;
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn the_real_codex_reads_its_context_and_waits_for_an_approval_over_http() {
    let server = serve(&[]);
    let (_, item) = item(&server, "Deploy the shop").await;
    let arguments = json!({"work_item_id": item});
    let approval = made(&server, "request_approval", arguments.clone(), "approval").await;

    let model = ScriptedModel::start(vec![
        Reply::Call("orchestrator", "read_context", arguments.clone()),
        Reply::Call("orchestrator", "await_approval", arguments),
        Reply::say("done"),
    ])
    .await;
    let folder = tempfile::TempDir::new_in(scratch_folder()).unwrap();
    let bin = codex_bin();
    model.configure_codex(&bin, folder.path());
    let config = folder.path().join("config.toml");
    let mut text = std::fs::read_to_string(&config).unwrap();
    text.push_str(&format!(
        "\n[mcp_servers.orchestrator]\nurl = \"{}/mcp\"\nbearer_token_env_var = \"ORCH_API_TOKEN\"\nrequired = true\ndefault_tools_approval_mode = \"approve\"\n",
        server.base
    ));
    std::fs::write(&config, text).unwrap();
    let codex = tokio::process::Command::new(bin)
        .args([
            "exec",
            "--json",
            "--skip-git-repo-check",
            "--sandbox",
            "read-only",
            "go on",
        ])
        .env("CODEX_HOME", folder.path())
        .env(KEY_VARIABLE, "sk-scripted")
        .env("ORCH_API_TOKEN", API_TOKEN)
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    // With the second request it has its context, and goes on to wait for a person.
    let ended = codex.wait_with_output();
    let decide = async {
        model.asked(2).await;
        let path = format!("/work-items/approvals/{approval}/approve");
        let approve = server.request(Method::POST, &path).bearer_auth(API_TOKEN);
        answer(approve.json(&json!({}))).await
    };
    let (ended, decided) = tokio::join!(ended, decide);
    assert_eq!(decided.0, StatusCode::OK, "{}", decided.1);
    let ended = ended.unwrap();
    let said = String::from_utf8_lossy(&ended.stdout);
    assert!(
        ended.status.success(),
        "{said}\n{}",
        String::from_utf8_lossy(&ended.stderr)
    );
    let requests = model.requests();
    let context = requests[1].body["input"].to_string();
    assert!(context.contains("Deploy the shop"), "{said}\n{context}");
    let decision = requests[2].body["input"].to_string();
    assert!(decision.contains("decided_by"), "{said}\n{decision}");
    assert!(said.contains(r#""approved":true,"decided":true"#), "{said}");
}
