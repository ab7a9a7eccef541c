//! Runs are charged once, at every level, whatever comes again and in whatever order.

use orch_core::ids::{AgentName, ProjectId};
use orch_core::run::Run;

use super::*;
use crate::app::budget::{Change, of_project, set};
use crate::app::pricing::{self, Wanted};
use crate::app::summary::{self, Counts};
use crate::app::testing::World;

fn agent() -> AgentName {
    AgentName::parse("worker").unwrap()
}

/// A run that is held, with a model at a micro-dollar a token.
async fn world() -> (World, Run) {
    let world = World::open().await;
    let run = world.held_run(&agent()).await;
    let wanted = Wanted {
        input: 1_000_000,
        cached: Some(0),
        output: 1_000_000,
    };
    pricing::set(&world.app, "user", "m", wanted).await.unwrap();
    (world, run)
}

fn told(run: &Run, input_tokens: u64, output_tokens: u64) -> Use {
    Use {
        run: run.id,
        epoch: run.epoch,
        since_epoch: run.epoch,
        source: "codex".to_owned(),
        model: "m".to_owned(),
        usage: Usage {
            input_tokens,
            cached_tokens: 0,
            output_tokens,
        },
        own_microusd: None,
    }
}

async fn cap(world: &World, project: ProjectId, scope: &str, id: i64, micros: u64) {
    let change = Change {
        scope: Some(scope.to_owned()),
        scope_id: Some(id),
        hard_cap_microusd: Some(micros),
        ..Change::default()
    };
    set(&world.app, "user", project, change).await.unwrap();
}

async fn spent(world: &World, project: ProjectId) -> Vec<u64> {
    let all = of_project(&world.app, project).await.unwrap();
    all.iter().map(|one| one.budget.spent.micros()).collect()
}

/// Calls, cost and calls without a price.
async fn costs(world: &World, run: &Run) -> (i64, i64, i64) {
    let all = of_run(&world.app, run.id).await.unwrap();
    all.iter().fold((0, 0, 0), |sum, one| {
        let (calls, cost, unpriced) = sum;
        (
            calls + one.calls,
            cost + one.cost_microusd,
            unpriced + one.unpriced,
        )
    })
}

#[tokio::test]
async fn a_sum_that_comes_again_or_late_charges_nothing_at_any_level() {
    let (world, run) = world().await;
    let (project, item) = (run.project_id, run.work_item_id.get());
    cap(&world, project, "project", project.get(), 1_000).await;
    cap(&world, project, "work_item", item, 900).await;
    cap(&world, project, "run", run.id.get(), 800).await;
    for (input, output) in [(10, 5), (10, 5), (30, 15), (10, 5), (30, 15)] {
        take(&world.app, "agent:worker", told(&run, input, output))
            .await
            .unwrap();
    }
    assert_eq!(spent(&world, project).await, [45, 45, 45]);
    assert_eq!(costs(&world, &run).await, (2, 45, 0));
    assert_eq!(
        of_item(&world.app, run.work_item_id).await.unwrap()[0].cost_microusd,
        45
    );
    // Another hold's count, and another model's, come on top.
    let anew = Use {
        since_epoch: 0,
        ..told(&run, 1, 0)
    };
    take(&world.app, "agent:worker", anew).await.unwrap();
    let other = Use {
        model: "m-2".to_owned(),
        ..told(&run, 0, 2)
    };
    take(&world.app, "agent:worker", other).await.unwrap();
    assert_eq!(spent(&world, project).await, [48, 48, 48]);
}

#[tokio::test]
async fn a_price_counts_for_tokens_that_come_after_it() {
    let (world, run) = world().await;
    take(&world.app, "agent:worker", told(&run, 10, 0))
        .await
        .unwrap();
    let dearer = Wanted {
        input: 3_000_000,
        cached: None,
        output: 0,
    };
    pricing::set(&world.app, "user", "m", dearer).await.unwrap();
    take(&world.app, "agent:worker", told(&run, 20, 0))
        .await
        .unwrap();
    assert_eq!(costs(&world, &run).await, (2, 10 + 30, 0));
}

#[tokio::test]
async fn without_a_price_tokens_count_and_what_the_program_says_costs() {
    let (world, run) = world().await;
    let unknown = Use {
        model: String::new(),
        ..told(&run, 10, 5)
    };
    take(&world.app, "agent:worker", unknown).await.unwrap();
    assert_eq!(costs(&world, &run).await, (1, 0, 1));
    let all = of_run(&world.app, run.id).await.unwrap();
    assert_eq!((all[0].name.as_str(), all[0].input_tokens), ("unknown", 10));
    let says = |own| Use {
        model: "x".to_owned(),
        own_microusd: Some(own),
        ..told(&run, 10, own)
    };
    for own in [7, 7, 9] {
        take(&world.app, "agent:worker", says(own)).await.unwrap();
    }
    assert_eq!(costs(&world, &run).await, (3, 9, 1));
    // The table goes before the program's word.
    let priced = Use {
        own_microusd: Some(1_000),
        ..told(&run, 1, 0)
    };
    take(&world.app, "agent:worker", priced).await.unwrap();
    assert_eq!(costs(&world, &run).await, (4, 10, 1));
}

#[tokio::test]
async fn whoever_does_not_hold_the_run_charges_nothing() {
    let (world, run) = world().await;
    let late = Use {
        epoch: run.epoch - 1,
        since_epoch: 0,
        ..told(&run, 10, 5)
    };
    let error = take(&world.app, "agent:worker", late).await.unwrap_err();
    assert!(error.to_string().contains("stale"), "{error}");
    let ahead = Use {
        since_epoch: run.epoch + 1,
        ..told(&run, 10, 5)
    };
    let error = take(&world.app, "agent:worker", ahead).await.unwrap_err();
    assert!(error.to_string().contains("since_epoch"), "{error}");
    let name = Use {
        model: "m\n".repeat(200),
        ..told(&run, 10, 5)
    };
    let error = take(&world.app, "agent:worker", name).await.unwrap_err();
    assert!(error.to_string().contains("model"), "{error}");
    assert_eq!(costs(&world, &run).await, (0, 0, 0));
}

#[tokio::test]
async fn a_run_cannot_have_counts_without_end() {
    let (world, run) = world().await;
    let of_model = |number: i64| Use {
        model: format!("m{number}"),
        ..told(&run, 1, 0)
    };
    for number in 0..MOST_METERS {
        take(&world.app, "agent:worker", of_model(number))
            .await
            .unwrap();
    }
    let error = take(&world.app, "agent:worker", of_model(MOST_METERS))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("counts of tokens"), "{error}");
    take(
        &world.app,
        "agent:worker",
        Use {
            usage: Usage {
                input_tokens: u64::MAX,
                cached_tokens: u64::MAX,
                output_tokens: u64::MAX,
            },
            ..of_model(0)
        },
    )
    .await
    .unwrap();
}

#[tokio::test]
async fn no_model_may_be_asked_where_any_level_has_nothing_left() {
    for scope in ["project", "work_item", "run"] {
        let (world, run) = world().await;
        let (project, item) = (run.project_id.get(), run.work_item_id.get());
        let id = match scope {
            "project" => project,
            "work_item" => item,
            _ => run.id.get(),
        };
        cap(&world, run.project_id, scope, id, 40).await;
        take(&world.app, "agent:worker", told(&run, 39, 0))
            .await
            .unwrap();
        may_ask(&world.app, run.id, run.epoch).await.unwrap();
        take(&world.app, "agent:worker", told(&run, 45, 0))
            .await
            .unwrap();
        let error = may_ask(&world.app, run.id, run.epoch).await.unwrap_err();
        let expected = format!(
            "the budget of {} {id} has nothing left of $0.00004 ($0.000045 spent",
            scope.replace('_', " ")
        );
        assert!(error.to_string().starts_with(&expected), "{error}");
        cap(&world, run.project_id, scope, id, 50).await;
        may_ask(&world.app, run.id, run.epoch).await.unwrap();
    }
}

#[tokio::test]
async fn what_an_agent_tells_with_its_last_words_alone_is_charged_once() {
    let (world, run) = world().await;
    let words = json!({"input_tokens": 10, "output_tokens": 5, "cost_usd_micros": 70});
    let words = words.as_object().cloned().unwrap();
    for _ in 0..2 {
        take_last(&world.app, "agent:worker", (run.id, run.epoch), &words)
            .await
            .unwrap();
    }
    assert_eq!(costs(&world, &run).await, (1, 70, 0));
    let (world, run) = self::world().await;
    take(&world.app, "agent:worker", told(&run, 10, 5))
        .await
        .unwrap();
    take_last(&world.app, "agent:worker", (run.id, run.epoch), &words)
        .await
        .unwrap();
    assert_eq!(costs(&world, &run).await, (1, 15, 0));
}

#[tokio::test]
async fn a_summary_charges_what_it_counts_and_last_words_do_not() {
    let (world, run) = world().await;
    let counted = || {
        json!({"input_tokens": 3, "output_tokens": 1})
            .as_object()
            .cloned()
    };
    let place = (run.id, Some(run.epoch));
    for counts in [
        Counts::New { model: Some("m") },
        Counts::New { model: None },
        Counts::Charged,
    ] {
        summary::add(&world.app, "user", place, "done", counted(), counts)
            .await
            .unwrap();
    }
    assert_eq!(costs(&world, &run).await, (2, 4, 1));
}
