//! Bad input gets a clear problem response, and loses nothing.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Installation, answer};

fn check(problem: &Value, status: u16, words: &str) {
    assert_eq!(problem["status"], status, "{problem}");
    let text = problem.to_string();
    assert!(text.contains(words), "`{words}` is not in {text}");
}

#[tokio::test]
async fn problems_name_the_field_and_what_is_expected() {
    let server = Installation::serve();
    let project = server.project().await;
    let item = server.item(project, "a").await;
    let long = "x".repeat(501);
    let recipe = format!("/work-items/{item}/tool-recipe");
    let cases: Vec<(String, Value, u16, &str)> = vec![
        ("/projects".into(), json!({"name": ""}), 422, "name"),
        ("/projects".into(), json!({"nam": "x"}), 422, "nam"),
        ("/projects".into(), json!({"name": 7}), 422, "name"),
        (
            "/work-items".into(),
            json!({"project_id": 99, "title": "x"}),
            404,
            "project 99",
        ),
        (
            "/work-items".into(),
            json!({"project_id": project, "title": long}),
            422,
            "501 characters",
        ),
        (
            "/work-items".into(),
            json!({"project_id": project, "title": "x", "kind": "saga"}),
            422,
            "kind",
        ),
        (
            "/scheduler/enqueue".into(),
            json!({"work_item_id": 99}),
            404,
            "work item 99",
        ),
        (
            "/scheduler/enqueue".into(),
            json!({"work_item_id": item, "depends_on": [item]}),
            422,
            "itself",
        ),
        (
            "/scheduler/enqueue".into(),
            json!({"work_item_id": item, "delay_seconds": -1}),
            422,
            "delay_seconds",
        ),
        (recipe.clone(), json!({"yaml": "steps: [1"}), 422, "line"),
        (
            recipe.clone(),
            json!({"yaml": "steps:\n  - rum: x\n"}),
            422,
            "rum",
        ),
        (
            recipe.clone(),
            json!({"yaml": "tools:\n  - name: a\n    checksum: md5:00\nsteps: [x]"}),
            422,
            "sha256",
        ),
        (
            recipe.clone(),
            json!({"yaml": "steps:\n  - run: x\n    timeout: -1\n"}),
            422,
            "timeout",
        ),
        (
            recipe.clone(),
            json!({"yaml": "steps:\n  - run: x\n    cwd: ../up\n"}),
            422,
            "cwd",
        ),
        (
            "/work-items/runs/1/claim".into(),
            json!({"agent_id": "a"}),
            404,
            "run 1",
        ),
    ];
    for (path, body, status, words) in cases {
        let (_, problem) = server.try_post(&path, body).await;
        check(&problem, status, words);
    }
    let (_, broken) = answer(
        server
            .request(Method::POST, "/projects")
            .header("content-type", "application/json")
            .body("{\"name\": "),
    )
    .await;
    check(&broken, 400, "line 1");
    assert_eq!(server.get("/projects").await.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_body_over_the_limit_is_413_and_absent_bodies_are_equal() {
    let server = Installation::serve();
    let big = json!({"name": "x".repeat(2 * 1024 * 1024)});
    let (status, _) = server.try_post("/projects", big).await;
    assert_eq!(status, 413);
    let item = server.item(server.project().await, "a").await;
    let path = format!("/work-items/{item}/approvals");
    let post = || server.request(Method::POST, &path);
    for request in [
        post(),
        post().header("content-type", "application/json"),
        post()
            .header("content-type", "application/json")
            .body("null"),
        post().header("content-type", "application/json").body("{}"),
    ] {
        let (status, body) = answer(request).await;
        assert_eq!((status.as_u16(), &body["reason"]), (201, &Value::Null));
    }
}
