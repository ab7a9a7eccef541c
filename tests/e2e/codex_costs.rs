//! What Codex uses of its model, through the binary: charged once where it belongs, and stopped where nothing is left.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    codex::{
        Workshop,
        scripted_model::{INPUT_TOKENS, MODEL, OUTPUT_TOKENS, Reply},
    },
    models::budgets::{budget, put, set},
    once::{question, say},
    support::Installation,
};

/// At a micro-dollar a token, cached ones too.
async fn price(up: &Installation) {
    let path = format!("/models/prices/{MODEL}");
    let body = json!({"input": 1_000_000, "output": 1_000_000});
    let (status, set) = put(up, &path, body).await;
    assert_eq!(status, StatusCode::OK, "{set}");
}

/// What one request of Codex costs then.
const ONE: u64 = INPUT_TOKENS + OUTPUT_TOKENS;

async fn spent(up: &Installation, project: i64) -> Value {
    budget(up, project).await["spent_microusd"].clone()
}

async fn is_charged_once(mode: &str) {
    let workshop = Workshop::with(
        &[("AGENT_CODEX_MODE", mode)],
        [Reply::run("echo one"), Reply::say("All done.")],
    )
    .await;
    let up = &workshop.up;
    price(up).await;
    let project = up.project().await;
    set(up, project, json!({"soft_cap_microusd": ONE})).await;
    let item = up.item(project, "Work").await;
    up.enqueue(item).await;
    let run = up.wait_run(item, "succeeded").await;
    let shown = up.get(&format!("/work-items/runs/{}", run["id"])).await;
    let costs = &shown["costs"][0];
    assert_eq!(
        (&costs["name"], &costs["cost_microusd"], &costs["unpriced"]),
        (&json!(MODEL), &json!(2 * ONE), &json!(0)),
        "{shown}"
    );
    assert_eq!(shown["costs"].as_array().map(Vec::len), Some(1));
    assert_eq!(spent(up, project).await, json!(2 * ONE));
    let by_item = up
        .get(&format!("/projects/{project}/costs?by=work_item"))
        .await;
    assert_eq!(by_item["lines"][0]["name"], item.to_string());
    assert_eq!(by_item["total"]["cost_microusd"], 2 * ONE);
    let soft = up.get("/audit?kind=budget.soft_cap_reached").await;
    assert_eq!(soft.as_array().map(Vec::len), Some(1), "{soft}");
    let text = up
        .request(Method::GET, "/metrics")
        .send()
        .await
        .expect("an answer");
    let text = text.text().await.expect("a text");
    let line = format!(
        "orch_model_tokens_total{{model=\"{MODEL}\",kind=\"output\"}} {}",
        2 * OUTPUT_TOKENS
    );
    assert!(text.contains(&line), "{line} is not in:\n{text}");
    let shown = up.cli(&["run", "show", &run["id"].to_string()]);
    assert!(shown.contains("$0.0021"), "{shown}");
}

#[tokio::test]
async fn a_run_of_codex_is_charged_once_to_run_item_and_project() {
    is_charged_once("app-server").await;
}

#[tokio::test]
async fn a_run_of_codex_exec_is_charged_once_to_run_item_and_project() {
    is_charged_once("exec").await;
}

/// Whether so many requests are charged, but for at most `broken_off` of them.
fn is_charged_but_for(broken_off: u64, requests: u64, spent: &Value) {
    let spent = spent.as_u64().expect("micro-dollars");
    let least = requests.saturating_sub(broken_off).max(1) * ONE;
    assert!(
        (least..=requests * ONE).contains(&spent) && spent.is_multiple_of(ONE),
        "{spent} for {requests} requests"
    );
}

#[tokio::test]
async fn a_run_stops_at_a_hard_cap_and_goes_on_where_it_was_once_that_is_raised() {
    let workshop = Workshop::new([
        Reply::run("echo one >> made"),
        Reply::run("echo two >> made"),
        Reply::say("All done."),
    ])
    .await;
    let up = &workshop.up;
    price(up).await;
    let project = up.project().await;
    let item = up.item(project, "Work").await;
    let small = json!({"scope": "work_item", "scope_id": item, "hard_cap_microusd": ONE});
    set(up, project, small).await;
    up.enqueue(item).await;
    let run = up.wait_run(item, "waiting").await;
    let asked = question(up, &run).await;
    let prompt = asked["prompt"].as_str().expect("a text");
    assert!(
        prompt.starts_with("no model may be asked for this run: the budget of work item")
            && prompt.contains("has nothing left of $0.00105"),
        "{prompt}"
    );
    // What was answered is charged: a request that was under way is broken off, and nobody tells what it took.
    let before = workshop.model.requests().len() as u64;
    is_charged_but_for(1, before, &spent(up, project).await);
    // It is not asked again before a person says so.
    say(up, &asked, "retry").await;
    let again = up
        .wait_for(
            &format!("/work-items/runs/{}/info-requests", run["id"]),
            "the question again",
            |all| all.as_array().is_some_and(|all| all.len() == 2),
        )
        .await;
    assert_eq!(workshop.model.requests().len() as u64, before, "{again}");
    let large = json!({"scope": "work_item", "scope_id": item, "hard_cap_microusd": 100 * ONE});
    set(up, project, large).await;
    let asked = question(up, &run).await;
    say(up, &asked, "retry").await;
    let run = up.wait_run(item, "succeeded").await;
    assert_eq!(run["attempt"], 1);
    let asked = workshop.model.requests().len() as u64;
    let all = spent(up, project).await;
    is_charged_but_for(1, asked, &all);
    let shown = up.get(&format!("/work-items/runs/{}", run["id"])).await;
    assert_eq!(shown["costs"][0]["cost_microusd"], all);
}

#[tokio::test]
async fn a_run_begins_no_model_where_the_project_has_nothing_left() {
    let workshop = Workshop::new([Reply::say("never asked")]).await;
    let up = &workshop.up;
    let project = up.project().await;
    set(up, project, json!({"hard_cap_microusd": 0})).await;
    let item = up.item(project, "Work").await;
    up.enqueue(item).await;
    let run = up.wait_run(item, "waiting").await;
    let asked = question(up, &run).await;
    assert!(
        asked
            .to_string()
            .contains(&format!("the budget of project {project} has nothing left")),
        "{asked}"
    );
    assert!(workshop.model.requests().is_empty());
    let cancelled = up
        .post(&format!("/work-items/runs/{}/cancel", run["id"]), json!({}))
        .await;
    assert_eq!(cancelled["status"], "cancelled", "{cancelled}");
    let why = up.cli(&["budget", "show", &project.to_string()]);
    assert!(why.contains("$0.00"), "{why}");
}

#[tokio::test]
async fn a_model_without_a_price_is_counted_without_cost_and_that_is_said() {
    let workshop = Workshop::new([Reply::say("All done.")]).await;
    let up = &workshop.up;
    let item = up.item(up.project().await, "Work").await;
    up.enqueue(item).await;
    let run = up.wait_run(item, "succeeded").await;
    let shown = up.get(&format!("/work-items/runs/{}", run["id"])).await;
    let costs = &shown["costs"][0];
    assert_eq!(
        (
            &costs["input_tokens"],
            &costs["cost_microusd"],
            &costs["unpriced"]
        ),
        (&json!(INPUT_TOKENS), &json!(0), &json!(1)),
        "{shown}"
    );
}
