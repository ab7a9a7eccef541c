//! The part of the story that is about plans and the work items of their tasks.

use orch_core::ids::{PlanId, ProjectId, RequirementsId, WorkItemId};

use super::conformance::{Transcript, page};
use crate::plan::{self, NewPlan, NewPlanItem};
use crate::{Order, Store};

pub(super) async fn plans(store: &Store, t: &Transcript) {
    let project = ProjectId(1);
    let mut tx = store.begin("user").await.expect("a transaction");
    let now = tx.now();
    t.note("no plan", plan::current(&mut tx.conn, project).await);
    let first = NewPlan {
        project,
        requirements: RequirementsId(1),
        parent: None,
        author: "user",
        reason: None,
        digest: "d1",
        tasks: 2,
        content: "{}",
    };
    t.note("plan", plan::insert(&mut tx.conn, &first, now).await);
    t.note(
        "approved",
        plan::approve(&mut tx.conn, project, PlanId(1), "user", now).await,
    );
    let second = NewPlan {
        parent: Some(PlanId(1)),
        reason: Some("it failed"),
        digest: "d2",
        ..first
    };
    t.note("replan", plan::insert(&mut tx.conn, &second, now).await);
    let third = NewPlan {
        parent: Some(PlanId(2)),
        ..second
    };
    t.note("edited", plan::insert(&mut tx.conn, &third, now).await);
    for (plan, items) in [
        (PlanId(1), [("T-1", WorkItemId(1)), ("T-2", WorkItemId(2))]),
        (PlanId(3), [("T-2", WorkItemId(3)), ("T-3", WorkItemId(4))]),
    ] {
        let items = items.map(|(task, item)| NewPlanItem {
            task,
            item,
            wording: "h1",
            work: "h2",
        });
        t.note(
            "items",
            plan::set_items(&mut tx.conn, project, plan, items).await,
        );
    }
    t.note("find", plan::find(&mut tx.conn, project, PlanId(2)).await);
    t.note(
        "of another project",
        plan::find(&mut tx.conn, ProjectId(2), PlanId(2)).await,
    );
    t.note("newest", plan::newest_id(&mut tx.conn, project).await);
    t.note("current", plan::current(&mut tx.conn, project).await);
    t.note("approved", plan::approved(&mut tx.conn, project).await);
    t.note("items", plan::items(&mut tx.conn, project).await);
    t.note("worked", plan::worked(&mut tx.conn, project).await.is_ok());
    let items = || [WorkItemId(1), WorkItemId(2), WorkItemId(3)];
    t.note("tasks", plan::tasks_of(&mut tx.conn, items()).await);
    t.note("runs", plan::runs_of(&mut tx.conn, items()).await);
    t.note("told", plan::told_of(&mut tx.conn, items()).await);
    t.note("recipes", plan::recipes_of(&mut tx.conn, items()).await);
    tx.commit().await.expect("a commit");
    let mut conn = store.read().await.expect("a connection");
    for page in [
        page(Order::OldestFirst, None, 2),
        page(Order::NewestFirst, Some(3), 5),
    ] {
        t.note("plans", plan::list(&mut conn, project, page).await);
    }
}
