//! Logs that are too long, too wide or no text at all.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::Value;

use crate::process::peak_mb;
use crate::support::{Installation, PATIENCE, UNCONFINED};

#[tokio::test]
async fn an_endless_line_and_bytes_that_are_no_text_are_kept_and_shown_safely() {
    const LENGTH: usize = 20_000_000;
    /// The longest piece that a line is kept in.
    const PIECE: usize = 64 * 1024;
    let up = Installation::up();
    let wide = format!("head -c {LENGTH} /dev/zero | tr '\\0' x; echo");
    let binary = "printf 'bytes \\377\\376 \\000 end\\n'";
    let screen = "printf '\\033[2J\\033[31mred\\033[0m\\n'";
    let item = up
        .item_with(
            up.project().await,
            "shout",
            &[&wide, binary, screen, "echo after"],
        )
        .await;
    up.enqueue(item).await;
    let run = up.wait_run(item, "succeeded").await;
    let path = format!("/work-items/runs/{}/logs", run["id"]);

    let response = up
        .request(Method::GET, &path)
        .timeout(PATIENCE)
        .send()
        .await;
    let response = response.expect("an answer");
    assert_eq!(
        response.headers()["content-type"],
        "text/plain; charset=utf-8"
    );
    assert_eq!(response.headers()["x-content-type-options"], "nosniff");
    let text = response.text().await.expect("the whole log");
    let lines: Vec<&str> = text.lines().collect();
    let longest = lines.iter().position(|line| line.len() == LENGTH);
    let longest = longest.expect("the line is whole");
    assert!(lines[longest].bytes().all(|byte| byte == b'x'));
    for line in [
        "bytes \\xff\\xfe \\x00 end",
        "\u{1b}[31mred\u{1b}[0m",
        "after",
    ] {
        assert!(
            lines[longest..].contains(&line),
            "{line:?} is not in the log"
        );
    }

    // A page holds less than is asked for where its lines are long.
    let mut pieces: Vec<(usize, bool)> = Vec::new();
    loop {
        let query = format!("format=json&q=xxxxxxxx&limit=10000&offset={}", pieces.len());
        let page = up.get(&format!("{path}?{query}")).await;
        let entries = page["entries"].as_array().expect("entries");
        assert!(!entries.is_empty(), "{} of {}", pieces.len(), page["total"]);
        pieces.extend(entries.iter().map(|entry| {
            let message = entry["message"].as_str().expect("a text");
            (message.len(), entry["partial"] == true)
        }));
        if pieces.len() as u64 >= page["total"].as_u64().expect("a count") {
            break;
        }
    }
    let mut expected = vec![(PIECE, true); LENGTH / PIECE];
    expected.push((LENGTH % PIECE, false));
    assert!(pieces == expected, "{} pieces", pieces.len());
}

#[tokio::test]
async fn a_flood_of_log_neither_fills_memory_nor_holds_other_runs_up() {
    const LINE: &str =
        "a line of some eighty characters which says nothing at all, again and again";
    const BYTES: u64 = 200_000_000;
    /// Far less than what is written, far more than server and agent need.
    const MOST_MB: u64 = 150;
    let up = Installation::with("up", &[UNCONFINED]);
    let project = up.project().await;
    let stop = up.folder.path().join("stop");
    // It ends when it is told to, so that the other runs do run beside it on a machine of any speed.
    let flood = format!(
        "while [ ! -e {} ]; do yes '{LINE}' | head -n 50000; done",
        stop.display()
    );
    let item = up.item_with(project, "flood", &[&flood]).await;
    let others = ["one", "two", "three"];
    let mut waiting = Vec::new();
    for title in others {
        waiting.push(up.item_with(project, title, &["echo through"]).await);
    }
    up.enqueue(item).await;
    let run = up.wait_run(item, "running").await;
    let path = format!("/work-items/runs/{}/logs", run["id"]);
    let some = |page: &Value| page["total"].as_u64() > Some(10_000);
    up.wait_for(&format!("{path}?format=json&limit=1"), "the flood", some)
        .await;
    for other in waiting {
        up.enqueue(other).await;
        up.wait_run(other, "succeeded").await;
    }
    // On a machine that is too slow for so much, what a minute brings has to do.
    let begun = Instant::now();
    let mut written = 0;
    while written < BYTES && begun.elapsed() < PATIENCE {
        let page = up.get(&format!("{path}?format=json&limit=1")).await;
        let lines = page["total"].as_u64().expect("a count");
        written = lines * (LINE.len() as u64 + 1);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    std::fs::write(&stop, "").expect("writing");
    up.wait_run(item, "succeeded").await;
    let peak = peak_mb(up.pid());
    assert!(peak < MOST_MB, "{peak} MB while it was written");

    let request = up.request(Method::GET, &path).timeout(2 * PATIENCE);
    let mut response = request.send().await.expect("an answer");
    let mut read = 0;
    while let Some(chunk) = response.chunk().await.expect("a chunk") {
        read += chunk.len() as u64;
    }
    assert!(read >= written, "{read} of {written} bytes");
    let peak = peak_mb(up.pid());
    assert!(peak < MOST_MB, "{peak} MB while it was read");
}

#[tokio::test]
async fn logs_over_the_size_that_is_kept_go_when_the_server_starts_and_readers_are_told() {
    let mut server = Installation::with("serve", &[("ORCH_LOG_RETENTION_MIB", "10")]);
    let project = server.project().await;
    let text = "x".repeat(1000);
    let mut runs = Vec::new();
    // One segment and a part of the next.
    for title in ["old", "new"] {
        let item = server.item(project, title).await;
        let run = server
            .post(&format!("/work-items/{item}/start"), Value::Null)
            .await["id"]
            .clone();
        let path = format!("/work-items/runs/{run}");
        for _ in 0..40 {
            let lines = vec![text.as_str(); 1000];
            let body = serde_json::json!({ "lines": lines });
            server.post(&format!("{path}/logs"), body).await;
        }
        let complete = format!("{path}/complete?success=true");
        server.post(&complete, Value::Null).await;
        runs.push(path);
    }
    server.stop();
    server.start();
    let old = format!("{}/logs?format=json&limit=2", runs[0]);
    let page = server
        .wait_for(&old, "retention", |page| page["removed_before"].is_u64())
        .await;
    assert_eq!(
        (&page["removed_before"], &page["lines"][1]),
        (
            &serde_json::json!(40_001),
            &serde_json::json!("[log lines 1 to 40000 were removed by retention]")
        )
    );
    let whole = server
        .request(Method::GET, &format!("{}/logs", runs[0]))
        .send()
        .await
        .expect("an answer");
    let whole = whole.text().await.expect("a text");
    assert_eq!(whole.lines().count(), 2, "{whole}");
    let events = server
        .request(Method::GET, &format!("{}/logs/stream?from=7", runs[0]))
        .send()
        .await
        .expect("an answer");
    let events = events.text().await.expect("events");
    assert!(events.starts_with("event: line\nid: 40000\n"), "{events}");
    assert!(events.contains("event: end\n"), "{events}");
    let audit = server.get("/audit?kind=log.removed").await;
    assert!(audit.as_array().is_some_and(|entries| !entries.is_empty()));
}
