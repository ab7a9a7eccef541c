//! The client against a small server of its own: what it sends, and what it makes of the answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::extract::RawQuery;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use super::{Client, ClientError, LogEvent, Order, Paging, RunFilter, collect};
use crate::problem::Problem;
use crate::types::log::LogEntry;
use crate::types::project::{NewProject, Project};

async fn serve(app: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    format!("http://{address}")
}

fn client(url: &str) -> Client {
    Client::new(url, Some("t0ken")).unwrap()
}

fn project(id: i64) -> Value {
    json!({"id": id, "name": format!("p{id}"), "description": "", "weight": 1, "max_concurrent_runs": null, "created_at": "2026-01-01T00:00:00Z"})
}

fn run(status: &str) -> Value {
    json!({
        "id": 4, "work_item_id": 1, "project_id": 1, "queue_entry_id": 1, "status": status, "attempt": 1,
        "claimed_by": null, "epoch": 1, "trace_id": "t", "digest": "d", "created_at": "2026-01-01T00:00:00Z",
        "started_at": null, "finished_at": null, "duration_seconds": null, "exit_code": null, "reason": null,
    })
}

fn problem(status: u16, detail: &str) -> axum::response::Response {
    let problem = Problem::new(status, "x", "X", detail);
    let head = [("content-type", crate::problem::CONTENT_TYPE)];
    (
        StatusCode::from_u16(status).unwrap(),
        head,
        serde_json::to_string(&problem).unwrap(),
    )
        .into_response()
}

#[tokio::test]
async fn a_call_carries_token_and_body_and_brings_the_answer() {
    let app = Router::new().route(
        "/base/projects",
        post(|headers: HeaderMap, Json(body): Json<Value>| async move {
            assert_eq!(headers["authorization"], "Bearer t0ken");
            assert_eq!(body, json!({"name": "p7", "description": null}));
            (StatusCode::CREATED, Json(project(7)))
        }),
    );
    let url = serve(app).await;
    let new = NewProject {
        name: "p7".into(),
        description: None,
        weight: None,
        max_concurrent_runs: None,
        repository: None,
    };
    let made = client(&format!("{url}/base/"))
        .create_project(&new)
        .await
        .unwrap();
    assert_eq!(made, serde_json::from_value::<Project>(project(7)).unwrap());
}

#[tokio::test]
async fn a_refusal_carries_the_problem_and_a_foreign_one_is_told_apart() {
    let app = Router::new()
        .route(
            "/projects/1",
            get(|| async { problem(404, "there is no project 1") }),
        )
        .route(
            "/projects/2",
            get(|| async { (StatusCode::BAD_GATEWAY, "<h1>no\n upstream</h1>") }),
        )
        .route(
            "/projects/3",
            get(|| async { (StatusCode::FOUND, [("location", "https://else.where/")]) }),
        )
        .route("/projects/4", get(|| async { "not JSON" }));
    let client = client(&serve(app).await);

    let error = client.project(1).await.unwrap_err();
    assert_eq!(
        error.problem(),
        Some(&Problem::new(404, "x", "X", "there is no project 1"))
    );
    let error = client.project(2).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the server answered 502 Bad Gateway: <h1>no upstream</h1>"
    );
    let error = client.project(3).await.unwrap_err();
    assert!(matches!(error, ClientError::Redirected { to, .. } if to == "https://else.where/"));
    let error = client.project(4).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "failed to understand the answer to /projects/4"
    );
}

#[tokio::test]
async fn where_nobody_listens_the_error_names_the_address_and_how_to_start_a_server() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = client(&url).ping().await.unwrap_err();
    assert_eq!(error.to_string(), format!("no server answers at {url}"));
    assert!(
        error
            .next_step()
            .unwrap()
            .contains("`codex-orchestrator up`")
    );
}

#[test]
fn an_address_that_is_none_is_refused_without_showing_its_password() {
    let refused = |url: &str| Client::new(url, None).unwrap_err().to_string();
    assert_eq!(
        refused("localhost:18080"),
        "`localhost:18080` is not the address of a server: it must begin with http:// or https://"
    );
    assert!(refused("http://").contains("empty host"));
    assert!(!refused("http://me:hunter2@host").contains("hunter2"));
    assert!(Client::new("http://host", Some("a\nb")).is_err());
    assert!(!format!("{:?}", client("http://host")).contains("t0ken"));
    assert_eq!(client("http://host/").url(), "http://host");
    assert_eq!(client("https://host/api/").url(), "https://host/api");
}

#[tokio::test]
async fn too_many_requests_are_waited_out_within_the_bound() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let app = Router::new()
        .route(
            "/observability/ping",
            get(move || {
                let call = counted.fetch_add(1, Ordering::SeqCst);
                async move {
                    match call {
                        0 | 1 => {
                            (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "0")]).into_response()
                        }
                        _ => Json(json!({"pong": true})).into_response(),
                    }
                }
            }),
        )
        .route(
            "/agents",
            get(|| async { ([("retry-after", "3600")], problem(429, "wait")) }),
        );
    let client = client(&serve(app).await);
    assert!(client.ping().await.unwrap().pong);
    assert_eq!(calls.load(Ordering::SeqCst), 3);
    let error = client.agents().await.unwrap_err();
    assert_eq!(error.problem().unwrap().status, 429);

    calls.store(0, Ordering::SeqCst);
    let impatient = client.with_patience(Duration::ZERO);
    assert_eq!(
        impatient
            .ping()
            .await
            .unwrap_err()
            .problem()
            .unwrap()
            .status,
        429
    );
    assert_eq!(calls.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn lists_are_read_page_by_page_up_to_the_limit() {
    let app = Router::new().route(
        "/work-items/runs",
        get(|RawQuery(query): RawQuery| async move {
            let query = query.unwrap();
            if query.contains("cursor") {
                assert_eq!(query, "status=failed&order=desc&limit=2&cursor=c1");
                (
                    [("link", "</work-items/runs?cursor=c2>; rel=\"next\"")],
                    Json(json!([run("b"), run("c")])),
                )
            } else {
                assert_eq!(query, "status=failed&order=desc&limit=3");
                (
                    [("link", "</work-items/runs?cursor=c1>; rel=\"next\"")],
                    Json(json!([run("a")])),
                )
            }
        }),
    );
    let client = client(&serve(app).await);
    let filter = RunFilter {
        status: Some("failed".into()),
        ..RunFilter::default()
    };
    let page = collect(Order::NewestFirst, 3, async |paging: Paging| {
        client.runs(&filter, &paging).await
    })
    .await
    .unwrap();
    assert_eq!(
        page.items
            .iter()
            .map(|run| run.status.as_str())
            .collect::<Vec<_>>(),
        ["a", "b", "c"]
    );
    assert_eq!(page.next.as_deref(), Some("c2"));
}

fn line(seq: u64) -> String {
    let entry = json!({"seq": seq, "ts": "t", "stream": "stdout", "step": null, "message": format!("m{seq}")});
    format!("id: {seq}\nevent: line\ndata: {entry}\n\n")
}

#[tokio::test]
async fn a_followed_log_goes_on_behind_its_last_line_when_the_connection_breaks() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let app = Router::new().route(
        "/work-items/runs/4/logs/stream",
        get(move |headers: HeaderMap| {
            let call = counted.fetch_add(1, Ordering::SeqCst);
            async move {
                let last = headers
                    .get("last-event-id")
                    .map(|id| id.to_str().unwrap().to_owned());
                let body = match call {
                    0 => {
                        assert_eq!(last, None);
                        format!(
                            "{}{}event: line\nid: 2\ndata: {{\"seq\": 2, ",
                            line(0),
                            line(1)
                        )
                    }
                    1 => return problem(503, "starting").into_response(),
                    _ => {
                        assert_eq!(last.as_deref(), Some("1"));
                        format!(
                            "{}{}event: end\ndata: {}\n\n",
                            line(1),
                            line(2),
                            run("succeeded")
                        )
                    }
                };
                ([("content-type", "text/event-stream")], body).into_response()
            }
        }),
    );
    let mut log = client(&serve(app).await).follow_log(4, None);
    let mut seen = Vec::new();
    while let Some(event) = log.next().await.unwrap() {
        seen.push(match event {
            LogEvent::Line(LogEntry { message, .. }) => message,
            LogEvent::End(run) => run.status,
        });
    }
    assert_eq!(seen, ["m0", "m1", "m2", "succeeded"]);
    assert_eq!(calls.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_log_that_does_not_exist_is_not_waited_for() {
    let app = Router::new().route(
        "/work-items/runs/4/logs/stream",
        get(|| async { problem(404, "no run 4") }),
    );
    let error = client(&serve(app).await)
        .follow_log(4, Some(3))
        .next()
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "no run 4");
}
