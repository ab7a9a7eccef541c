//! Approvals: exactly what was approved runs, and deciding happens once.

use serde_json::json;

use crate::support::Installation;

#[tokio::test]
async fn of_many_racing_deciders_one_wins() {
    let server = Installation::serve();
    let item = server.item(server.project().await, "docs").await;
    let approval = server
        .post(
            &format!("/work-items/{item}/approvals"),
            json!({"reason": "please"}),
        )
        .await;
    let id = approval["id"].as_i64().unwrap();
    let deciders = (0..20).map(|n| {
        let verb = if n % 2 == 0 { "approve" } else { "deny" };
        let path = format!("/work-items/approvals/{id}/{verb}");
        let server = &server;
        async move { server.try_post(&path, json!(null)).await.0.as_u16() }
    });
    let mut statuses = futures::future::join_all(deciders).await;
    statuses.sort_unstable();
    let mut expected = vec![200];
    expected.extend([409; 19]);
    assert_eq!(statuses, expected);
}

#[tokio::test]
async fn a_change_of_one_byte_needs_a_new_approval() {
    let server = Installation::serve();
    let item = server
        .item_with(server.project().await, "tofu:apply", &["true"])
        .await;
    let path = format!("/work-items/{item}/approvals");
    let first = server.post(&path, json!({})).await;
    server
        .post(
            &format!("/work-items/approvals/{}/approve", first["id"]),
            json!({}),
        )
        .await;
    server.enqueue(item).await;
    server
        .post(
            &format!("/work-items/{item}/tool-recipe"),
            json!({"yaml": "steps: [\"true \"]"}),
        )
        .await;

    assert_eq!(
        server.post("/scheduler/tick", json!(null)).await["processed"],
        0
    );
    let queue = server.get("/scheduler/queue").await;
    assert_eq!(queue[0]["why_not_running"][0]["code"], "approval_changed");
    let (status, problem) = server
        .try_post(&format!("/work-items/{item}/start"), json!(null))
        .await;
    assert_eq!(
        (status.as_u16(), &problem["code"]),
        (403, &json!("approval_changed"))
    );
    assert_eq!(server.get(&path).await[0]["status"], "expired");

    let second = server.post(&path, json!({})).await;
    server
        .post(
            &format!("/work-items/approvals/{}/approve", second["id"]),
            json!({}),
        )
        .await;
    assert_eq!(
        server.post("/scheduler/tick", json!(null)).await["processed"],
        1
    );
}

#[tokio::test]
async fn an_approval_covers_retries_but_not_a_second_entry() {
    let server = Installation::serve();
    let item = server.item(server.project().await, "deploy:prod").await;
    server
        .post(
            &format!("/work-items/{item}/policy"),
            json!({"max_retries": 1, "backoff_base_seconds": 0}),
        )
        .await;
    let approval = server
        .post(&format!("/work-items/{item}/approvals"), json!(null))
        .await;
    server
        .post(
            &format!("/work-items/approvals/{}/approve", approval["id"]),
            json!(null),
        )
        .await;
    server.enqueue(item).await;
    for (attempt, success) in [(1, false), (2, true)] {
        assert_eq!(
            server.post("/scheduler/tick", json!(null)).await["processed"],
            1,
            "attempt {attempt}"
        );
        let run = server.runs(item).await.pop().unwrap();
        assert_eq!(run["attempt"], attempt);
        server
            .post(
                &format!("/work-items/runs/{}/complete?success={success}", run["id"]),
                json!(null),
            )
            .await;
    }
    let entry = server.enqueue(item).await;
    assert_eq!(entry["why_not_running"][0]["code"], "approval_used");
    assert_eq!(
        server.post("/scheduler/tick", json!(null)).await["processed"],
        0
    );
}

#[tokio::test]
async fn a_denied_item_says_why_and_the_gate_can_be_switched_off() {
    let server = Installation::serve();
    let item = server.item(server.project().await, "docs").await;
    let approval = server
        .post(&format!("/work-items/{item}/approvals"), json!(null))
        .await;
    server
        .post(
            &format!("/work-items/approvals/{}/deny", approval["id"]),
            json!({"reason": "too early"}),
        )
        .await;
    let entry = server.enqueue(item).await;
    let why = &entry["why_not_running"][0];
    assert_eq!(why["code"], "approval_denied");
    assert!(
        why["message"].as_str().unwrap().contains("too early"),
        "{why}"
    );

    let open = Installation::with("serve", &[("ORCH_REQUIRE_APPROVAL", "false")]);
    let item = open.item(open.project().await, "deploy:prod").await;
    open.post(&format!("/work-items/{item}/start"), json!(null))
        .await;
}

#[tokio::test]
async fn a_gated_item_without_a_recipe_waits_again_for_the_planned_steps() {
    let server = Installation::with("up", &[]);
    let item = server.item(server.project().await, "tofu:apply").await;
    let approval = server
        .post(&format!("/work-items/{item}/approvals"), json!(null))
        .await;
    server
        .post(
            &format!("/work-items/approvals/{}/approve", approval["id"]),
            json!(null),
        )
        .await;
    server.enqueue(item).await;
    let run = server.wait_run(item, "waiting").await;
    let path = format!("/work-items/runs/{}/info-requests", run["id"]);
    let questions = server
        .wait_for(&path, "a question", |asked| asked[0]["status"] == "pending")
        .await;
    let keys = questions[0]["required_keys"].as_array().unwrap();
    assert!(keys.contains(&json!("steps")), "{questions}");
    let respond = format!(
        "/work-items/runs/info-requests/{}/respond",
        questions[0]["id"]
    );
    server
        .post(&respond, json!({"values": {"steps": "echo planned"}}))
        .await;

    let approvals = format!("/work-items/{item}/approvals");
    let asked = server
        .wait_for(&approvals, "an approval of the plan", |all| {
            all[1]["status"] == "pending"
        })
        .await;
    assert_eq!(asked[1]["run_id"], run["id"]);
    assert_eq!(
        asked[1]["planned_steps"][0]["run"], "echo planned",
        "{asked}"
    );
    assert_ne!(asked[1]["digest"], asked[0]["digest"]);
    server
        .post(&format!("/runs/{}/approve", run["id"]), json!(null))
        .await;
    let run = server.wait_run(item, "succeeded").await;
    let lines = server.log_lines(run["id"].as_i64().unwrap()).await;
    assert!(lines.iter().any(|line| line == "planned"), "{lines:?}");
}
