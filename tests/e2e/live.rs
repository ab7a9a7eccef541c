//! Following a run's log: a reader that comes back misses nothing.

use futures::StreamExt as _;
use reqwest::Method;
use serde_json::json;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use crate::support::{Installation, PATIENCE};

async fn started(server: &Installation) -> i64 {
    let item = server.item(server.project().await, "a").await;
    let run = server
        .post(&format!("/work-items/{item}/start"), json!(null))
        .await;
    run["id"].as_i64().unwrap()
}

async fn events(server: &Installation, run: i64, last: Option<u64>) -> Vec<(String, String)> {
    let mut request = server.request(Method::GET, &format!("/work-items/runs/{run}/logs/stream"));
    if let Some(last) = last {
        request = request.header("last-event-id", last.to_string());
    }
    let text = tokio::time::timeout(PATIENCE, async {
        request.send().await.unwrap().text().await.unwrap()
    });
    let text = text.await.expect("the stream ends with the run");
    let field = |block: &str, name: &str| {
        block
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .unwrap_or("")
            .trim()
            .to_owned()
    };
    text.split("\n\n")
        .filter(|block| block.contains("data:"))
        .map(|block| (field(block, "event:"), field(block, "id:")))
        .collect()
}

#[tokio::test]
async fn server_sent_events_go_on_behind_the_last_one_seen() {
    let server = Installation::serve();
    let run = started(&server).await;
    let path = format!("/work-items/runs/{run}/logs");
    server
        .post(&path, json!({"lines": ["one", "two", "three"]}))
        .await;
    server
        .post(
            &format!("/work-items/runs/{run}/complete?success=true"),
            json!(null),
        )
        .await;
    let line = |id: &str| ("line".to_owned(), id.to_owned());
    let end = ("end".to_owned(), String::new());
    assert_eq!(
        events(&server, run, None).await,
        [line("0"), line("1"), line("2"), line("3"), end.clone()]
    );
    assert_eq!(events(&server, run, Some(2)).await, [line("3"), end]);
}

#[tokio::test]
async fn a_web_socket_gives_each_line_as_it_comes_and_refuses_foreign_origins() {
    let server = Installation::serve();
    let run = started(&server).await;
    let url = format!(
        "{}/work-items/runs/{run}/logs/ws",
        server.base.replace("http://", "ws://")
    );
    let (mut socket, _) = tokio_tungstenite::connect_async(&url)
        .await
        .expect("it connects");
    let mut next = async || {
        loop {
            let message = tokio::time::timeout(PATIENCE, socket.next())
                .await
                .expect("in time");
            match message {
                Some(Ok(message)) if message.is_text() => {
                    return Some(message.into_text().unwrap().to_string());
                }
                Some(Ok(message)) if message.is_close() => return None,
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return None,
            }
        }
    };
    assert!(next().await.unwrap().starts_with("Starting run"));
    server
        .post(
            &format!("/work-items/runs/{run}/logs"),
            json!({"line": "hello"}),
        )
        .await;
    assert_eq!(next().await.as_deref(), Some("hello"));
    server
        .post(
            &format!("/work-items/runs/{run}/complete?success=true"),
            json!(null),
        )
        .await;
    assert_eq!(next().await, None);

    let mut foreign = url.into_client_request().unwrap();
    foreign
        .headers_mut()
        .insert("origin", "http://evil.example".parse().unwrap());
    let refused = tokio_tungstenite::connect_async(foreign)
        .await
        .expect_err("a foreign page");
    assert!(refused.to_string().contains("403"), "{refused}");
}

#[tokio::test]
async fn pages_of_a_log_are_filtered_and_counted() {
    let server = Installation::serve();
    let run = started(&server).await;
    let lines: Vec<String> = (0..5000).map(|n| format!("line {n}")).collect();
    let path = format!("/work-items/runs/{run}/logs");
    server.post(&path, json!({"lines": lines})).await;
    let page = server
        .get(&format!("{path}?format=json&q=LINE%20499&offset=1&limit=2"))
        .await;
    assert_eq!(page["total"], 11);
    assert_eq!(page["lines"], json!(["line 4990", "line 4991"]));
    let page = server
        .get(&format!("{path}?format=json&offset=4999&limit=10"))
        .await;
    assert_eq!(
        (&page["total"], &page["lines"]),
        (&json!(5001), &json!(["line 4998", "line 4999"]))
    );
    let found = server.get("/logs?q=line%2042&limit=1").await;
    assert_eq!(found[0]["message"], "line 42");
}
