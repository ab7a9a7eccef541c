//! Rows that cannot be read hide no other: lists leave them out, name them and go on behind them.

use orch_core::approval::Subject;
use orch_core::engine::Enqueue;
use orch_core::ids::{AgentName, ProjectId, RunId, WorkItemId};

use super::postgres::Postgres;
use super::{TestClock, item, on_both};
use crate::{
    Command, Conn, Database, Found, Key, Listed, Order, Page, Reply, Store, StoreError, Sweep, Tx,
    agent, approval, artifact, audit, info_request, project, queue, requirements, run, step,
    summary, vision, work_item,
};

/// Runs a statement that no code of ours would.
pub(super) async fn harm(store: &Store, sql: &'static str) {
    let mut tx = store.begin("test").await.expect("a transaction");
    let changed = match &mut tx.conn {
        Conn::SqliteInline(inline) => inline.execute(sql, &[]).expect("an update"),
        Conn::PostgresPiped(piped) => piped.execute(sql, Vec::new()).await.expect("an update"),
        _ => panic!("a transaction writes"),
    };
    assert!(changed > 0, "{sql}");
    tx.commit().await.expect("a commit");
}

fn named(store: &Store) -> Vec<String> {
    let rows = store.quarantine().rows();
    rows.iter().map(ToString::to_string).collect()
}

/// Five items, each queued, the first three with a run.
async fn work(store: &Store) {
    let mut tx = store.begin("user").await.expect("a transaction");
    let now = tx.now();
    project::insert(&mut tx.conn, "p", "", now)
        .await
        .expect("a project");
    tx.commit().await.expect("a commit");
    let items = Command::CreateItems((0..5).map(item).collect());
    store.submit("user", items).await.expect("items");
    let wanted = (1..=3).map(|id| (WorkItemId(id), Enqueue::default()));
    let wanted = Command::Enqueue(wanted.collect());
    store.submit("user", wanted).await.expect("entries");
    let ticked = store.submit("user", Command::Tick).await;
    assert!(matches!(ticked, Ok(Reply::Runs(runs)) if runs.len() == 3));
    let wanted = (4..=5).map(|id| (WorkItemId(id), Enqueue::default()));
    let wanted = Command::Enqueue(wanted.collect());
    store.submit("user", wanted).await.expect("entries");
}

/// Everything that hangs on the first run and the project, two of each.
async fn more(tx: &mut Tx) {
    let now = tx.now();
    let conn = &mut tx.conn;
    let (run, of) = (RunId(1), ProjectId(1));
    let digest = orch_core::digest::Digest::of_work_item("t", "", None, None);
    for _ in 0..2 {
        let subject = Subject::PlannedSteps { run_id: run };
        approval::insert(conn, WorkItemId(1), subject, None, digest, Some("[]"), now)
            .await
            .expect("an approval");
        info_request::insert(conn, run, "which?", &[], now)
            .await
            .expect("a question");
        let new = step::Step {
            id: 0,
            run_id: 1,
            number: 0,
            name: "build".to_owned(),
            command: None,
            status: "succeeded".to_owned(),
            exit_code: None,
            started_at: None,
            finished_at: None,
            detail: "{}".to_owned(),
        };
        step::insert(conn, &new, None).await.expect("a step");
        let new = artifact::Artifact {
            id: 0,
            run_id: 1,
            name: "a".to_owned(),
            media_type: "text/plain".to_owned(),
            kind: "file".to_owned(),
            size_bytes: 1,
            sha256: "0".repeat(64),
            created_at: now.as_micros(),
            step: None,
            report: None,
        };
        artifact::insert(conn, &new).await.expect("an artifact");
        let usage = Some("{\"input_tokens\": 5}");
        summary::insert(conn, run, "done", usage, now)
            .await
            .expect("a summary");
        let vision = vision::insert(conn, of, "see", now)
            .await
            .expect("a vision");
        requirements::insert(
            conn,
            &requirements::NewVersion {
                project: of,
                vision: vision.id(),
                parent: None,
                author: "user",
                reason: None,
                draft: "d",
                items: "[]",
                document: "{}",
                digest: "",
            },
            now,
        )
        .await
        .expect("requirements");
    }
    let server = crate::ServerNumber::of(7);
    for name in ["a", "b"] {
        let name = AgentName::parse(name).expect("a name");
        agent::register(conn, &name, "1", 1, "[]", server, now)
            .await
            .expect("an agent");
    }
}

const ALL: Page = Page {
    order: Order::OldestFirst,
    after: None,
    limit: 100,
};

fn two_at(after: Option<i64>) -> Page {
    Page {
        after,
        limit: 2,
        ..ALL
    }
}

#[tokio::test]
async fn a_page_of_damaged_rows_alone_does_not_end_the_list() {
    on_both(async |store: Store, _| {
        work(&store).await;
        harm(
            &store,
            "UPDATE work_item SET kind = 'none', state = 'Lost' WHERE id IN (1, 3, 4)",
        )
        .await;
        let (mut pages, mut after) = (Vec::new(), None);
        loop {
            let mut conn = store.read().await.expect("a connection");
            let filter = work_item::Filter::default();
            let found = work_item::list(&mut conn, &filter, two_at(after)).await;
            let page = store.named(found.expect("a page"));
            let ids = page.rows.iter().map(|item| item.id.get());
            pages.push((ids.collect::<Vec<_>>(), page.next));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(
            pages,
            [(vec![2], Some(2)), (vec![], Some(4)), (vec![5], None)]
        );
        let of =
            |id| format!("row {id} of table work_item cannot be read: column kind holds `none`");
        assert_eq!(named(&store), [of(1), of(3), of(4)]);

        let mut conn = store.peek().await.expect("a connection");
        match work_item::find(&mut conn, WorkItemId(3)).await {
            Err(StoreError::Unreadable(row)) => assert_eq!(row.to_string(), of(3)),
            other => panic!("{other:?}"),
        }
    })
    .await;
}

/// The keys of what is left of a list.
fn left<T>(store: &Store, found: Result<Found<T>, StoreError>, id: impl Fn(&T) -> i64) -> Vec<i64> {
    let Listed { rows, .. } = store.named(found.expect("a list"));
    rows.iter().map(id).collect()
}

#[tokio::test]
async fn every_list_leaves_out_what_it_cannot_read_and_names_it() {
    on_both(async |store: Store, _| {
        work(&store).await;
        let mut tx = store.begin("user").await.expect("a transaction");
        more(&mut tx).await;
        tx.commit().await.expect("a commit");
        for sql in [
            "UPDATE run SET status = 'gone' WHERE id = 2",
            "UPDATE queue_entry SET state = 'nowhere' WHERE id = 4",
            "UPDATE approval SET planned_steps = '[{' WHERE id = 1",
            "UPDATE info_request SET fields = 'no list' WHERE id = 2",
            "UPDATE step SET detail = '{' WHERE id = 1",
            "UPDATE summary SET usage = 'much' WHERE id = 1",
            "UPDATE requirements SET items = '' WHERE id = 2",
            "UPDATE agent SET labels = '[' WHERE name = 'a'",
            "UPDATE audit SET body = 'x' WHERE seq = 2",
        ] {
            harm(&store, sql).await;
        }
        let (run, of) = (RunId(1), ProjectId(1));
        let conn = &mut store.read().await.expect("a connection");
        let runs = run::list(conn, &run::Filter::default(), ALL).await;
        assert_eq!(left(&store, runs, |row| row.id.get()), [1, 3]);
        let entries = queue::list(conn, None, None, ALL).await;
        assert_eq!(left(&store, entries, |row| row.id.get()), [1, 2, 3, 5]);
        let approvals = approval::list(conn, None, ALL).await;
        assert_eq!(left(&store, approvals, |row| row.id.get()), [2]);
        let asked = info_request::list(conn, None, None, ALL).await;
        assert_eq!(left(&store, asked, |row| row.id.get()), [1]);
        let asked = info_request::of_run(conn, run).await;
        assert_eq!(left(&store, asked, |row| row.id.get()), [1]);
        let steps = step::of_run(conn, run).await;
        assert_eq!(left(&store, steps, |row| row.id), [2]);
        let summaries = summary::of_run(conn, run).await;
        assert_eq!(left(&store, summaries, |row| row.id), [2]);
        let tokens = summary::tokens_by_project(conn).await;
        assert_eq!(left(&store, tokens, |row| row.1), [5]);
        let versions = requirements::list(conn, of).await;
        assert_eq!(left(&store, versions, |row| row.id), [1]);
        let agents = agent::list(conn).await;
        assert_eq!(left(&store, agents, |row| row.slots), [1]);
        let mut filter = audit::Filter::default();
        let entries = audit::list(conn, &filter, two_at(None)).await;
        assert_eq!(left(&store, entries, |row| row.entry.seq), [1]);
        filter.project = Some(of);
        let expected = [
            "row `a` of table agent cannot be read: column labels holds a text that is not its JSON",
            "row 1 of table approval cannot be read: column planned_steps holds a text that is not its JSON",
            "row 2 of table audit cannot be read: column body holds a text that is not its JSON",
            "row 2 of table info_request cannot be read: column fields holds a text that is not its JSON",
            "row 4 of table queue_entry cannot be read: column state holds `nowhere`",
            "row 2 of table requirements cannot be read: column items holds a text that is not its JSON",
            "row 2 of table run cannot be read: column status holds `gone`",
            "row 1 of table step cannot be read: column detail holds a text that is not its JSON",
            "row 1 of table summary cannot be read: column usage holds a text that is not its JSON",
        ];
        assert_eq!(named(&store), expected);
    })
    .await;
}

#[tokio::test]
async fn whoever_decides_is_not_told_of_a_part() {
    on_both(async |store: Store, _| {
        work(&store).await;
        let mut tx = store.begin("user").await.expect("a transaction");
        more(&mut tx).await;
        tx.commit().await.expect("a commit");
        harm(&store, "UPDATE approval SET status = 'maybe' WHERE id = 1").await;
        let conn = &mut store.read().await.expect("a connection");
        let found = approval::of_work_items(conn, &[WorkItemId(1)]).await;
        let whole = found.expect("approvals").whole();
        assert!(whole.is_err_and(|error| error.is_unreadable()));
    })
    .await;
}

/// A column of another type: only the embedded database takes one.
#[tokio::test]
async fn an_instant_that_is_a_text_is_named_with_its_column() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = Database::Sqlite {
        file: folder.path().join("orchestrator.db"),
        logs: folder.path().join("logs"),
    };
    let clock = TestClock::default();
    clock.advance(1_700_000_000);
    let store = Store::open(clock.options(database, 7))
        .await
        .expect("it opens");
    work(&store).await;
    harm(
        &store,
        "UPDATE run SET created_at = 'yesterday' WHERE id = 1",
    )
    .await;
    harm(&store, "UPDATE project SET name = x'ff' WHERE id = 1").await;
    let mut conn = store.read().await.expect("a connection");
    let runs = run::list(&mut conn, &run::Filter::default(), ALL).await;
    assert_eq!(left(&store, runs, |row| row.id.get()), [2, 3]);
    let projects = project::list(&mut conn, ALL).await;
    assert_eq!(left(&store, projects, |row| row.id.get()), [0; 0]);
    let rows = store.quarantine().rows();
    let blamed: Vec<_> = rows
        .iter()
        .map(|row| (row.table, &row.key, row.column.as_deref()))
        .collect();
    assert_eq!(
        blamed,
        [
            ("project", &Key::Number(1), Some("name")),
            ("run", &Key::Number(1), Some("created_at")),
        ]
    );
    // The same where it is read by its key, on this thread.
    let mut peek = store.peek().await.expect("a connection");
    match run::find(&mut peek, RunId(1)).await {
        Err(StoreError::Unreadable(row)) => {
            assert_eq!(
                (&row.key, row.column.as_deref()),
                (&Key::Number(1), Some("created_at"))
            );
        }
        other => panic!("{other:?}"),
    }
    drop((conn, peek));
    store.close().await;
}

async fn swept(store: &Store) {
    let mut sweep = Sweep::default();
    let mut looks = 0;
    while store.sweep(&mut sweep).await.expect("a look") {
        looks += 1;
        assert!(looks < 100, "it ends");
    }
}

#[tokio::test]
async fn a_look_through_all_rows_names_those_that_nobody_asks_for() {
    on_both(async |store: Store, _| {
        work(&store).await;
        let mut tx = store.begin("user").await.expect("a transaction");
        more(&mut tx).await;
        tx.commit().await.expect("a commit");
        swept(&store).await;
        assert_eq!(named(&store), [""; 0]);
        harm(&store, "UPDATE run SET status = 'gone' WHERE id = 3").await;
        harm(&store, "UPDATE agent SET labels = '[' WHERE name = 'b'").await;
        swept(&store).await;
        let expected = [
            "row `b` of table agent cannot be read: column labels holds a text that is not its JSON",
            "row 3 of table run cannot be read: column status holds `gone`",
        ];
        assert_eq!(named(&store), expected);

        harm(&store, "UPDATE run SET status = 'lost' WHERE id = 3").await;
        harm(&store, "DELETE FROM agent WHERE name = 'b'").await;
        store.recheck_quarantine().await.expect("it looks");
        assert_eq!(named(&store), [""; 0]);
    })
    .await;
}

#[tokio::test]
async fn what_one_server_cannot_read_the_other_names_too() {
    let cluster = Postgres::start();
    let url = cluster.database("orch");
    let clock = TestClock::default();
    clock.advance(1_700_000_000);
    let open = async |seed| {
        let url = url.clone();
        let opened = Store::open(clock.options(Database::Postgres { url }, seed)).await;
        opened.expect("it opens")
    };
    let (here, there) = (open(1).await, open(2).await);
    work(&here).await;
    harm(&here, "UPDATE run SET status = 'gone' WHERE id = 1").await;
    let mut conn = here.read().await.expect("a connection");
    let until_it_is_named = async {
        // The first is that it listens.
        there.signals().heard_from_elsewhere().await;
        let runs = run::list(&mut conn, &run::Filter::default(), ALL).await;
        assert_eq!(left(&here, runs, |row| row.id.get()), [2, 3]);
        while named(&there).is_empty() {
            there.signals().heard_from_elsewhere().await;
            there.look_at_suspects().await.expect("it looks");
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), until_it_is_named)
        .await
        .expect("the other server hears of it");
    assert_eq!(named(&there), named(&here));
    drop(conn);
    here.close().await;
    there.close().await;
}
