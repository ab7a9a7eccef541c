//! Budgets and costs of runs, work items and projects at once, through the binary.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::budgets::{PRICE, crowd, of, priced, set};
use super::place::{Place, Say};
use super::{Files, ask};
use crate::support::{Installation, answer};

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
    let (server, place, _files) = crowd(Installation::with).await;
    fifty_calls_stay_within_the_caps_of_every_level(&server, &place).await;
}

#[tokio::test]
async fn fifty_calls_stay_within_the_caps_of_every_level_on_postgresql() {
    let (server, place, _files) = crowd(Installation::on_postgres).await;
    fifty_calls_stay_within_the_caps_of_every_level(&server, &place).await;
}
