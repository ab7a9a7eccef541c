//! `kill -9` in the middle: what was acknowledged is there, and the agent finishes the run.

use serde_json::json;

use crate::support::Installation;

#[tokio::test]
async fn the_agent_of_up_takes_its_interrupted_run_up_again() {
    let mut up = Installation::up();
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
