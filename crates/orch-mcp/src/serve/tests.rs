//! A client of the protocol against the handler, in one process, over an API that answers by a script.

use std::time::Duration;

use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;
use axum::{Json, Router};
use orch_api::client::Client;
use rmcp::model::{CallToolRequestParams, CallToolResult, ReadResourceRequestParams};
use rmcp::service::RunningService;
use rmcp::{RoleClient, ServiceExt as _};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::resources::Place;
use super::{Visitor, stdio};
use crate::tools::Who;

/// Tells back who asked, and has an approval that nobody decides.
async fn api() -> String {
    async fn item(
        Path(id): Path<i64>,
        headers: HeaderMap,
    ) -> (StatusCode, [(&'static str, &'static str); 1], Json<Value>) {
        let token = headers
            .get("authorization")
            .map(|value| value.to_str().unwrap().to_owned());
        if id != 1 {
            let problem = json!({"type": "x", "title": "Forbidden", "status": 403, "detail": "not yours", "code": "run_token"});
            let media = [("content-type", "application/problem+json")];
            return (StatusCode::FORBIDDEN, media, Json(problem));
        }
        let item = json!({
            "id": id, "project_id": 1, "title": token, "description": "", "kind": "task", "state": "Proposed",
            "digest": "", "created_at": "", "version": 1,
        });
        (
            StatusCode::OK,
            [("content-type", "application/json")],
            Json(item),
        )
    }
    async fn approvals() -> Json<Value> {
        Json(
            json!([{"id": 4, "work_item_id": 1, "status": "pending", "digest": "", "created_at": ""}]),
        )
    }
    let routes = Router::new()
        .route("/work-items/{id}", get(item))
        .route("/work-items/{id}/approvals", get(approvals));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
    format!("http://{address}")
}

async fn connect(who: Who) -> RunningService<RoleClient, ()> {
    let client = Client::new(&api().await, Some("t0ken")).unwrap();
    let (ours, theirs) = tokio::io::duplex(1 << 20);
    let (read, write) = tokio::io::split(theirs);
    tokio::spawn(stdio(
        Visitor { client, who },
        read,
        write,
        CancellationToken::new(),
    ));
    ().serve(tokio::io::split(ours)).await.unwrap()
}

const RUN: Who = Who::Run {
    run: Some(2),
    work_item: Some(1),
};

async fn call(
    client: &RunningService<RoleClient, ()>,
    name: &'static str,
    arguments: Value,
) -> CallToolResult {
    let Value::Object(arguments) = arguments else {
        panic!("arguments are an object");
    };
    let request = CallToolRequestParams::new(name).with_arguments(arguments);
    client.call_tool(request).await.unwrap()
}

#[tokio::test]
async fn a_call_carries_the_callers_token_and_answers_structured() {
    let client = connect(RUN).await;
    let listed = client.list_all_tools().await.unwrap();
    assert!(listed.iter().all(|tool| tool.name != "create_work_item"));
    let answer = call(&client, "read_work_item", json!({})).await;
    assert_eq!(answer.is_error, Some(false));
    assert_eq!(
        answer.structured_content.unwrap()["work_item"]["title"],
        "Bearer t0ken"
    );
}

#[tokio::test]
async fn what_the_server_refuses_is_an_error_that_says_why() {
    let client = connect(RUN).await;
    let answer = call(&client, "read_work_item", json!({"work_item_id": 7})).await;
    assert_eq!(answer.is_error, Some(true));
    let error = answer.structured_content.unwrap();
    assert_eq!(error["error"]["problem"]["code"], "run_token");
    assert!(
        error["error"]["message"]
            .as_str()
            .unwrap()
            .contains("not yours"),
        "{error}"
    );
    let wrong = call(&client, "read_work_item", json!({"work_item": 7})).await;
    let wrong = wrong.structured_content.unwrap()["error"]["message"].to_string();
    assert!(wrong.contains("work_item_id"), "{wrong}");
}

#[tokio::test]
async fn unknown_tools_and_too_large_arguments_are_refused_and_the_talk_goes_on() {
    let client = connect(Who::User).await;
    let unknown = client
        .call_tool(CallToolRequestParams::new("approve"))
        .await;
    let said = unknown.unwrap_err().to_string();
    assert!(said.contains("there is no tool `approve`"), "{said}");
    let large = call(
        &client,
        "submit_vision",
        json!({"project_id": 1, "content": "x".repeat(10 << 20)}),
    )
    .await;
    assert_eq!(large.is_error, Some(true));
    let said = large.structured_content.unwrap()["error"]["message"].to_string();
    assert!(said.contains("at most 1048576"), "{said}");
    assert!(!client.list_all_tools().await.unwrap().is_empty());
}

#[tokio::test]
async fn waiting_ends_after_its_time_without_a_decision() {
    let client = connect(Who::User).await;
    let answer = call(
        &client,
        "await_approval",
        json!({"work_item_id": 1, "wait_seconds": 0}),
    )
    .await;
    let answer = answer.structured_content.unwrap();
    assert_eq!(
        (&answer["decided"], &answer["approved"]),
        (&json!(false), &json!(false))
    );
    let neither = call(&client, "await_approval", json!({})).await;
    assert_eq!(neither.is_error, Some(true));
}

#[tokio::test]
async fn whoever_goes_away_while_it_waits_ends_the_serving() {
    let client = Client::new(&api().await, None).unwrap();
    let (ours, theirs) = tokio::io::duplex(1 << 20);
    let (read, write) = tokio::io::split(theirs);
    let visitor = Visitor {
        client,
        who: Who::User,
    };
    let serving = tokio::spawn(stdio(visitor, read, write, CancellationToken::new()));
    let client = ().serve(tokio::io::split(ours)).await.unwrap();
    let peer = client.peer().clone();
    let arguments = json!({"work_item_id": 1, "wait_seconds": 55});
    let waiting = tokio::spawn(async move {
        let arguments = arguments.as_object().cloned().unwrap();
        let request = CallToolRequestParams::new("await_approval").with_arguments(arguments);
        peer.call_tool(request).await
    });
    // The second one tells that the first is on its way.
    client.list_all_tools().await.unwrap();
    client.cancel().await.unwrap();
    assert!(waiting.await.unwrap().is_err());
    let ended = tokio::time::timeout(Duration::from_secs(20), serving).await;
    assert!(ended.expect("it ends").unwrap().is_ok());
}

#[tokio::test]
async fn resources_are_those_of_the_caller() {
    let client = connect(RUN).await;
    let listed = client.list_all_resources().await.unwrap();
    let uris: Vec<&str> = listed
        .iter()
        .map(|resource| resource.uri.as_str())
        .collect();
    assert_eq!(
        uris,
        ["orch://runs/2", "orch://runs/2/log", "orch://work-items/1"]
    );
    let read = client
        .read_resource(ReadResourceRequestParams::new("orch://work-items/1"))
        .await
        .unwrap();
    let text = serde_json::to_string(&read).unwrap();
    assert!(text.contains("t0ken"), "{text}");
    for uri in [
        "orch://projects/1/vision/x",
        "orch://projects/1/requirements",
        "file:///etc/passwd",
    ] {
        assert!(
            client
                .read_resource(ReadResourceRequestParams::new(uri))
                .await
                .is_err(),
            "{uri}"
        );
    }
}

#[test]
fn addresses_are_read_strictly() {
    assert_eq!(Place::parse("orch://runs/7/log"), Some(Place::Log(7)));
    assert_eq!(
        Place::parse("orch://projects/1/vision"),
        Some(Place::Vision(1))
    );
    for wrong in [
        "orch://runs/-7",
        "orch://runs/7/",
        "orch://runs/7/log/x",
        "http://runs/7",
        "orch://runs/../7",
    ] {
        assert_eq!(Place::parse(wrong), None, "{wrong}");
    }
}
