//! Places at `/mcp`: whoever waits, or takes all it gets, keeps nobody else from working.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::mcp_http::{asking, calling};
use crate::run_tokens::{API_TOKEN, project_and_item, serve, taken};
use crate::support::answer;

/// Of one run.
const WAITS: usize = 4;

#[tokio::test]
async fn a_run_that_waits_as_often_as_it_may_shuts_nobody_out() {
    let server = serve(&[]);
    let (_, item) = project_and_item(&server).await;
    let token = taken(&server, item, "a", 60_000).await.run_token;
    let call = |token: &str, tool: &str, given: Value| {
        asking(&server, Some(token)).json(&calling(tool, given))
    };
    let question = json!({"prompt": "which?", "fields": [{"key": "K"}]});
    let (_, asked) = answer(call(&token, "request_info", question)).await;
    let asked = &asked["result"]["structuredContent"]["info_request"]["id"];
    let wait = |seconds: u32| {
        let given = json!({"info_request_id": asked, "wait_seconds": seconds});
        call(&token, "await_answer", given)
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
        let (status, body) = answer(call(whose, tool, json!({}))).await;
        assert_eq!(status, StatusCode::OK, "{tool}: {body}");
        assert_ne!(body["result"]["isError"], true, "{tool}: {body}");
    }
    let given = json!({"info_request_id": asked, "wait_seconds": 1});
    let (status, body) = answer(call(API_TOKEN, "await_answer", given)).await;
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
