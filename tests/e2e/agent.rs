//! The agent of `up` at work: recipes, inference, questions, secrets, limits.

use serde_json::json;

use crate::support::{Installation, UNCONFINED};

#[tokio::test]
async fn steps_run_in_order_and_every_line_says_where_it_came_from() {
    let up = Installation::up();
    let item = up.item(up.project().await, "greet").await;
    let yaml = "steps:\n  - echo one\n  - run: echo two >&2; echo \"$STAGE\"\n    env: { STAGE: prod }\n    cwd: ./sub\n";
    up.post(
        &format!("/work-items/{item}/tool-recipe"),
        json!({"yaml": yaml.replace("    cwd: ./sub\n", "")}),
    )
    .await;
    up.enqueue(item).await;
    let run = up.wait_run(item, "succeeded").await;
    assert_eq!(run["exit_code"], 0);
    let page = up
        .get(&format!("/work-items/runs/{}/logs?format=json", run["id"]))
        .await;
    let said = |message: &str| {
        let entry = page["entries"]
            .as_array()
            .unwrap()
            .iter()
            .find(|entry| entry["message"] == message);
        let entry = entry.unwrap_or_else(|| panic!("no `{message}` in {page}"));
        (entry["stream"].clone(), entry["step"].clone())
    };
    assert_eq!(said("one"), (json!("stdout"), json!(1)));
    assert_eq!(said("two"), (json!("stderr"), json!(2)));
    assert_eq!(said("prod"), (json!("stdout"), json!(2)));
    let steps = up
        .get(&format!("/work-items/runs/{}/steps", run["id"]))
        .await;
    let statuses: Vec<_> = steps
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["status"].clone())
        .collect();
    assert_eq!(statuses, [json!("succeeded"), json!("succeeded")]);
}

#[tokio::test]
async fn exit_codes_and_timeouts_decide() {
    let up = Installation::up();
    let project = up.project().await;
    let fails = up
        .item_with(project, "fails", &["echo before", "exit 7", "echo never"])
        .await;
    let hangs = up.item(project, "hangs").await;
    let yaml = "steps:\n  - run: sleep 600 & sleep 600\n    timeout: 0.3\n";
    up.post(
        &format!("/work-items/{hangs}/tool-recipe"),
        json!({"yaml": yaml}),
    )
    .await;
    up.enqueue(fails).await;
    up.enqueue(hangs).await;
    let run = up.wait_run(fails, "failed").await;
    assert_eq!(run["exit_code"], 7);
    let lines = up.log_lines(run["id"].as_i64().unwrap()).await;
    assert!(
        lines.iter().any(|line| line == "before") && !lines.iter().any(|line| line == "never"),
        "{lines:?}"
    );
    let run = up.wait_run(hangs, "failed").await;
    assert!(
        run["reason"].as_str().unwrap_or("").contains("timed out"),
        "{run}"
    );
}

#[tokio::test]
async fn cancelling_a_run_ends_its_processes() {
    let up = Installation::with("up", &[UNCONFINED]);
    let alive = up.folder.path().join("alive");
    let beat = format!(
        "while true; do date +%s%N > {}; sleep 0.05; done",
        alive.display()
    );
    let item = up.item_with(up.project().await, "beats", &[&beat]).await;
    up.enqueue(item).await;
    let run = up.wait_run(item, "running").await;
    let begun = std::time::Instant::now();
    while !alive.exists() {
        assert!(begun.elapsed() < crate::support::PATIENCE);
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    up.post(
        &format!("/work-items/runs/{}/cancel", run["id"]),
        json!({"reason": "enough"}),
    )
    .await;
    let begun = std::time::Instant::now();
    loop {
        let before = std::fs::read_to_string(&alive).unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        if before == std::fs::read_to_string(&alive).unwrap() {
            break;
        }
        assert!(
            begun.elapsed() < crate::support::PATIENCE,
            "its processes go on"
        );
    }
}

#[tokio::test]
async fn nothing_is_made_up_and_an_answer_becomes_the_steps() {
    let up = Installation::up();
    let item = up.item(up.project().await, "api:build").await;
    up.enqueue(item).await;
    let run = up.wait_run(item, "waiting").await;
    let asked = up
        .get(&format!("/work-items/runs/{}/info-requests", run["id"]))
        .await;
    assert_eq!(asked[0]["required_keys"], json!(["steps"]));
    up.cli(&[
        "answer",
        &asked[0]["id"].to_string(),
        "steps=echo from the answer",
    ]);
    let run = up.wait_run(item, "succeeded").await;
    let lines = up.log_lines(run["id"].as_i64().unwrap()).await;
    assert!(
        lines.iter().any(|line| line == "from the answer"),
        "{lines:?}"
    );
}

#[tokio::test]
async fn answers_are_sealed_redacted_and_reach_the_step() {
    let up = Installation::up();
    let bin = up.folder.path().join("bin");
    let item = up
        .item_with(
            up.project().await,
            "aws:plan",
            &["echo key is $AWS_SECRET_ACCESS_KEY; test -n \"$AWS_DEFAULT_REGION\""],
        )
        .await;
    drop(bin);
    up.enqueue(item).await;
    let run = up.wait_run(item, "waiting").await;
    let path = format!("/work-items/runs/{}/info-requests", run["id"]);
    let asked = up.get(&path).await;
    let keys = asked[0]["required_keys"].as_array().unwrap();
    for key in [
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_DEFAULT_REGION",
    ] {
        assert!(keys.contains(&json!(key)), "{asked}");
    }
    let secret = "wJalrXUtnFEMI-not-a-real-key";
    let mut values = json!({});
    for key in keys {
        let key = key.as_str().unwrap();
        values[key] = json!(match key {
            "AWS_SECRET_ACCESS_KEY" => secret,
            "AWS_DEFAULT_REGION" => "us-east-1",
            "AWS_ACCESS_KEY_ID" => "AKIAEXAMPLEEXAMPLE",
            _ => "skip",
        });
    }
    let respond = format!("/work-items/runs/info-requests/{}/respond", asked[0]["id"]);
    let resolved = up.post(&respond, json!({"values": values})).await;
    assert_eq!(resolved["responses"]["AWS_SECRET_ACCESS_KEY"], "***");
    let key = std::fs::read_to_string(up.data_dir().join("secret.key")).unwrap();
    let plain = up
        .request(reqwest::Method::GET, &format!("{path}?plaintext=1"))
        .header("x-orch-secret", key.trim());
    assert_eq!(
        crate::support::answer(plain).await.1[0]["responses"]["AWS_SECRET_ACCESS_KEY"],
        secret
    );
    let wrong = up.request(
        reqwest::Method::GET,
        &format!("{path}?plaintext=1&x_orch_secret=wrong"),
    );
    assert_eq!(crate::support::answer(wrong).await.0, 403);
    let files = std::process::Command::new("grep")
        .args(["-rl", secret])
        .arg(up.data_dir())
        .output()
        .expect("grep runs");
    assert_eq!(
        String::from_utf8_lossy(&files.stdout),
        "",
        "the secret is on disk"
    );
    assert!(!up.log().contains(secret));
}

#[tokio::test]
async fn an_agent_that_is_told_to_end_hands_its_run_over_without_counting_a_lapse() {
    let server = Installation::serve();
    let start = |name: &str| {
        let state = server.folder.path().join(name);
        server
            .command(&["agent", "--url", &server.base])
            .env("AGENT_ID", name)
            .env("AGENT_STATE_DIR", state)
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .expect("the agent starts")
    };
    let mut first = start("first");
    let item = server
        .item_with(server.project().await, "waits", &["sleep 600"])
        .await;
    server.enqueue(item).await;
    let path = format!("/work-items/{item}/runs");
    server
        .wait_for(&path, "the first agent's run", |runs| {
            runs[0]["claimed_by"] == "first"
        })
        .await;
    let mut second = start("second");
    server
        .wait_for("/observability/health", "two agents", |health| {
            health["connected_agents"] == 2
        })
        .await;
    let ended = std::process::Command::new("kill")
        .args(["-TERM", &first.id().to_string()])
        .status()
        .expect("kill runs");
    assert!(ended.success());
    let runs = server
        .wait_for(&path, "the second agent's run", |runs| {
            runs[0]["claimed_by"] == "second"
        })
        .await;
    assert_eq!(runs[0]["epoch"], 2, "it was handed over once");
    let lapses = server.get("/audit?kind=run.lease_lapsed").await;
    assert_eq!(lapses, json!([]));
    first.wait().expect("the first agent ends");
    second.kill().expect("it can be killed");
    second.wait().expect("it ends");
}

#[tokio::test]
async fn a_step_that_an_agent_works_on_is_not_overwritten_without_its_hold() {
    let up = Installation::up();
    let item = up
        .item_with(up.project().await, "waits", &["sleep 600"])
        .await;
    up.enqueue(item).await;
    let run = up.wait_run(item, "running").await;
    let steps = format!("/work-items/runs/{}/steps", run["id"]);
    let begun = up
        .wait_for(&steps, "a step under way", |all| {
            all[0]["status"] == "running"
        })
        .await;
    let number = begun[0]["number"].clone();
    let report = json!({"name": "done already", "number": number, "status": "succeeded"});
    let (status, problem) = up.try_post(&steps, report).await;
    assert_eq!(
        (status.as_u16(), &problem["code"]),
        (409, &json!("step_held")),
        "{problem}"
    );
    assert_eq!(up.get(&steps).await[0]["status"], "running");
    // Beside it there is room.
    let (status, made) = up.try_post(&steps, json!({"name": "looked at it"})).await;
    assert!(status.is_success(), "{made}");
}
