//! Budgets, prices and costs through the binary.

use std::process::Command;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::place::{Place, Say};
use super::{Files, ask};
use crate::support::{Installation, answer};

/// One model whose answers may have 100 tokens, at a micro-dollar each.
pub(super) fn priced(place: &Place, price: &str) -> String {
    format!(
        "version = 1\n[[model]]\nname = \"m\"\nprotocol = \"chat\"\nbase_url = \"{}\"\nattempts = 1\n{price}\n[default]\nchain = [\"m\"]\nmax_output_tokens = 100\n",
        place.base
    )
}

pub(super) const PRICE: &str = "price = { input = 0, output = 1000000 }";

/// Puts something, and expects nothing.
pub async fn put(server: &Installation, path: &str, body: Value) -> (StatusCode, Value) {
    answer(server.request(Method::PUT, path).json(&body)).await
}

/// Sets a budget of a project.
pub async fn set(server: &Installation, project: i64, body: Value) -> Value {
    let (status, set) = put(server, &format!("/projects/{project}/budget"), body).await;
    assert_eq!(status, StatusCode::OK, "{set}");
    set
}

pub(super) fn of(project: i64) -> Value {
    let mut body = ask(&["spec"]);
    body["project_id"] = json!(project);
    body
}

/// A project's first budget, and where it stands.
pub async fn budget(server: &Installation, project: i64) -> Value {
    server.get(&format!("/projects/{project}/budget")).await["budgets"][0].clone()
}

async fn kinds(server: &Installation, kind: &str) -> usize {
    let entries = server.get("/audit?limit=500").await;
    let entries = entries.as_array().expect("a list");
    entries
        .iter()
        .filter(|entry| entry.to_string().contains(kind))
        .count()
}

#[tokio::test]
async fn a_hard_cap_stops_before_it_is_exceeded_and_says_so_with_numbers() {
    let place = Place::open(vec![Say::chat("well")]).await;
    let files = Files::with(&priced(&place, PRICE));
    let server = files.serve(&[]);
    let project = server.project().await;
    set(
        &server,
        project,
        json!({"hard_cap_microusd": 150, "soft_cap_microusd": 30}),
    )
    .await;
    let done = server.post("/api/orchestrate", of(project)).await;
    assert_eq!(done["status"], "completed", "{done}");
    let stands = budget(&server, project).await;
    assert_eq!(
        (
            &stands["spent_microusd"],
            &stands["reserved_microusd"],
            &stands["remaining_microusd"],
            &stands["soft_cap_reached"]
        ),
        (&json!(40), &json!(0), &json!(110), &json!(true))
    );
    // 110 are left, which is enough for one at 100; 70 are not.
    assert_eq!(
        server.post("/api/orchestrate", of(project)).await["status"],
        "completed"
    );
    let refused = server.post("/api/orchestrate", of(project)).await;
    assert_eq!(refused["status"], "failed");
    let reason = refused["error"]["reason"].as_str().unwrap();
    assert!(
        reason.contains("$0.0001") && reason.contains(&format!("budget of project {project}")),
        "{reason}"
    );
    assert_eq!(place.came().len(), 2);
    assert_eq!(kinds(&server, "budget.soft_cap_reached").await, 1);
    assert_eq!(kinds(&server, "budget.refused").await, 1);

    // A soft cap below what is spent is reached by being set, once.
    set(&server, project, json!({"hard_cap_microusd": 150})).await;
    for _ in 0..2 {
        let caps = json!({"hard_cap_microusd": 150, "soft_cap_microusd": 10});
        set(&server, project, caps).await;
        assert_eq!(kinds(&server, "budget.soft_cap_reached").await, 2);
    }

    // What is used up is refused before anything begins.
    set(&server, project, json!({"hard_cap_microusd": 80})).await;
    let (status, problem) = server.try_post("/api/orchestrate", of(project)).await;
    assert_eq!(status, StatusCode::PAYMENT_REQUIRED, "{problem}");
    assert_eq!(
        (
            &problem["code"],
            &problem["hard_cap_microusd"],
            &problem["spent_microusd"],
            &problem["reserved_microusd"]
        ),
        (&json!("over_budget"), &json!(80), &json!(80), &json!(0))
    );
    // Without the project nothing is charged.
    assert_eq!(
        server.post("/api/orchestrate", ask(&["spec"])).await["status"],
        "completed"
    );
    let costs = server
        .get(&format!("/projects/{project}/costs?by=role"))
        .await;
    assert_eq!(
        (&costs["total"]["calls"], &costs["total"]["cost_microusd"]),
        (&json!(2), &json!(80))
    );
    assert_eq!(
        (&costs["lines"][0]["name"], &costs["lines"][0]["failed"]),
        (&json!("spec"), &json!(0))
    );
    // What was not let through is no call.
    assert_eq!(kinds(&server, "model.refused").await, 1);
    let metrics = server.request(Method::GET, "/metrics").send().await;
    let metrics = metrics.unwrap().text().await.unwrap();
    for line in [
        format!("orch_project_cost_usd_total{{project=\"{project}\"}} 0.000080"),
        format!("orch_project_unpriced_calls_total{{project=\"{project}\"}} 0"),
        "orch_model_refused_total{model=\"m\"} 1".to_owned(),
        "orch_model_calls_total{model=\"m\",outcome=\"failed\"} 0".to_owned(),
    ] {
        assert!(metrics.contains(&line), "{line}: {metrics}");
    }
    let today = server
        .get(&format!(
            "/projects/{project}/costs?by=day&since=2020-01-01"
        ))
        .await;
    assert_eq!(today["lines"].as_array().map(Vec::len), Some(1));
    assert!(
        server
            .cli(&["budget", "show", &project.to_string()])
            .contains("$0.00008")
    );
    assert!(
        server
            .cli(&["models", "costs", &project.to_string()])
            .contains("total")
    );
    server.cli(&["budget", "clear", &project.to_string()]);
    assert_eq!(
        server.post("/api/orchestrate", of(project)).await["status"],
        "completed"
    );
    // A budget that is set later knows what was spent before it.
    let set = set(
        &server,
        project,
        json!({"hard_cap_microusd": 1_000, "period": "month"}),
    )
    .await;
    assert_eq!(set["spent_microusd"], 120);
}

/// A server that lets many in at once, on a database by `on`, whose model answers once that is let in.
pub(super) async fn crowd(
    on: impl FnOnce(&'static str, &[(&str, &str)]) -> Installation,
) -> (Installation, Place, Files) {
    let place = Place::shut(vec![Say::chat("well")]).await;
    let files = Files::with(&priced(&place, PRICE));
    let models = files.models();
    let env = [
        ("ORCH_MODELS", models.as_str()),
        ("MAX_CONCURRENT_REQUESTS", "100"),
    ];
    (on("serve", &env), place, files)
}

async fn fifty_calls_in_flight_stay_within_the_cap(server: &Installation, place: &Place) {
    let project = server.project().await;
    set(server, project, json!({"hard_cap_microusd": 1_000})).await;
    let mut under_way = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let request = server
            .request(Method::POST, "/api/orchestrate")
            .json(&of(project));
        under_way.spawn(async move { answer(request).await });
    }
    // Ten at 100 each fill the cap; the others end, and then the ten are let in.
    for _ in 0..40 {
        let (status, refused) = under_way
            .join_next()
            .await
            .expect("one ends")
            .expect("it does");
        let is_refused = status == StatusCode::PAYMENT_REQUIRED || refused["status"] == "failed";
        assert!(
            is_refused && refused.to_string().contains("budget of project"),
            "{refused}"
        );
    }
    assert_eq!(place.came().len(), 10);
    let full = budget(server, project).await;
    assert_eq!(
        (&full["reserved_microusd"], &full["remaining_microusd"]),
        (&json!(1_000), &json!(0))
    );
    place.let_all_in();
    while let Some(ended) = under_way.join_next().await {
        let (_, done) = ended.expect("it ends");
        assert_eq!(done["status"], "completed", "{done}");
    }
    let after = budget(server, project).await;
    assert_eq!(
        (&after["reserved_microusd"], &after["spent_microusd"]),
        (&json!(0), &json!(400))
    );
}

#[tokio::test]
async fn fifty_calls_in_flight_stay_within_the_cap_on_sqlite() {
    let (server, place, _files) = crowd(Installation::with).await;
    fifty_calls_in_flight_stay_within_the_cap(&server, &place).await;
}

#[tokio::test]
async fn fifty_calls_in_flight_stay_within_the_cap_on_postgresql() {
    let (server, place, _files) = crowd(Installation::on_postgres).await;
    fifty_calls_in_flight_stay_within_the_cap(&server, &place).await;
}

#[tokio::test]
async fn a_model_without_a_price_is_not_asked_under_a_hard_cap() {
    let place = Place::open(vec![Say::chat("well")]).await;
    let files = Files::with(&priced(&place, ""));
    let server = files.serve(&[]);
    let project = server.project().await;
    set(&server, project, json!({"hard_cap_microusd": 1_000_000})).await;
    let refused = server.post("/api/orchestrate", of(project)).await;
    let reason = refused["error"]["reason"].as_str().unwrap();
    assert!(
        reason.contains("no price for \"m\"") && reason.contains("models set-price"),
        "{reason}"
    );
    assert!(place.came().is_empty());

    server.cli(&["models", "set-price", "m", "--input", "0", "--output", "1"]);
    let done = server.post("/api/orchestrate", of(project)).await;
    assert_eq!(done["status"], "completed", "{done}");
    // A new price counts from now on.
    let (status, _) = put(
        &server,
        "/models/prices/m",
        json!({"input": 0, "output": 2_000_000}),
    )
    .await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        server.post("/api/orchestrate", of(project)).await["status"],
        "completed"
    );
    assert_eq!(budget(&server, project).await["spent_microusd"], 40 + 80);
    let prices = server.get("/models/prices").await;
    assert_eq!(
        (&prices[0]["output"], &prices[0]["source"]),
        (&json!(2_000_000), &json!("set"))
    );
    let table = json!({"prices": [{"model": "openai/x:1", "input": 1, "output": 2}]});
    let (status, table) = put(&server, "/models/prices", table).await;
    assert_eq!(
        (status, table.as_array().map(Vec::len)),
        (StatusCode::OK, Some(1))
    );
    server.cli(&["models", "remove-price", "openai/x:1"]);
    assert_eq!(server.get("/models/prices").await, json!([]));
    assert_eq!(kinds(&server, "model.price_set").await, 3);
    assert_eq!(kinds(&server, "model.price_removed").await, 2);
}

#[tokio::test]
async fn what_cannot_be_a_budget_is_refused_by_field() {
    let server = Installation::serve();
    let (project, other) = (server.project().await, server.project().await);
    let item = server.item(other, "elsewhere").await;
    let path = format!("/projects/{project}/budget");
    for (body, status, part) in [
        (json!({}), 422, "hard_cap_microusd"),
        (json!({"hard_cap_microusd": -1}), 422, "hard_cap_microusd"),
        (
            json!({"hard_cap_microusd": 1, "soft_cap_microusd": 2}),
            422,
            "soft_cap_microusd",
        ),
        (
            json!({"hard_cap_microusd": 1, "period": "week"}),
            422,
            "one of total, month",
        ),
        (
            json!({"hard_cap_microusd": 1, "scope": "galaxy"}),
            422,
            "work_item",
        ),
        (
            json!({"hard_cap_microusd": 1, "scope": "run"}),
            422,
            "scope_id",
        ),
        (
            json!({"hard_cap_microusd": 1, "scope": "work_item", "scope_id": item}),
            404,
            "has no work item",
        ),
        (
            json!({"hard_cap_microusd": 2_000_000_000_000_u64}),
            422,
            "micro-dollars",
        ),
    ] {
        let (got, problem) = put(&server, &path, body.clone()).await;
        assert_eq!(got.as_u16(), status, "{body}: {problem}");
        assert!(problem.to_string().contains(part), "{body}: {problem}");
    }
    let (status, _) = put(
        &server,
        "/projects/999/budget",
        json!({"hard_cap_microusd": 1}),
    )
    .await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let (status, _) = answer(server.request(Method::DELETE, &path)).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert_eq!(server.get(&path).await["budgets"], json!([]));
    let (status, problem) = answer(server.request(
        Method::GET,
        &format!("/projects/{project}/costs?since=soon"),
    ))
    .await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
    let (status, _) = server.try_post("/api/orchestrate", of(999)).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let failed: &mut Command = &mut server.command(&["budget", "set", "1", "--hard", "much"]);
    assert!(!failed.output().expect("it runs").status.success());
}

#[tokio::test]
async fn a_price_that_was_set_is_shown_as_set_also_under_a_models_own_name() {
    let place = Place::open(vec![Say::chat("well")]).await;
    let files = Files::with(&format!(
        "version = 1\n[[model]]\nname = \"mine\"\nprotocol = \"chat\"\nbase_url = \"{}\"\nmodel = \"big-1\"\n",
        place.base
    ));
    let server = files.serve(&[]);
    server.cli(&[
        "models",
        "set-price",
        "big",
        "--input",
        "1",
        "--output",
        "2",
    ]);
    let prices = server.get("/models/prices").await;
    let shown: Vec<_> = prices
        .as_array()
        .expect("a list")
        .iter()
        .map(|price| (price["model"].as_str(), price["source"].as_str()))
        .collect();
    assert_eq!(
        shown,
        [(Some("big"), Some("set")), (Some("mine"), Some("set"))]
    );
}

#[tokio::test]
async fn counts_of_tokens_that_make_no_sense_spoil_no_view_and_tasks_have_their_costs() {
    let absurd = json!({
        "choices": [{"message": {"content": "well"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": -5, "completion_tokens": 1e30},
    });
    let place = Place::open(vec![Say::status(200, &absurd)]).await;
    let files = Files::with(&priced(&place, PRICE));
    let server = files.serve(&[]);
    let project = server.project().await;
    let item = server.item(project, "a task").await;
    let mut body = ask(&["spec"]);
    body["work_item_id"] = json!(item);
    for _ in 0..3 {
        let done = server.post("/api/orchestrate", body.clone()).await;
        assert_eq!(done["status"], "completed", "{done}");
    }
    let costs = server.get(&format!("/projects/{project}/costs")).await;
    // "well" is a token, as far as can be guessed.
    assert_eq!(
        (&costs["total"]["calls"], &costs["total"]["cost_microusd"]),
        (&json!(3), &json!(3)),
        "{costs}"
    );
    server.get(&format!("/work-items/{item}")).await;
    assert_eq!(kinds(&server, "miscounted").await, 3);
    let metrics = server.request(Method::GET, "/metrics").send().await;
    let metrics = metrics.unwrap().text().await.unwrap();
    let line = format!(
        "orch_work_item_cost_usd_total{{project=\"{project}\",work_item=\"{item}\"}} 0.000003"
    );
    assert!(metrics.contains(&line), "{metrics}");
}
