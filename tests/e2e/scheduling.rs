//! The queue: merging, cycles, blocking, retries, quotas, claims.

use serde_json::json;

use crate::support::Installation;

async fn complete_newest(server: &Installation, item: i64, success: bool) {
    let run = server.runs(item).await.pop().unwrap();
    server
        .post(
            &format!("/work-items/runs/{}/complete?success={success}", run["id"]),
            json!(null),
        )
        .await;
}

#[tokio::test]
async fn a_failed_dependency_blocks_visibly_and_a_requeue_that_succeeds_frees() {
    let server = Installation::serve();
    let project = server.project().await;
    let (build, test) = (
        server.item(project, "build").await,
        server.item(project, "test").await,
    );
    server.enqueue(build).await;
    let body = json!({"work_item_id": test, "depends_on_work_item_id": build});
    server.post("/scheduler/enqueue/", body).await;
    server.post("/scheduler/tick", json!(null)).await;
    complete_newest(&server, build, false).await;
    let queue = server.get("/scheduler/queue").await;
    assert_eq!(queue[0]["status"], "failed");
    assert_eq!(queue[1]["why_not_running"][0]["code"], "dependency_failed");
    assert_eq!(queue[1]["why_not_running"][0]["work_item_id"], build);

    server
        .post(
            "/scheduler/requeue/work-item",
            json!({"work_item_id": build}),
        )
        .await;
    server.post("/scheduler/tick", json!(null)).await;
    complete_newest(&server, build, true).await;
    assert_eq!(
        server.post("/scheduler/tick", json!(null)).await["processed"],
        1
    );
    assert_eq!(server.runs(test).await.len(), 1);
}

#[tokio::test]
async fn a_cycle_is_refused_and_named_and_a_running_item_is_a_conflict() {
    let server = Installation::serve();
    let project = server.project().await;
    let (a, b) = (
        server.item(project, "a").await,
        server.item(project, "b").await,
    );
    server
        .post(
            "/scheduler/enqueue",
            json!({"work_item_id": a, "depends_on": [b]}),
        )
        .await;
    let (status, problem) = server
        .try_post(
            "/scheduler/enqueue",
            json!({"work_item_id": b, "depends_on": [a]}),
        )
        .await;
    assert_eq!(status, 409);
    assert_eq!(
        problem["detail"],
        "work item 2 would wait for itself: 2 → 1 → 2"
    );

    server.enqueue(b).await;
    server.post("/scheduler/tick", json!(null)).await;
    let (status, problem) = server
        .try_post("/scheduler/enqueue", json!({"work_item_id": b}))
        .await;
    assert_eq!(
        (status.as_u16(), &problem["code"]),
        (409, &json!("work_item_running"))
    );
}

#[tokio::test]
async fn a_used_up_quota_keeps_entries_until_it_is_raised() {
    let server = Installation::serve();
    let project = server.project().await;
    let path = format!("/projects/{project}/quota");
    server.post(&path, json!({"max_runs_per_day": 1})).await;
    for title in ["a", "b"] {
        let item = server.item(project, title).await;
        server.enqueue(item).await;
    }
    assert_eq!(
        server.post("/scheduler/tick", json!(null)).await["processed"],
        1
    );
    let queue = server.get("/scheduler/queue?status=queued").await;
    assert_eq!(queue[0]["why_not_running"][0]["code"], "quota_exceeded");
    let usage = server.get("/observability/usage").await;
    assert_eq!(
        (&usage[0]["runs_today"], &usage[0]["max_runs_per_day"]),
        (&json!(1), &json!(1))
    );
    server.post(&path, json!({"max_runs_per_day": 2})).await;
    assert_eq!(
        server.post("/scheduler/tick", json!(null)).await["processed"],
        1
    );
}

#[tokio::test]
async fn a_lapsed_claim_is_taken_over_with_a_higher_epoch_and_the_old_holder_is_fenced() {
    let server = Installation::serve();
    let item = server.item(server.project().await, "a").await;
    let run = server
        .post(&format!("/work-items/{item}/start"), json!(null))
        .await["id"]
        .clone();
    let path = |verb: &str| format!("/work-items/runs/{run}/{verb}");
    let first = server
        .post(&path("claim"), json!({"agent_id": "one", "ttl_seconds": 1}))
        .await;
    assert_eq!(
        (&first["epoch"], &first["success"]),
        (&json!(1), &json!(true))
    );
    assert_eq!(
        server
            .try_post(&path("claim"), json!({"agent_id": "two"}))
            .await
            .0,
        409
    );
    let shown = format!("/work-items/runs/{run}");
    server
        .wait_for(&shown, "the lease to lapse", |run| {
            run["claimed_by"].is_null()
        })
        .await;
    let second = server
        .post(&path("claim"), json!({"agent_id": "two"}))
        .await;
    assert_eq!(second["epoch"], 2);
    for (verb, body) in [
        ("heartbeat", json!({"agent_id": "one"})),
        ("complete?success=true", json!({"epoch": 1})),
        ("complete?success=true", json!(null)),
        ("logs?epoch=1", json!({"line": "late"})),
    ] {
        assert_eq!(
            server.try_post(&path(verb), body.clone()).await.0,
            409,
            "{verb} {body}"
        );
    }
    let done = server
        .post(&path("complete?success=True&epoch=2"), json!(null))
        .await;
    assert_eq!(done["status"], "succeeded");
    assert_eq!(
        server
            .try_post(&path("complete?success=true"), json!(null))
            .await
            .0,
        409
    );
}

#[tokio::test]
async fn a_batch_is_created_and_enqueued_all_or_none() {
    let server = Installation::serve();
    let project = server.project().await;
    let items: Vec<_> = (0..100)
        .map(|n| json!({"project_id": project, "title": format!("n{n}")}))
        .collect();
    let created = server
        .post("/work-items/batch", json!({"items": items}))
        .await;
    let ids: Vec<i64> = created
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["id"].as_i64().unwrap())
        .collect();
    assert_eq!(ids, (1..=100).collect::<Vec<_>>());
    let mut entries: Vec<_> = ids.iter().map(|id| json!({"work_item_id": id})).collect();
    entries.push(json!({"work_item_id": 999}));
    assert_eq!(
        server
            .try_post("/scheduler/enqueue/batch", json!({"entries": entries}))
            .await
            .0,
        404
    );
    assert_eq!(server.get("/scheduler/queue").await, json!([]));
    entries.pop();
    server
        .post("/scheduler/enqueue/batch", json!({"entries": entries}))
        .await;
    assert_eq!(
        server.post("/scheduler/tick", json!(null)).await["processed"],
        100
    );
}
