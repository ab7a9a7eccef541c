//! Places at `/mcp`: whoever waits, or takes all it gets, keeps nobody else from working.

use orch_api::proto::StartTaskRequest;
use orch_api::proto::agents_client::AgentsClient;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Installation, answer};

const API_TOKEN: &str = "token-0123456789-abcdef";
const AGENTS: &str = "secret-0123456789-abcdef";
/// Of one run.
const WAITS: usize = 4;

fn calling(
    server: &Installation,
    token: &str,
    tool: &str,
    given: Value,
) -> reqwest::RequestBuilder {
    server
        .request(Method::POST, "/mcp")
        .header("accept", "application/json, text/event-stream")
        .bearer_auth(token)
        .json(&json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": given}}))
}

/// A run that an agent holds, with its token.
async fn held(server: &Installation) -> String {
    let user = async |path: &str, body: Value| {
        let request = server.request(Method::POST, path).bearer_auth(API_TOKEN);
        let (status, made) = answer(request.json(&body)).await;
        assert!(status.is_success(), "{path}: {made}");
        made["id"].as_i64().unwrap()
    };
    let project = user("/projects", json!({"name": "p"})).await;
    let new = json!({"project_id": project, "title": "waits"});
    let item = user("/work-items", new).await;
    let run = user(&format!("/work-items/{item}/start"), json!(null)).await;
    let endpoint = tonic::transport::Endpoint::from_shared(server.base.clone()).unwrap();
    let mut start = tonic::Request::new(StartTaskRequest {
        agent_id: "a".to_owned(),
        secret: AGENTS.to_owned(),
        run_id: run,
        claim_ttl_ms: 60_000,
    });
    let bearer = format!("Bearer {API_TOKEN}").parse().unwrap();
    start.metadata_mut().insert("authorization", bearer);
    let mut agents = AgentsClient::new(endpoint.connect().await.unwrap());
    let reply = agents.start_task(start).await.unwrap().into_inner();
    reply.assignment.unwrap().run_token
}

#[tokio::test]
async fn a_run_that_waits_as_often_as_it_may_shuts_nobody_out() {
    let env = [("ORCH_API_TOKEN", API_TOKEN), ("AGENT_SECRET_KEY", AGENTS)];
    let server = Installation::with("serve", &env);
    let token = held(&server).await;
    let question = json!({"prompt": "which?", "fields": [{"key": "K"}]});
    let (_, asked) = answer(calling(&server, &token, "request_info", question)).await;
    let asked = &asked["result"]["structuredContent"]["info_request"]["id"];
    let wait = |seconds: u32| {
        let given = json!({"info_request_id": asked, "wait_seconds": seconds});
        calling(&server, &token, "await_answer", given)
    };
    // Each until it has its place: the loop below takes one in between.
    let waiting: Vec<_> = (0..WAITS)
        .map(|_| {
            let request = wait(55);
            tokio::spawn(async move {
                while let Some(again) = request.try_clone() {
                    if answer(again).await.0 != StatusCode::SERVICE_UNAVAILABLE {
                        break;
                    }
                }
            })
        })
        .collect();
    let refused = loop {
        let (status, body) = answer(wait(1)).await;
        if status == StatusCode::SERVICE_UNAVAILABLE {
            break body;
        }
        assert_eq!(
            body["result"]["structuredContent"]["answered"], false,
            "{body}"
        );
    };
    assert_eq!(refused["code"], "busy", "{refused}");
    let detail = refused["detail"].as_str().unwrap();
    assert!(
        detail.starts_with("4 calls that wait of this run"),
        "{detail}"
    );
    // The user's calls, and the run's own short ones, are answered all the same.
    for (whose, tool) in [(API_TOKEN, "list_projects"), (&*token, "read_context")] {
        let (status, body) = answer(calling(&server, whose, tool, json!({}))).await;
        assert_eq!(status, StatusCode::OK, "{tool}: {body}");
        assert_ne!(body["result"]["isError"], true, "{tool}: {body}");
    }
    let given = json!({"info_request_id": asked, "wait_seconds": 1});
    let (status, body) = answer(calling(&server, API_TOKEN, "await_answer", given)).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    assert_eq!(
        body["result"]["structuredContent"]["answered"], false,
        "{body}"
    );
    // Whoever hangs up gives its place back.
    for one in waiting {
        one.abort();
    }
    while answer(wait(0)).await.0 != StatusCode::OK {}
}
