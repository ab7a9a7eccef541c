//! Steps that must not be repeated: a person is asked, also after a crash and before a retry.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::{Installation, UNCONFINED};

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
pub async fn question(up: &Installation, run: &Value) -> Value {
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

/// Answers a question's first field.
pub async fn say(up: &Installation, question: &Value, word: &str) {
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
        let mut up = Installation::with("up", &[UNCONFINED]);
        let path = up.folder.path().join("marks");
        let wait = format!(
            "echo sent; while [ ! -e {}.go ]; do sleep 0.05; done",
            path.display()
        );
        let item = item(&up, &wait, 0).await;
        let run = up.wait_run(item, "running").await;
        let steps = format!("/work-items/runs/{}/steps", run["id"]);
        up.wait_for(&steps, "the payment", |steps| {
            steps[1]["status"] == "running"
        })
        .await;
        let log = format!("/work-items/runs/{}/logs?format=json&q=sent", run["id"]);
        up.wait_for(&log, "its line", |page| page["total"] == 1)
            .await;
        up.kill();
        std::fs::write(path.with_extension("go"), "").unwrap();
        up.start();
        let question = question(&up, &run).await;
        let prompt = question["prompt"].as_str().unwrap();
        assert!(prompt.contains("step 2 `pay` was started at"), "{prompt}");
        assert!(
            prompt.contains("may have taken effect or not; its last lines: sent"),
            "{prompt}"
        );
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
    let up = Installation::with("up", &[UNCONFINED]);
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

/// An agent of its own that dies at a point.
fn agent(server: &Installation, failpoint: &str) -> std::process::Child {
    server
        .command(&["agent"])
        .env("AGENT_STATE_DIR", server.folder.path().join("agent-state"))
        .env("ORCH_FAILPOINTS", failpoint)
        .env(UNCONFINED.0, UNCONFINED.1)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap()
}

/// Whether it died by itself before the run was over or asked.
async fn outcome(server: &Installation, agent: &mut std::process::Child, item: i64) -> String {
    let begun = std::time::Instant::now();
    loop {
        if agent.try_wait().unwrap().is_some() {
            return "died".to_owned();
        }
        let runs = server.runs(item).await;
        let status = runs
            .last()
            .map_or("", |run| run["status"].as_str().unwrap());
        if ["waiting", "succeeded", "failed", "lost"].contains(&status) {
            return status.to_owned();
        }
        assert!(begun.elapsed() < crate::support::PATIENCE, "{runs:?}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn wherever_agents_die_such_a_step_runs_once_and_others_at_least_once_in_order() {
    let server = Installation::serve();
    let project = server.project().await;
    let lives = [
        ["agent.step.before=kill@2", "agent.step.after=kill@1"],
        ["agent.step.after=kill@2", "agent.step.before=kill@1"],
        ["agent.step.after=kill@1", "agent.step.after=kill@1"],
        ["agent.step.before=kill@4", "agent.step.after=kill@2"],
        ["agent.step.after=kill@4", "agent.step.before=kill@2"],
        ["agent.step.before=kill@1", "agent.step.after=kill@3"],
    ];
    for (round, lives) in lives.iter().enumerate() {
        let path = server.folder.path().join(format!("marks-{round}"));
        let mark = |name: &str| format!("echo {name} >> {}", path.display());
        let once = |name: &str| json!({"run": mark(name), "idempotent": false});
        let yaml = json!({"steps": [mark("a"), once("b"), mark("c"), once("d"), mark("e")]});
        let item = server.item(project, "crashes").await;
        let yaml = json!({"yaml": yaml.to_string()});
        server
            .post(&format!("/work-items/{item}/tool-recipe"), yaml)
            .await;
        server.enqueue(item).await;
        let mut failpoints = lives.iter().copied();
        'lives: loop {
            let mut agent = agent(&server, failpoints.next().unwrap_or_default());
            loop {
                match outcome(&server, &mut agent, item).await.as_str() {
                    "died" => continue 'lives,
                    "waiting" => {
                        let run = server.runs(item).await.pop().unwrap();
                        let question = question(&server, &run).await;
                        // A person looks whether it took effect.
                        let key = question["fields"][0]["key"].as_str().unwrap().to_owned();
                        let name = if key.starts_with("step-2-") { "b" } else { "d" };
                        let word = match marks(&path).lines().any(|line| line == name) {
                            true => "it was done, go on after it",
                            false => "run it again",
                        };
                        say(&server, &question, word).await;
                    }
                    end => {
                        let pid = agent.id().to_string();
                        std::process::Command::new("kill")
                            .args(["-TERM", &pid])
                            .status()
                            .unwrap();
                        agent.wait().unwrap();
                        assert_eq!(end, "succeeded", "round {round}");
                        break 'lives;
                    }
                }
            }
        }
        let ran = marks(&path);
        let count = |name: &str| ran.lines().filter(|line| *line == name).count();
        assert_eq!((count("b"), count("d")), (1, 1), "round {round}: {ran}");
        let mut firsts: Vec<&str> = Vec::new();
        for line in ran.lines() {
            if !firsts.contains(&line) {
                firsts.push(line);
            }
        }
        assert_eq!(firsts, ["a", "b", "c", "d", "e"], "round {round}: {ran}");
    }
}
