//! Budgets, prices and costs through the binary.

use std::process::Command;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::place::{Place, Say};
use super::{Files, ask};
use crate::support::{Installation, answer};

/// One model whose answers may have 100 tokens, at a micro-dollar each.
fn priced(place: &Place, price: &str) -> String {
    format!(
        "version = 1\n[[model]]\nname = \"m\"\nprotocol = \"chat\"\nbase_url = \"{}\"\nattempts = 1\n{price}\n[default]\nchain = [\"m\"]\nmax_output_tokens = 100\n",
        place.base
    )
}

const PRICE: &str = "price = { input = 0, output = 1000000 }";

async fn put(server: &Installation, path: &str, body: Value) -> (StatusCode, Value) {
    answer(server.request(Method::PUT, path).json(&body)).await
}

async fn set(server: &Installation, project: i64, body: Value) -> Value {
    let (status, set) = put(server, &format!("/projects/{project}/budget"), body).await;
    assert_eq!(status, StatusCode::OK, "{set}");
    set
}

fn of(project: i64) -> Value {
    let mut body = ask(&["spec"]);
    body["project_id"] = json!(project);
    body
}

async fn budget(server: &Installation, project: i64) -> Value {
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
        (&json!(3), &json!(80))
    );
    assert_eq!(
        (&costs["lines"][0]["name"], &costs["lines"][0]["failed"]),
        (&json!("spec"), &json!(1))
    );
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
    let place = Place::shut(vec![Say::chat("well")]).await;
    let files = Files::with(&priced(&place, PRICE));
    let models = files.models();
    let server = Installation::with(
        "serve",
        &[("ORCH_MODELS", &models), ("MAX_CONCURRENT_REQUESTS", "100")],
    );
    fifty_calls_in_flight_stay_within_the_cap(&server, &place).await;
}

#[tokio::test]
async fn fifty_calls_in_flight_stay_within_the_cap_on_postgresql() {
    let place = Place::shut(vec![Say::chat("well")]).await;
    let files = Files::with(&priced(&place, PRICE));
    let models = files.models();
    let server = Installation::on_postgres(
        "serve",
        &[("ORCH_MODELS", &models), ("MAX_CONCURRENT_REQUESTS", "100")],
    );
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

/// A request for a work item or a run.
fn for_work(field: &str, id: i64) -> Value {
    let mut body = ask(&["spec"]);
    body[field] = json!(id);
    body
}

/// An item of a project, and a run of it that nobody holds.
async fn started(server: &Installation, project: i64) -> (i64, i64) {
    let item = server.item(project, "Work").await;
    server.enqueue(item).await;
    server.post("/scheduler/tick", json!(null)).await;
    let run = server.wait_run(item, "running").await;
    (item, run["id"].as_i64().expect("a number"))
}

#[tokio::test]
async fn a_request_for_a_run_counts_at_its_item_and_project_and_each_cap_holds() {
    let place = Place::open(vec![Say::chat("well")]).await;
    let files = Files::with(&priced(&place, PRICE));
    let server = files.serve(&[]);
    let project = server.project().await;
    let (item, run) = started(&server, project).await;
    let done = server
        .post("/api/orchestrate", for_work("run_id", run))
        .await;
    assert_eq!(done["status"], "completed", "{done}");
    let done = server
        .post("/api/orchestrate", for_work("work_item_id", item))
        .await;
    assert_eq!(done["status"], "completed", "{done}");
    let of = async |path: String| server.get(&path).await["costs"].clone();
    let shown = of(format!("/work-items/{item}")).await;
    assert_eq!(
        (&shown[0]["name"], &shown[0]["cost_microusd"]),
        (&json!("m"), &json!(80)),
        "{shown}"
    );
    let shown = of(format!("/work-items/runs/{run}")).await;
    assert_eq!(shown[0]["cost_microusd"], 40, "{shown}");
    for (scope, id, hard, body) in [
        ("run", run, 40, for_work("run_id", run)),
        ("work_item", item, 80, for_work("run_id", run)),
        ("work_item", item, 80, for_work("work_item_id", item)),
        ("project", project, 80, for_work("work_item_id", item)),
    ] {
        set(
            &server,
            project,
            json!({"scope": scope, "scope_id": id, "hard_cap_microusd": hard}),
        )
        .await;
        let (status, problem) = server.try_post("/api/orchestrate", body).await;
        assert_eq!(status, StatusCode::PAYMENT_REQUIRED, "{problem}");
        assert_eq!(
            (&problem["scope"], &problem["scope_id"]),
            (&json!(scope), &json!(id))
        );
        let told = problem["detail"].as_str().expect("a text");
        assert!(told.contains("has nothing left of $0.0000"), "{told}");
        let path = format!("/projects/{project}/budget?scope={scope}&scope_id={id}");
        answer(server.request(Method::DELETE, &path)).await;
    }
    // The model answers on this thread.
    let (of_item, of_run) = (item.to_string(), run.to_string());
    let mut command = server.command(&[
        "orchestrate",
        "ask",
        "x",
        "--agents",
        "spec",
        "--item",
        &of_item,
        "--run",
        &of_run,
    ]);
    let asked = tokio::task::spawn_blocking(move || command.output().expect("it runs"));
    let said = String::from_utf8(asked.await.expect("it ends").stdout).expect("a text");
    assert!(said.contains("well"), "{said}");
    assert!(
        server
            .cli(&["run", "show", &run.to_string()])
            .contains("$0.00008")
    );
    assert!(
        server
            .cli(&["work", "show", &item.to_string()])
            .contains("$0.00012")
    );
}

#[tokio::test]
async fn work_that_contradicts_itself_or_is_not_there_and_unknown_fields_are_refused_by_name() {
    let place = Place::open(vec![Say::chat("well")]).await;
    let files = Files::with(&priced(&place, PRICE));
    let server = files.serve(&[]);
    let (project, other) = (server.project().await, server.project().await);
    let (item, run) = started(&server, project).await;
    let elsewhere = server.item(other, "elsewhere").await;
    let with = |fields: Value| {
        let mut body = ask(&["spec"]);
        let fields = fields.as_object().cloned().unwrap_or_default();
        body.as_object_mut().expect("an object").extend(fields);
        body
    };
    for (fields, status, parts) in [
        (
            json!({"run_id": run, "work_item_id": elsewhere}),
            422,
            vec![
                format!("`work_item_id` is {elsewhere}"),
                format!("{item}, the work item of run {run}"),
            ],
        ),
        (
            json!({"run_id": run, "project_id": other}),
            422,
            vec![
                format!("`project_id` is {other}"),
                format!("{project}, the project of run {run}"),
            ],
        ),
        (
            json!({"work_item_id": elsewhere, "options": {"project": project}}),
            422,
            vec![format!("{other}, the project of work item {elsewhere}")],
        ),
        (json!({"run_id": 999}), 404, vec!["run 999".to_owned()]),
        (
            json!({"work_item_id": 999}),
            404,
            vec!["work item 999".to_owned()],
        ),
        (
            json!({"agents": ["spec"]}),
            422,
            vec![
                "`agents`".to_owned(),
                "an unknown field".to_owned(),
                "`agent_sequence`".to_owned(),
                "`run_id`".to_owned(),
            ],
        ),
    ] {
        let (got, problem) = server
            .try_post("/api/orchestrate", with(fields.clone()))
            .await;
        assert_eq!(got.as_u16(), status, "{fields}: {problem}");
        for part in parts {
            assert!(
                problem.to_string().contains(&part),
                "{fields}: {part}: {problem}"
            );
        }
    }
    assert!(place.came().is_empty());
    let free = json!({"context": {"anything": 1}, "options": {"whatever": [2]}});
    assert_eq!(
        server.post("/api/orchestrate", with(free)).await["status"],
        "completed"
    );
}

async fn fifty_calls_stay_within_the_caps_of_every_level(server: &Installation, place: &Place) {
    let project = server.project().await;
    let (item, run) = started(server, project).await;
    // Of 50 calls ten fit the project, seven the item, four the run.
    for (scope, id, hard) in [
        ("project", project, 1_000),
        ("work_item", item, 700),
        ("run", run, 400),
    ] {
        set(
            server,
            project,
            json!({"scope": scope, "scope_id": id, "hard_cap_microusd": hard}),
        )
        .await;
    }
    let mut under_way = tokio::task::JoinSet::new();
    let mut ask_all = |body: Value, count: usize| {
        for _ in 0..count {
            let request = server.request(Method::POST, "/api/orchestrate").json(&body);
            under_way.spawn(async move { answer(request).await });
        }
    };
    ask_all(for_work("run_id", run), 20);
    ask_all(for_work("work_item_id", item), 15);
    ask_all(of(project), 15);
    for _ in 0..40 {
        let (_, refused) = under_way
            .join_next()
            .await
            .expect("one ends")
            .expect("it does");
        assert!(refused.to_string().contains("the budget of "), "{refused}");
    }
    let budgets = server.get(&format!("/projects/{project}/budget")).await["budgets"].clone();
    for at in budgets.as_array().expect("a list") {
        let reserved = at["reserved_microusd"].as_u64().expect("a number");
        assert!(
            reserved <= at["hard_cap_microusd"].as_u64().expect("a number"),
            "{at}"
        );
    }
    assert_eq!(budgets[0]["reserved_microusd"], 1_000, "{budgets}");
    place.let_all_in();
    while let Some(ended) = under_way.join_next().await {
        let (_, done) = ended.expect("it ends");
        assert_eq!(done["status"], "completed", "{done}");
    }
    let budgets = server.get(&format!("/projects/{project}/budget")).await["budgets"].clone();
    assert_eq!(budgets[0]["spent_microusd"], 400, "{budgets}");
    for at in budgets.as_array().expect("a list") {
        assert_eq!(at["reserved_microusd"], 0, "{at}");
    }
}

#[tokio::test]
async fn fifty_calls_stay_within_the_caps_of_every_level_on_sqlite() {
    let place = Place::shut(vec![Say::chat("well")]).await;
    let files = Files::with(&priced(&place, PRICE));
    let models = files.models();
    let server = Installation::with(
        "serve",
        &[("ORCH_MODELS", &models), ("MAX_CONCURRENT_REQUESTS", "100")],
    );
    fifty_calls_stay_within_the_caps_of_every_level(&server, &place).await;
}

#[tokio::test]
async fn fifty_calls_stay_within_the_caps_of_every_level_on_postgresql() {
    let place = Place::shut(vec![Say::chat("well")]).await;
    let files = Files::with(&priced(&place, PRICE));
    let models = files.models();
    let server = Installation::on_postgres(
        "serve",
        &[("ORCH_MODELS", &models), ("MAX_CONCURRENT_REQUESTS", "100")],
    );
    fifty_calls_stay_within_the_caps_of_every_level(&server, &place).await;
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
