//! Rows that cannot be read, among others that can.

use orch_core::engine::{Enqueue, NewWorkItem, Reach};
use orch_core::ids::{AgentName, ProjectId, WorkItemId};
use orch_core::work_item::{Kind, Policy};

use super::on_both;
use crate::conn::execute;
use crate::{Command, Reply, Store, project};

async fn set_kind(store: &Store, item: WorkItemId, kind: &str) {
    let mut tx = store.begin("test").await.expect("a transaction");
    let conn = &mut tx.conn;
    let changed = async {
        execute!(
            conn,
            "UPDATE work_item SET kind = $1 WHERE id = $2",
            kind,
            item.get()
        )
    };
    assert_eq!(changed.await.expect("an update"), 1);
    tx.commit().await.expect("a commit");
}

fn dispatch() -> Command {
    Command::Dispatch {
        agent: AgentName::parse("a").expect("a name"),
        slots: 1,
        ttl: std::time::Duration::from_secs(60),
        reach: Reach::QueueToo,
    }
}

async fn dispatched(store: &Store) -> Vec<WorkItemId> {
    match store.submit("agent:a", dispatch()).await {
        Ok(Reply::Runs(runs)) => runs.iter().map(|run| run.work_item_id).collect(),
        other => panic!("the dispatch fails: {other:?}"),
    }
}

#[tokio::test]
async fn a_row_that_cannot_be_read_is_set_aside_and_other_work_goes_on() {
    on_both(async |store: Store, _| {
        let mut tx = store.begin("user").await.expect("a transaction");
        let now = tx.now();
        project::insert(&mut tx.conn, "p", "", now)
            .await
            .expect("a project");
        tx.commit().await.expect("a commit");
        let new = |title: &str| NewWorkItem {
            project_id: ProjectId(1),
            title: title.to_owned(),
            description: String::new(),
            kind: Kind::Task,
            environment: None,
            policy: Policy::default(),
            concurrency_key: None,
            reference: None,
        };
        let items = Command::CreateItems(vec![new("bad"), new("good")]);
        store.submit("user", items).await.expect("items");
        let (bad, good) = (WorkItemId(1), WorkItemId(2));
        let wanted = [bad, good].map(|item| (item, Enqueue::default())).to_vec();
        let queued = store.submit("user", Command::Enqueue(wanted)).await;
        queued.expect("entries");

        set_kind(&store, bad, "no kind").await;
        assert_eq!(dispatched(&store).await, [good]);
        let rows = store.quarantine().rows();
        let named: Vec<_> = rows.iter().map(ToString::to_string).collect();
        assert_eq!(
            named,
            ["row 1 of table work_item cannot be read: column kind holds `no kind`"]
        );
        assert_eq!(dispatched(&store).await, []);

        set_kind(&store, bad, "task").await;
        store.recheck_quarantine().await.expect("it looks");
        assert!(store.quarantine().rows().is_empty());
        assert_eq!(dispatched(&store).await, [bad]);
    })
    .await;
}
