//! Retention: what is removed, what stays, and what readers are told.

use std::time::Duration;

use orch_core::run::Run;

use super::logs::{says, started};
use super::{on, on_both, success};
use crate::log::{self, Budget, Cursor, Found, Side, Wanted};
use crate::retention::{self, Removed, Retention};
use crate::{Database, Page, Store, audit};

const HOUR: u64 = 3600;

async fn ends(store: &Store, run: &Run) {
    store
        .submit("user", success(run, None))
        .await
        .expect("it ends");
}

/// Adds 30 MB.
async fn shouts(store: &Store, run: &Run) {
    for _ in 0..30 {
        says(store, run, (0..20).map(|_| "x".repeat(50_000))).await;
    }
}

async fn apply(store: &Store, retention: Retention) -> Removed {
    retention::apply(store, retention).await.expect("a pass")
}

async fn first(store: &Store, run: &Run) -> Found {
    let wanted = Wanted::first(None, 0, 2);
    log::page(store, run, wanted, Budget::default())
        .await
        .expect("a page")
}

async fn noted(store: &Store) -> usize {
    let filter = audit::Filter {
        kind: Some("log.removed".to_owned()),
        ..audit::Filter::default()
    };
    let mut conn = store.read().await.expect("a connection");
    let entries = audit::list(&mut conn, &filter, Page::default()).await;
    entries.expect("entries").rows.len()
}

#[tokio::test]
async fn old_logs_of_finished_runs_go_and_readers_are_told() {
    on_both(async |store, clock| {
        let old = started(&store).await;
        shouts(&store, &old).await;
        ends(&store, &old).await;
        let going_on = started(&store).await;
        clock.advance(3600);
        // Fills the first segment, and begins the second, where there are some.
        let young = started(&store).await;
        shouts(&store, &young).await;
        shouts(&store, &young).await;
        ends(&store, &young).await;
        says(&store, &going_on, ["still here".to_owned()]).await;

        let day = Retention {
            age: Some(Duration::from_secs(24 * HOUR)),
            size_bytes: None,
        };
        assert_eq!(apply(&store, day).await, Removed::default());
        clock.advance(24 * 3600 - 1800);
        let by_row = store.segments.is_none();
        let removed = apply(&store, day).await;
        // A file stays as long as one of its runs is young.
        assert_eq!(removed.lines, if by_row { 600 } else { 0 });
        clock.advance(3600);
        apply(&store, day).await;

        let found = first(&store, &old).await;
        assert_eq!(found.removed_before, Some(601));
        assert_eq!(found.total, 601);
        assert!(found.lines[0].line.message.starts_with("Starting run"));
        assert_eq!(found.lines[1].seq, 600);
        let message = "[log lines 1 to 600 were removed by retention]";
        assert_eq!(found.lines[1].line.message, message);
        let mut cursor = Cursor::new(&store, old.id, 0);
        let lines = cursor.next_chunk().await.expect("lines");
        assert_eq!(lines[0].line.message, message);
        assert_eq!(cursor.next_chunk().await.expect("the end"), []);
        let wanted = Wanted {
            side: Side::Last,
            ..Wanted::first(Some("x"), 0, 10)
        };
        let tail = log::page(&store, &old, wanted, Budget::default()).await;
        assert_eq!(tail.expect("a page").lines, []);

        // Whatever was removed of the younger run are its first lines; the running one has all.
        let found = first(&store, &young).await;
        assert_eq!(found.total, 1201);
        assert!(
            found.removed_before.is_some_and(|line| line > 1),
            "{found:?}"
        );
        let whole = first(&store, &going_on).await;
        assert_eq!((whole.total, whole.removed_before), (2, None));
        assert_eq!(whole.lines[1].line.message, "still here");
        assert!(noted(&store).await >= 1);

        // Late lines go on behind those that were removed.
        says(&store, &old, ["late".to_owned()]).await;
        let wanted = Wanted::first(Some("late"), 0, 10);
        let late = log::page(&store, &old, wanted, Budget::default()).await;
        let late = late.expect("a page");
        assert_eq!((late.lines.len(), late.lines[0].seq), (1, 601));
        assert_eq!(apply(&store, day).await.lines, 0);
    })
    .await;
}

#[tokio::test]
async fn too_much_is_cut_from_the_oldest_and_running_runs_are_left_alone() {
    on_both(async |store, _| {
        let running = started(&store).await;
        says(&store, &running, ["here".to_owned()]).await;
        let mut over = Vec::new();
        for _ in 0..4 {
            let run = started(&store).await;
            shouts(&store, &run).await;
            shouts(&store, &run).await;
            ends(&store, &run).await;
            over.push(run);
        }
        let most = Retention {
            age: None,
            size_bytes: Some(200_000_000),
        };
        let removed = apply(&store, most).await;
        assert!(
            (40_000_000..110_000_000).contains(&removed.bytes),
            "{removed:?}"
        );
        let here = first(&store, &running).await;
        assert_eq!(here.removed_before, None);
        assert_eq!(here.lines[1].line.message, "here");
        // The first file has lines of a running run: it stays, and the next one goes.
        let cut = &over[usize::from(removed.segments > 0)];
        assert!(first(&store, cut).await.removed_before.is_some());
        let newest = first(&store, &over[3]).await;
        assert_eq!((newest.total, newest.removed_before), (1201, None));
        assert_eq!(apply(&store, most).await, Removed::default());
    })
    .await;
}

#[tokio::test]
async fn a_segment_that_cannot_go_yet_costs_no_short_lines_of_other_runs() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = Database::Sqlite {
        file: folder.path().join("orchestrator.db"),
        logs: folder.path().join("logs"),
    };
    on(database, &async |store: Store, _| {
        let loud = started(&store).await;
        says(&store, &loud, (0..20).map(|_| "x".repeat(50_000))).await;
        ends(&store, &loud).await;
        let quiet = started(&store).await;
        says(&store, &quiet, ["hi".to_owned()]).await;
        ends(&store, &quiet).await;
        let little = Retention {
            age: None,
            size_bytes: Some(100_000),
        };
        assert_eq!(apply(&store, little).await, Removed::default());
        let found = first(&store, &quiet).await;
        assert_eq!(found.lines[1].line.message, "hi");
    })
    .await;
}
