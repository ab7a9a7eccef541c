//! Work is handed out in the commit that makes it ready, to slots that are free in that moment, on
//! both databases.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use orch_core::engine::Enqueue;
use orch_core::ids::{AgentName, RunId, WorkItemId};
use orch_core::run::Run;

use super::{item, on_both, success};
use crate::{Assigned, Command, Free, Page, Reply, Slots, Store, StoreError, audit, project, run};

/// One agent, as a server would know it.
struct Desk {
    slots: usize,
    held: Mutex<BTreeMap<RunId, Run>>,
}

fn agent() -> AgentName {
    AgentName::parse("a").expect("a name")
}

impl Desk {
    fn runs(&self) -> Vec<Run> {
        self.held
            .lock()
            .expect("a lock")
            .values()
            .cloned()
            .collect()
    }
}

impl Slots for Desk {
    fn free(&self, ended: &[RunId]) -> Vec<Free> {
        let held = self.held.lock().expect("a lock");
        let there = held.keys().filter(|run| !ended.contains(run)).count();
        let slots = self.slots - there;
        let free = (slots > 0).then(|| Free {
            agent: agent(),
            slots,
            ttl: Duration::from_secs(15),
        });
        free.into_iter().collect()
    }

    fn settle(&self, ended: &[RunId], assigned: Vec<Assigned>) {
        let mut held = self.held.lock().expect("a lock");
        held.retain(|run, _| !ended.contains(run));
        held.extend(assigned.into_iter().map(|to| (to.run.id, to.run)));
        assert!(held.len() <= self.slots, "no slot is filled twice");
    }
}

/// A project with items, and an agent.
async fn with_items(store: &Store, items: usize, slots: usize) -> (Arc<Desk>, Vec<WorkItemId>) {
    let mut tx = store.begin("user").await.expect("a transaction");
    let now = tx.now();
    let made = project::insert(&mut tx.conn, "p", "", now).await;
    made.expect("a row");
    tx.commit().await.expect("a commit");
    let create = Command::CreateItems((0..items).map(item).collect());
    let Ok(Reply::Items(items)) = store.submit("user", create).await else {
        panic!("not created")
    };
    let desk = Arc::new(Desk {
        slots,
        held: Mutex::default(),
    });
    store.dispatch_to(desk.clone());
    (desk, items.into_iter().map(|item| item.id).collect())
}

async fn enqueue(store: &Store, item: WorkItemId, depends_on: &[WorkItemId]) {
    let want = Enqueue {
        depends_on: depends_on.to_vec(),
        ..Enqueue::default()
    };
    let queued = store.submit("user", Command::Enqueue(vec![(item, want)]));
    queued.await.expect("it is queued");
}

async fn complete(store: &Store, run: &Run) -> Result<Reply, StoreError> {
    store.submit("agent:a", success(run, Some(run.epoch))).await
}

/// The kinds of the newest audit entries, in their order.
async fn newest(store: &Store, most: i64) -> Vec<String> {
    let page = Page {
        order: crate::Order::NewestFirst,
        after: None,
        limit: most,
    };
    let mut conn = store.read().await.expect("a connection");
    let entries = audit::list(&mut conn, &audit::Filter::default(), page).await;
    let entries = entries.expect("entries").rows.into_iter().rev();
    entries.map(|stored| stored.entry.kind).collect()
}

#[tokio::test]
async fn an_item_that_is_queued_beside_a_free_slot_is_held_when_its_enqueue_is_answered() {
    on_both(async |store, _| {
        let (desk, items) = with_items(&store, 1, 2).await;
        enqueue(&store, items[0], &[]).await;
        let [run] = &desk.runs()[..] else {
            panic!("it is handed out")
        };
        let mut conn = store.read().await.expect("a connection");
        let stored = run::find(&mut conn, run.id).await.expect("a run");
        let stored = stored.expect("it is there");
        assert_eq!(stored.lease().map(|lease| &lease.agent), Some(&agent()));
        assert_eq!(stored.epoch, run.epoch);
    })
    .await;
}

#[tokio::test]
async fn the_commit_that_ends_a_run_hands_its_dependent_to_the_slot_that_it_frees() {
    on_both(async |store, _| {
        let (desk, items) = with_items(&store, 2, 1).await;
        enqueue(&store, items[0], &[]).await;
        enqueue(&store, items[1], &[items[0]]).await;
        let first = desk.runs().remove(0);
        complete(&store, &first).await.expect("it is completed");
        let second = desk.runs();
        assert_eq!(second.len(), 1);
        assert_eq!(second[0].work_item_id, items[1]);
        let expected = [
            "run.succeeded",
            "work_item.done",
            "run.started",
            "run.claimed",
        ];
        assert_eq!(newest(&store, 4).await, expected);
    })
    .await;
}

#[tokio::test]
async fn slots_are_never_filled_twice_however_commits_and_fills_meet() {
    on_both(async |store, _| {
        let (desk, items) = with_items(&store, 40, 3).await;
        for item in &items {
            enqueue(&store, *item, &[]).await;
        }
        let mut ended = 0;
        while ended < items.len() {
            let held = desk.runs();
            assert_eq!(held.len(), 3.min(items.len() - ended), "none idles");
            let ends = held.iter().map(|run| complete(&store, run));
            let fill = store.submit("scheduler", Command::Fill);
            let (ends, fill) = tokio::join!(futures::future::join_all(ends), fill);
            fill.expect("it is filled");
            ended += ends.into_iter().filter(Result::is_ok).count();
        }
        assert!(desk.runs().is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_refused_completion_frees_no_slot() {
    on_both(async |store, _| {
        let (desk, items) = with_items(&store, 2, 1).await;
        enqueue(&store, items[0], &[]).await;
        enqueue(&store, items[1], &[]).await;
        let held = desk.runs().remove(0);
        let stale = Run {
            epoch: held.epoch + 1,
            ..held.clone()
        };
        complete(&store, &stale).await.expect_err("it is refused");
        assert_eq!(desk.runs(), [held]);
    })
    .await;
}
