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
            "/scheduler/enqueue".into(),
            json!({"work_item_id": item, "depends_on": (1..=10_001).collect::<Vec<_>>()}),
            422,
            "at most 10000",
        ),
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
async fn query_values_outside_what_is_allowed_are_refused_by_name() {
    let server = Installation::serve();
    let item = server.item(server.project().await, "a").await;
    let path = format!("/work-items/{item}/start");
    let run = server.post(&path, json!(null)).await["id"].clone();
    let logs = format!("/work-items/runs/{run}/logs");
    let cases = [
        (
            "/projects?order=up".to_owned(),
            "`order` is `up`; expected one of asc, desc",
        ),
        (
            "/projects?limit=0".to_owned(),
            "`limit`: expected a number from 1 to 10000, got `0`",
        ),
        (
            "/work-items?state=open".to_owned(),
            "`state` is `open`; expected one of Proposed, Approved, In Progress, Review, Done, Cancelled",
        ),
        (
            "/work-items/approvals?status=open".to_owned(),
            "`status` is `open`; expected one of pending, approved, denied, expired",
        ),
        (
            "/work-items/runs?status=ended".to_owned(),
            "`status` is `ended`; expected one of running, waiting, succeeded, failed, cancelled, lost",
        ),
        (
            "/work-items/runs/info-requests?status=open".to_owned(),
            "`status` is `open`; expected one of pending, resolved, cancelled",
        ),
        (
            "/scheduler/queue?status=waiting".to_owned(),
            "`status` is `waiting`; expected one of queued, running, done, failed, cancelled",
        ),
        (
            "/observability/metrics?format=xml".to_owned(),
            "`format` is `xml`; expected one of json, prometheus, text",
        ),
        (
            format!("{logs}?format=xml"),
            "`format` is `xml`; expected text or json",
        ),
        (
            format!("{logs}/stream?format=text"),
            "`format` is `text`; expected one of json",
        ),
        (
            "/audit?project=1&project_id=2".to_owned(),
            "`project_id` differs from `project`",
        ),
    ];
    for (path, detail) in cases {
        let (status, problem) = answer(server.request(Method::GET, &path)).await;
        assert_eq!(
            (status.as_u16(), &problem["detail"]),
            (422, &json!(detail)),
            "{path}"
        );
    }
    for (path, name) in [
        (format!("{logs}?stream=stdout"), "stream"),
        (format!("{logs}?format=json&tailx=5"), "tailx"),
        (format!("{logs}/stream?step=1"), "step"),
        ("/logs?q=a&run=1".to_owned(), "run"),
    ] {
        let (status, problem) = answer(server.request(Method::GET, &path)).await;
        assert_eq!(status.as_u16(), 422, "{path}");
        assert_eq!(problem["errors"][0]["field"], name, "{problem}");
    }
    let (_, problem) = answer(server.request(Method::GET, &format!("{logs}?limit=0"))).await;
    let wrong = json!([{"field": "limit", "got": "0", "expected": "1 to 10000"}]);
    assert_eq!(problem["errors"], wrong);
}

#[tokio::test]
async fn answers_that_do_not_fit_are_named_in_the_detail() {
    let server = Installation::serve();
    let item = server.item(server.project().await, "a").await;
    let path = format!("/work-items/{item}/start");
    let run = server.post(&path, json!(null)).await["id"].clone();
    let path = format!("/work-items/runs/{run}/info-requests");
    let question = json!({"prompt": "which?", "required_keys": ["region"]});
    let asked = server.post(&path, question).await["id"].clone();
    let path = format!("/work-items/runs/info-requests/{asked}/respond");
    let (status, problem) = server
        .try_post(&path, json!({"values": {"zone": "a"}}))
        .await;
    let detail = "the answers do not fit the question: `zone` was not asked for (expected region); \
        `region` is required";
    assert_eq!((status.as_u16(), &problem["detail"]), (422, &json!(detail)));
}

#[tokio::test]
async fn a_run_asks_no_more_than_people_can_answer() {
    let server = Installation::serve();
    let item = server.item(server.project().await, "a").await;
    let path = format!("/work-items/{item}/start");
    let run = server.post(&path, json!(null)).await["id"].clone();
    let path = format!("/work-items/runs/{run}/info-requests");
    let question = json!({"prompt": "which?", "required_keys": ["region"]});
    let mut asked = Vec::new();
    for _ in 0..20 {
        asked.push(server.post(&path, question.clone()).await["id"].clone());
    }
    let (status, problem) = server.try_post(&path, question.clone()).await;
    assert_eq!(
        (status.as_u16(), &problem["code"]),
        (409, &json!("too_many_questions"))
    );
    let respond = format!("/work-items/runs/info-requests/{}/respond", asked[0]);
    server
        .post(&respond, json!({"values": {"region": "a"}}))
        .await;
    server.post(&path, question).await;
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

#[tokio::test]
async fn a_query_value_that_a_route_does_not_know_is_refused_by_name_on_every_route() {
    let server = Installation::serve();
    let document = server.get("/openapi.json").await;
    let mut asked = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        let numbered: Vec<&str> = path
            .split('/')
            .map(|part| if part.starts_with('{') { "1" } else { part })
            .collect();
        let numbered = format!("{}?zzz=1", numbered.join("/"));
        for method in item.as_object().unwrap().keys() {
            let Ok(method) = Method::from_bytes(method.to_uppercase().as_bytes()) else {
                continue;
            };
            if !["GET", "PUT", "POST", "PATCH", "DELETE"].contains(&method.as_str()) {
                continue;
            }
            let (status, problem) = answer(server.request(method.clone(), &numbered)).await;
            assert_eq!(
                (status.as_u16(), &problem["errors"][0]["field"]),
                (422, &json!("zzz")),
                "{method} {path}: {problem}"
            );
            asked += 1;
        }
    }
    assert!(asked > 100, "{asked}");
    // What would have been the project's own budget.
    let project = server.project().await;
    let budget = format!("/projects/{project}/budget");
    let caps = json!({"hard_cap_microusd": 1});
    let request = server.request(Method::PUT, &format!("{budget}?plan=44"));
    let (status, problem) = answer(request.json(&caps)).await;
    assert_eq!(
        (status.as_u16(), &problem["detail"]),
        (
            422,
            &json!("the query value `plan`: expected no query values, got an unknown query value")
        )
    );
    let with_plan = json!({"hard_cap_microusd": 1, "plan_id": 44});
    let (status, problem) = answer(server.request(Method::PUT, &budget).json(&with_plan)).await;
    assert_eq!(
        (status.as_u16(), &problem["errors"][0]["field"]),
        (422, &json!("plan_id"))
    );
    assert_eq!(server.get(&budget).await["budgets"], json!([]));
}
