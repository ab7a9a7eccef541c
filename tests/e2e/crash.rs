//! `kill -9` in the middle: what was acknowledged is there, and the agent finishes the run.

use serde_json::json;

use crate::support::{Installation, PATIENCE, UNCONFINED};

#[tokio::test]
async fn the_agent_of_up_takes_its_interrupted_run_up_again() {
    let mut up = Installation::with("up", &[UNCONFINED]);
    let marks = up.folder.path().join("marks");
    let first = format!("echo first >> {}", marks.display());
    let wait = format!("while [ ! -e {}.go ]; do sleep 0.05; done", marks.display());
    let last = format!("echo last >> {}", marks.display());
    let item = up
        .item_with(up.project().await, "three steps", &[&first, &wait, &last])
        .await;
    up.enqueue(item).await;
    let run = up.wait_run(item, "running").await;
    let steps = format!("/work-items/runs/{}/steps", run["id"]);
    up.wait_for(&steps, "the second step", |steps| {
        steps[1]["status"] == "running"
    })
    .await;
    let entries = up.get("/audit?order=desc&limit=1").await[0]["seq"]
        .as_i64()
        .unwrap();
    up.kill();
    up.start();
    let kept = up.get("/audit?order=desc&limit=1").await[0]["seq"]
        .as_i64()
        .unwrap();
    assert!(kept >= entries, "{kept} audit entries of {entries}");
    std::fs::write(marks.with_extension("go"), "").unwrap();
    let done = up.wait_run(item, "succeeded").await;
    assert_eq!(done["id"], run["id"], "the same run goes on");
    assert!(
        done["epoch"].as_i64() > run["epoch"].as_i64(),
        "under a higher epoch"
    );
    assert_eq!(
        std::fs::read_to_string(&marks).unwrap(),
        "first\nlast\n",
        "steps that were done are not done again"
    );
    up.cli(&[
        "audit",
        "verify",
        "--data-dir",
        up.data_dir().to_str().unwrap(),
    ]);
}

#[tokio::test]
async fn nothing_acknowledged_is_lost() {
    let mut server = Installation::serve();
    let project = server.project().await;
    for round in 0..3_i64 {
        let creating = (0..20).map(|n| {
            let server = &server;
            async move { server.item(project, &format!("item {round}-{n}")).await }
        });
        let ids = futures::future::join_all(creating).await;
        server.kill();
        server.start();
        let items = server.get("/work-items").await;
        let stored: Vec<i64> = items
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["id"].as_i64().unwrap())
            .collect();
        assert!(
            ids.iter().all(|id| stored.contains(id)),
            "{ids:?} of {stored:?}"
        );
    }
    let health = server.get("/observability/health").await;
    assert_eq!(health["status"], json!("ok"));
    server.stop();
    server.cli(&[
        "audit",
        "verify",
        "--data-dir",
        server.data_dir().to_str().unwrap(),
    ]);
}

fn signal(name: &str, pid: u32) {
    let told = std::process::Command::new("kill")
        .args([name, &pid.to_string()])
        .status()
        .expect("kill runs");
    assert!(told.success());
}

#[tokio::test]
async fn an_agent_stopped_past_its_lease_is_refused_and_ends_its_processes() {
    let server = Installation::serve();
    let start = |name: &str| {
        server
            .command(&["agent", "--url", &server.base])
            .env("AGENT_ID", name)
            .env("AGENT_STATE_DIR", server.folder.path().join(name))
            .env(UNCONFINED.0, UNCONFINED.1)
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .expect("the agent starts")
    };
    let mut first = start("first");
    let pids = server.folder.path().join("pids");
    let step = format!("echo $$ >> {}; exec sleep 600", pids.display());
    let item = server
        .item_with(server.project().await, "waits", &[&step])
        .await;
    server.enqueue(item).await;
    let path = format!("/work-items/{item}/runs");
    let begun = std::time::Instant::now();
    let step = loop {
        let pid = std::fs::read_to_string(&pids).unwrap_or_default();
        if let Some(pid) = pid.strip_suffix('\n') {
            break std::path::PathBuf::from(format!("/proc/{pid}"));
        }
        assert!(begun.elapsed() < PATIENCE, "the step does not start");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    };
    signal("-STOP", first.id());
    let mut second = start("second");
    let runs = server
        .wait_for(&path, "the second agent's run", |runs| {
            runs[0]["claimed_by"] == "second"
        })
        .await;
    assert!(step.exists(), "a stopped agent can end nothing");
    let complete = format!("/work-items/runs/{}/complete", runs[0]["id"]);
    let late = json!({"success": true, "epoch": 1});
    let (status, problem) = server.try_post(&complete, late).await;
    assert_eq!(
        (status.as_u16(), &problem["code"]),
        (409, &json!("stale_epoch"))
    );
    signal("-CONT", first.id());
    let begun = std::time::Instant::now();
    while step.exists() {
        assert!(begun.elapsed() < PATIENCE, "its process goes on");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let runs = server.runs(item).await;
    assert_eq!(
        (&runs[0]["claimed_by"], &runs[0]["status"], runs.len()),
        (&json!("second"), &json!("running"), 1)
    );
    for agent in [&mut first, &mut second] {
        agent.kill().expect("it can be killed");
        agent.wait().expect("it ends");
    }
}
