//! Projects share the agents' slots; limits and keys keep runs apart, and say so.

use serde_json::{Value, json};

use crate::support::{Installation, UNCONFINED};

/// Claims everything that a tick started, as an agent with one slot: answers the item it got.
async fn started(server: &Installation, project: i64) -> Vec<i64> {
    let runs = server
        .get(&format!(
            "/work-items/runs?project_id={project}&status=running"
        ))
        .await;
    let ids = runs.as_array().expect("a list").iter();
    ids.map(|run| run["work_item_id"].as_i64().expect("an id"))
        .collect()
}

async fn why(server: &Installation, entry: &Value) -> Value {
    let queue = server.get("/scheduler/queue").await;
    let entries = queue.as_array().expect("a list").iter();
    let found = entries.clone().find(|row| row["id"] == entry["id"]);
    found.expect("it is queued")["why_not_running"].clone()
}

#[tokio::test]
async fn beside_ten_thousand_queued_items_another_projects_one_takes_one_of_the_next_two_slots() {
    let server = Installation::serve();
    let (crowd, single) = (server.project().await, server.project().await);
    for batch in 0..10 {
        let items: Vec<Value> = (0..1000)
            .map(|n| json!({"project_id": crowd, "title": format!("crowd {batch} {n}")}))
            .collect();
        let made = server
            .post("/work-items/batch", json!({"items": items}))
            .await;
        let entries: Vec<Value> = made
            .as_array()
            .expect("a list")
            .iter()
            .map(|item| json!({"work_item_id": item["id"], "priority": 9}))
            .collect();
        server
            .post("/scheduler/enqueue/batch", json!({"entries": entries}))
            .await;
    }
    // One slot: each run holds it until its file is there, the last one until the test's folder is gone.
    let folder = server.folder.path().join("go");
    std::fs::create_dir(&folder).expect("a folder");
    let steps = format!(
        "while [ -d {0} ] && [ ! -e {0}/$ORCH_RUN_ID ]; do sleep 0.02; done",
        folder.display()
    );
    let mut agent = server
        .command(&["agent", "--slots", "1"])
        .env("AGENT_STEPS", steps)
        .env(UNCONFINED.0, UNCONFINED.1)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("it starts");
    let all = "/work-items/runs?status=running";
    let first = server
        .wait_for(all, "a run", |runs| runs[0]["id"].is_i64())
        .await;
    let item = server.item(single, "alone").await;
    server.enqueue(item).await;
    let mut freed = 0;
    let mut current = first[0]["id"].clone();
    while started(&server, single).await.is_empty() {
        assert!(freed < 2, "it did not get one of the next two slots");
        freed += 1;
        std::fs::write(folder.join(current.to_string()), "").expect("a file");
        let before = current.clone();
        let next = server
            .wait_for(all, "the next run", |runs| {
                runs[0]["id"].is_i64() && runs[0]["id"] != before
            })
            .await;
        current = next[0]["id"].clone();
    }
    agent.kill().expect("it can be killed");
    agent.wait().expect("it ends");
}

#[tokio::test]
async fn a_concurrency_key_is_held_by_one_run_at_a_time_and_why_says_by_which() {
    for server in [
        Installation::serve(),
        Installation::on_postgres("serve", &[]),
    ] {
        let project = server.project().await;
        let mut entries = Vec::new();
        for n in 0..2 {
            let body =
                json!({"project_id": project, "title": format!("n {n}"), "concurrency_key": "db"});
            let item = server.post("/work-items", body).await;
            assert_eq!(item["concurrency_key"], "db");
            entries.push(server.enqueue(item["id"].as_i64().expect("an id")).await);
        }
        assert_eq!(
            server.post("/scheduler/tick", json!(null)).await["processed"],
            1
        );
        let reasons = why(&server, &entries[1]).await;
        assert_eq!(reasons[0]["code"], "concurrency_key", "{reasons}");
        let second = entries[1]["work_item_id"].as_i64().expect("an id");
        let (status, refused) = server
            .try_post(&format!("/work-items/{second}/start"), json!(null))
            .await;
        assert_eq!(
            (status.as_u16(), &refused["code"]),
            (409, &json!("concurrency_key")),
            "{refused}"
        );
        let run = server.get("/work-items/runs?status=running").await[0]["id"].clone();
        server
            .post(
                &format!("/work-items/runs/{run}/complete?success=true"),
                json!(null),
            )
            .await;
        assert_eq!(
            server.post("/scheduler/tick", json!(null)).await["processed"],
            1
        );
        assert_eq!(started(&server, project).await, [second]);
    }
}

#[tokio::test]
async fn a_project_has_no_more_open_runs_than_its_limit_until_it_is_raised() {
    for server in [
        Installation::serve(),
        Installation::on_postgres("serve", &[]),
    ] {
        let body = json!({"name": "small", "max_concurrent_runs": 2, "weight": 3});
        let project = server.post("/projects", body).await;
        assert_eq!(
            (&project["max_concurrent_runs"], &project["weight"]),
            (&json!(2), &json!(3))
        );
        let id = project["id"].as_i64().expect("an id");
        let mut last = json!(null);
        for n in 0..3 {
            let item = server.item(id, &format!("n {n}")).await;
            last = server.enqueue(item).await;
        }
        assert_eq!(
            server.post("/scheduler/tick", json!(null)).await["processed"],
            2
        );
        let reasons = why(&server, &last).await;
        assert_eq!(reasons[0]["code"], "concurrency_limit", "{reasons}");
        let (status, refused) = server
            .try_post("/projects", json!({"name": "x", "weight": 0}))
            .await;
        assert_eq!(status.as_u16(), 422, "{refused}");
        let path = format!("/projects/{id}");
        let raised = server
            .request(reqwest::Method::PATCH, &path)
            .json(&json!({"max_concurrent_runs": null}))
            .send()
            .await
            .expect("an answer");
        assert_eq!(raised.status(), 200);
        assert_eq!(
            server.post("/scheduler/tick", json!(null)).await["processed"],
            1
        );
    }
}
