//! The part of the story that is about budgets, prices and what models have cost.

use orch_core::ids::{PlanId, ProjectId, RunId, WorkItemId};
use orch_core::time::Timestamp;

use super::conformance::Transcript;
use crate::budget::{Levels, NewBudget, NewReservation};
use crate::charge::{self, Meter, Used};
use crate::model_call::{NewModelCall, Summed};
use crate::model_price::NewPrice;
use crate::{Conn, Store, budget, model_call, model_cost, model_price};

const PROJECT: ProjectId = ProjectId(1);
/// Where sums end.
const MOST_SUM: i64 = 9_000_000_000_000_000;

fn levels() -> Levels {
    Levels {
        project: PROJECT,
        plan: Some(3),
        work_item: None,
        run: Some(9),
    }
}

fn new_budget(scope: &str, scope_id: i64, hard: Option<i64>, now: Timestamp) -> NewBudget<'_> {
    NewBudget {
        project: PROJECT,
        scope,
        scope_id,
        hard_microusd: hard,
        soft_microusd: Some(5),
        period: "total",
        period_start: Timestamp::from_micros(0),
        spent_microusd: 1,
        by: "user",
        now,
    }
}

fn call(role: &str, plan: Option<i64>, cost: Option<i64>, now: Timestamp) -> NewModelCall<'_> {
    NewModelCall {
        orchestration_id: None,
        project_id: Some(PROJECT.get()),
        plan_id: plan,
        work_item_id: None,
        run_id: Some(9),
        role,
        model: "m",
        ask: "{}",
        answer: None,
        error: cost.is_none().then_some("no"),
        input_tokens: 3,
        cached_tokens: 2,
        output_tokens: 1,
        cost_microusd: cost,
        started_at: now,
        latency_us: 7,
    }
}

pub(super) async fn budgets(store: &Store, t: &Transcript) {
    let mut tx = store.begin("user").await.expect("a transaction");
    let now = tx.now();
    let conn = &mut tx.conn;
    for (scope, id, hard) in [
        ("project", 1, Some(100)),
        ("run", 9, None),
        ("plan", 4, Some(5)),
        ("project", 1, Some(200)),
    ] {
        t.note(
            "budget",
            budget::set(conn, &new_budget(scope, id, hard, now)).await,
        );
    }
    t.note("bound", budget::of_levels(conn, levels()).await);
    for (amount, seconds) in [(40, 60), (2, 60), (5, 0)] {
        let new = NewReservation {
            levels: levels(),
            model: "m",
            amount_microusd: amount,
            now,
            expires_at: now.plus(std::time::Duration::from_secs(seconds)),
        };
        t.note("reserve", budget::reserve(conn, &new).await);
    }
    t.note("reserved", budget::reserved(conn, levels(), now).await);
    t.note("release", budget::release(conn, 2).await);
    let never = Timestamp::from_micros(0);
    t.note("expired", budget::count_expired(conn, now, never).await);
    t.note("removed", budget::remove_expired(conn, now, never).await);
    let later = now.plus(std::time::Duration::from_secs(1));
    t.note("older", budget::count_expired(conn, now, later).await);
    t.note("reserved", budget::reserved(conn, levels(), now).await);
    t.note("spent", budget::save_spent(conn, 1, 77, now).await);
    t.note("one", budget::find(conn, PROJECT, "project", 1).await);
    t.note("all", budget::of_project(conn, PROJECT, 10).await);
    t.note("projects", budget::of_projects(conn, 10).await);
    t.note("clear", budget::clear(conn, PROJECT, "plan", 4).await);
    t.note("clear", budget::clear(conn, PROJECT, "plan", 4).await);
    for (role, plan, cost) in [
        ("code", Some(3), Some(10)),
        ("spec", None, Some(20)),
        ("spec", None, None),
    ] {
        t.note(
            "call",
            model_call::insert(conn, &call(role, plan, cost, now)).await,
        );
    }
    for by in ["", "role", "model", "plan", "work_item", "run"] {
        let of = Summed {
            project: PROJECT,
            by,
            since: Timestamp::from_micros(0),
            until: Timestamp::from_micros(i64::MAX),
            limit: 10,
        };
        t.note(by, model_call::sums(conn, &of).await);
    }
    for (scope, id) in [
        ("project", None),
        ("plan", Some(3)),
        ("run", Some(9)),
        ("run", Some(8)),
    ] {
        let since = Timestamp::from_micros(0);
        t.note(
            "spent",
            model_call::spent(conn, PROJECT, scope, id, since).await,
        );
    }
    for (model, input) in [("m", 1), ("n", 2), ("m", 3)] {
        let new = NewPrice {
            model,
            input,
            cached: 0,
            output: 4,
            by: "user",
            now,
        };
        t.note("price", model_price::set(conn, &new).await);
    }
    t.note("no price", model_price::remove(conn, "x").await);
    t.note("no price", model_price::remove(conn, "n").await);
    t.note("prices", model_price::count(conn).await);
    t.note("prices", model_price::list(conn).await);
    tx.commit().await.expect("a commit");
}

/// What runs used, once there are runs and plans.
pub(super) async fn charged(store: &Store, t: &Transcript) {
    let mut tx = store.begin("user").await.expect("a transaction");
    let now = tx.now();
    let conn = &mut tx.conn;
    for item in 1..8 {
        t.note("levels", charge::levels_of(conn, WorkItemId(item)).await);
    }
    let meter = |model| Meter {
        run: RunId(1),
        since: 1,
        source: "codex",
        model,
    };
    for (model, input_tokens) in [("m", 5), ("n", 6), ("m", 9)] {
        t.note("used", charge::used(conn, meter(model)).await);
        let used = Used {
            input_tokens,
            cached_tokens: 2,
            output_tokens: 3,
            own_microusd: 4,
        };
        t.note("set", charge::set_used(conn, meter(model), used).await);
        t.note("used", charge::used(conn, meter(model)).await);
    }
    t.note("meters", charge::meters(conn, RunId(1)).await);
    t.note("of run", charge::of_run(conn, RunId(9)).await);
    t.note("of item", charge::of_item(conn, WorkItemId(1)).await);
    let of_plan = new_budget("plan", 3, Some(5), now);
    t.note("budget", budget::set(conn, &of_plan).await);
    for plan in [7, 7, 9] {
        t.note(
            "carried",
            charge::carry_on(conn, PROJECT, PlanId(plan)).await,
        );
    }
    overflowing(conn, t, now).await;
    tx.commit().await.expect("a commit");
}

/// Numbers out of any sense that stand there already: whatever is added up has an answer.
async fn overflowing(conn: &mut Conn, t: &Transcript, now: Timestamp) {
    for _ in 0..3 {
        let most = NewModelCall {
            work_item_id: Some(1),
            input_tokens: i64::MAX,
            cached_tokens: i64::MAX,
            output_tokens: i64::MAX,
            ..call("spec", Some(3), Some(i64::MAX), now)
        };
        t.note("most", model_call::insert(conn, &most).await);
        let new = NewReservation {
            levels: levels(),
            model: "m",
            amount_microusd: i64::MAX,
            now,
            expires_at: now.plus(std::time::Duration::from_secs(60)),
        };
        t.note("reserve", budget::reserve(conn, &new).await);
    }
    let item = charge::of_item(conn, WorkItemId(1)).await.expect("sums");
    assert_eq!(
        (item[0].cost_microusd, item[0].output_tokens, item[0].calls),
        (MOST_SUM, MOST_SUM, 3)
    );
    let of = Summed {
        project: PROJECT,
        by: "model",
        since: Timestamp::from_micros(0),
        until: Timestamp::from_micros(i64::MAX),
        limit: 10,
    };
    t.note("sums", model_call::sums(conn, &of).await);
    let since = Timestamp::from_micros(0);
    let spent = model_call::spent(conn, PROJECT, "project", None, since).await;
    t.note("spent", spent);
    t.note("reserved", budget::reserved(conn, levels(), now).await);
    let projects = model_cost::of_projects(conn, 10).await.expect("sums");
    assert_eq!(projects[0].cost_microusd, MOST_SUM);
    t.note("projects", projects);
    let items = model_cost::of_work_items(conn, 10).await.expect("sums");
    assert_eq!((items[0].work_item_id, items[0].unpriced), (1, 0));
    t.note("items", items);
}
