//! Steps that must not be repeated: a person is asked, also after a crash and before a retry.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::Installation;

fn marks(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

/// An item whose second step must not be repeated.
async fn item(up: &Installation, second: &str, retries: u32) -> i64 {
    let item = up.item(up.project().await, "pay once").await;
    let mark = |name: &str| {
        format!(
            "echo {name} >> {}",
            up.folder.path().join("marks").display()
        )
    };
    let yaml = json!({"steps": [
        mark("first"),
        {"run": format!("{}; {second}", mark("pay")), "name": "pay", "idempotent": false},
        mark("last"),
    ]});
    let yaml = json!({"yaml": yaml.to_string()});
    up.post(&format!("/work-items/{item}/tool-recipe"), yaml)
        .await;
    let policy =
        json!({"max_retries": retries, "backoff_base_seconds": 0.01, "backoff_jitter_seconds": 0});
    up.post(&format!("/work-items/{item}/policy"), policy).await;
    up.enqueue(item).await;
    item
}

/// The open question of a run.
async fn question(up: &Installation, run: &Value) -> Value {
    let path = format!("/work-items/runs/{}/info-requests", run["id"]);
    let asked = |all: &Value| {
        all.as_array()
            .into_iter()
            .flatten()
            .find(|one| one["status"] == "pending")
            .cloned()
    };
    let all = up
        .wait_for(&path, "a question", |all| asked(all).is_some())
        .await;
    asked(&all).unwrap()
}

async fn say(up: &Installation, question: &Value, word: &str) {
    let key = question["fields"][0]["key"].as_str().unwrap();
    let path = format!("/work-items/runs/info-requests/{}/respond", question["id"]);
    up.post(&path, json!({"values": {key: word}})).await;
}

#[tokio::test]
async fn an_interrupted_step_that_may_run_only_once_runs_again_on_a_persons_word_alone() {
    for (word, expected) in [
        ("run it again", "first\npay\npay\nlast\n"),
        ("it was done, go on after it", "first\npay\nlast\n"),
        ("fail the run", "first\npay\n"),
    ] {
        let mut up = Installation::up();
        let path = up.folder.path().join("marks");
        let wait = format!("while [ ! -e {}.go ]; do sleep 0.05; done", path.display());
        let item = item(&up, &wait, 0).await;
        let run = up.wait_run(item, "running").await;
        let steps = format!("/work-items/runs/{}/steps", run["id"]);
        up.wait_for(&steps, "the payment", |steps| {
            steps[1]["status"] == "running"
        })
        .await;
        while !marks(&path).contains("pay") {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        up.kill();
        std::fs::write(path.with_extension("go"), "").unwrap();
        up.start();
        let question = question(&up, &run).await;
        let prompt = question["prompt"].as_str().unwrap();
        assert!(prompt.contains("step 2 `pay` was started at"), "{prompt}");
        assert!(prompt.contains("may have taken effect or not"), "{prompt}");
        assert_eq!(marks(&path), "first\npay\n", "nothing runs before the word");
        say(&up, &question, word).await;
        let end = if word == "fail the run" {
            "failed"
        } else {
            "succeeded"
        };
        up.wait_run(item, end).await;
        assert_eq!(marks(&path), expected, "{word}");
    }
}

#[tokio::test]
async fn a_retry_asks_before_it_repeats_such_a_step() {
    let up = Installation::up();
    let path = up.folder.path().join("marks");
    let item = item(&up, "exit 3", 1).await;
    let run = up.wait_run(item, "waiting").await;
    assert_eq!(run["attempt"], 2);
    let question = question(&up, &run).await;
    let prompt = question["prompt"].as_str().unwrap();
    assert!(prompt.contains("attempt 1, and failed"), "{prompt}");
    assert_eq!(marks(&path), "first\npay\n");
    say(&up, &question, "it was done, go on after it").await;
    up.wait_run(item, "succeeded").await;
    assert_eq!(marks(&path), "first\npay\nfirst\nlast\n");
}
