//! A call's money, from reservation to budget, where calls break off and budgets come meanwhile.

use orch_core::ids::ProjectId;
use orch_core::time::Timestamp;
use orch_model::Usage;
use orch_store::plan::{self, NewPlan};
use orch_store::requirements::{self, NewVersion};
use orch_store::{project, vision};

use super::*;
use crate::app::budget::{Change, Standing, let_go_expired, of_project, set};
use crate::app::testing::World;

const MINUTE: Duration = Duration::from_secs(60);

async fn world() -> (World, ProjectId) {
    let world = World::open().await;
    let mut tx = world.app.store().begin("user").await.unwrap();
    let now = tx.now();
    let project = project::insert(&mut tx.conn, "p", "", now).await.unwrap();
    tx.commit().await.unwrap();
    (world, project.id)
}

/// A plan of the project, with what it is made from.
async fn plan_of(world: &World, project: ProjectId) -> i64 {
    let mut tx = world.app.store().begin("user").await.unwrap();
    let now = tx.now();
    let vision = vision::insert(&mut tx.conn, project, "x", now)
        .await
        .unwrap();
    let version = NewVersion {
        project,
        vision: vision.id(),
        parent: None,
        author: "user",
        reason: None,
        draft: "",
        items: "[]",
        document: "{}",
        digest: "d",
    };
    let version = requirements::insert(&mut tx.conn, &version, now)
        .await
        .unwrap();
    let new = NewPlan {
        project,
        requirements: version.id(),
        parent: None,
        author: "user",
        reason: None,
        digest: "d",
        tasks: 0,
        content: "{}",
    };
    let made = plan::insert(&mut tx.conn, &new, now).await.unwrap();
    tx.commit().await.unwrap();
    made.id
}

fn wallet(world: &World, project: ProjectId, held_for: Duration) -> Wallet {
    let levels = Levels::of_project(project);
    Wallet::new(world.app.store().clone(), "user", Some(levels), held_for)
}

async fn cap(world: &World, project: ProjectId, micros: u64) -> Standing {
    let change = Change {
        hard_cap_microusd: Some(micros),
        ..Change::default()
    };
    set(&world.app, "user", project, change).await.unwrap()
}

async fn stands(world: &World, project: ProjectId) -> (u64, u64) {
    let all = of_project(&world.app, project).await.unwrap();
    let budget = all[0].budget;
    (budget.spent.micros(), budget.reserved.micros())
}

fn spent(micros: u64) -> Spent {
    Spent {
        cost: Cost::from_micros(micros),
        usage: Usage::default(),
        is_counted: true,
    }
}

async fn finish(world: &World, wallet: &Wallet) {
    let mut tx = world.app.store().begin("user").await.unwrap();
    wallet.finish(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn what_a_server_that_died_had_set_aside_is_let_go_of_when_it_expires() {
    let (world, project) = world().await;
    cap(&world, project, 100).await;
    let wallet = wallet(&world, project, Duration::ZERO);
    wallet.reserve("m", Cost::from_micros(60)).await.unwrap();
    assert_eq!(stands(&world, project).await, (0, 0));
    let_go_expired(&world.app, Timestamp::from_micros(0))
        .await
        .unwrap();
    let filter = orch_store::audit::Filter::default();
    let mut conn = world.app.store().read().await.unwrap();
    let entries = orch_store::audit::list(&mut conn, &filter, orch_store::Page::default()).await;
    let told = format!("{:?}", world.app.store().named(entries.unwrap()).rows);
    assert!(told.contains("budget.reservation_expired"), "{told}");
}

#[tokio::test]
async fn what_was_set_aside_before_the_only_server_began_is_let_go_of_at_once() {
    let (world, project) = world().await;
    cap(&world, project, 100).await;
    let wallet = wallet(&world, project, MINUTE);
    wallet.reserve("m", Cost::from_micros(60)).await.unwrap();
    let now = world.app.store().now();
    let_go_expired(&world.app, Timestamp::from_micros(0))
        .await
        .unwrap();
    assert_eq!(stands(&world, project).await, (0, 60));
    let_go_expired(&world.app, now.plus(Duration::from_secs(1)))
        .await
        .unwrap();
    assert_eq!(stands(&world, project).await, (0, 0));
}

#[tokio::test]
async fn a_call_that_was_given_up_has_spent_all_that_was_set_aside_for_it() {
    let (world, project) = world().await;
    cap(&world, project, 100).await;
    let wallet = wallet(&world, project, MINUTE);
    let held = wallet.reserve("m", Cost::from_micros(60)).await.unwrap();
    assert_eq!(stands(&world, project).await, (0, 60));
    wallet.abandon(held, spent(60));
    finish(&world, &wallet).await;
    assert_eq!(stands(&world, project).await, (60, 0));
    // Keeping it again adds nothing that was added.
    assert_eq!(wallet.cost_of("m"), Cost::from_micros(60));
}

#[tokio::test]
async fn a_cost_reaches_every_budget_once_also_one_that_is_set_meanwhile() {
    let (world, project) = world().await;
    let wallet = wallet(&world, project, MINUTE);
    let held = wallet.reserve("m", Cost::from_micros(60)).await.unwrap();
    cap(&world, project, 1_000).await;
    wallet.settle(held, spent(25)).await;
    let again = wallet.reserve("m", Cost::from_micros(60)).await.unwrap();
    wallet.settle(again, spent(5)).await;
    assert_eq!(stands(&world, project).await, (5, 0));
    finish(&world, &wallet).await;
    assert_eq!(stands(&world, project).await, (30, 0));
}

#[tokio::test]
async fn a_call_must_fit_every_budget_on_its_way_and_counts_at_each() {
    let (world, project) = world().await;
    cap(&world, project, 1_000).await;
    let made = plan_of(&world, project).await;
    let plan = Change {
        scope: Some("plan".to_owned()),
        scope_id: Some(made),
        hard_cap_microusd: Some(50),
        ..Change::default()
    };
    set(&world.app, "user", project, plan).await.unwrap();
    let of_plan = |plan| {
        let levels = Levels {
            project,
            plan,
            work_item: Some(5),
            run: None,
        };
        Wallet::new(world.app.store().clone(), "user", Some(levels), MINUTE)
    };
    let refused = of_plan(Some(made))
        .reserve("m", Cost::from_micros(60))
        .await;
    assert!(
        refused
            .unwrap_err()
            .contains(&format!("budget of plan {made}"))
    );
    let other = of_plan(Some(made + 1));
    other.reserve("m", Cost::from_micros(60)).await.unwrap();
    let wallet = of_plan(Some(made));
    let held = wallet.reserve("m", Cost::from_micros(40)).await.unwrap();
    wallet.settle(held, spent(30)).await;
    let all = of_project(&world.app, project).await.unwrap();
    let amounts: Vec<_> = all
        .iter()
        .map(|one| {
            (
                one.level,
                one.budget.spent.micros(),
                one.budget.reserved.micros(),
            )
        })
        .collect();
    assert_eq!(
        amounts,
        [
            (Level::Project(project.get()), 30, 60),
            (Level::Plan(made), 30, 0)
        ]
    );
}

#[tokio::test]
async fn fifty_reservations_at_once_leave_a_hard_cap_whole() {
    let (world, project) = world().await;
    cap(&world, project, 1_000).await;
    let mut under_way = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let wallet = wallet(&world, project, MINUTE);
        under_way.spawn(async move {
            let held = wallet.reserve("m", Cost::from_micros(99)).await;
            (wallet, held)
        });
    }
    let mut passed = 0;
    for (wallet, held) in under_way.join_all().await {
        match held {
            Ok(_) => passed += 1,
            Err(why) => {
                assert!(why.contains("budget of project 1"), "{why}");
                assert!(wallet.refused().is_some());
            }
        }
    }
    assert_eq!((passed, stands(&world, project).await), (10, (0, 990)));
}
