//! Reading, searching and removing the logs of runs, on both databases.

use std::time::Duration;

use orch_core::engine::{Enqueue, NewWorkItem};
use orch_core::ids::ProjectId;
use orch_core::run::Run;
use orch_core::work_item::{Kind, Policy};

use super::on_both;
use crate::log::{self, Budget, Count, Found, Numbered, Side, Wanted};
use crate::segment::Stream;
use crate::{Command, Reply, Store, project};

/// A run that is started.
pub(super) async fn started(store: &Store) -> Run {
    let mut tx = store.begin("user").await.expect("a transaction");
    let now = tx.now();
    let made = project::insert(&mut tx.conn, "p", "", now).await;
    let project_id = made.expect("a row").id;
    tx.commit().await.expect("a commit");
    let new = NewWorkItem {
        project_id: ProjectId(project_id.get()),
        title: "talks".to_owned(),
        description: String::new(),
        kind: Kind::Task,
        environment: None,
        policy: Policy::default(),
        concurrency_key: None,
        reference: None,
    };
    let created = store.submit("user", Command::CreateItems(vec![new])).await;
    let Ok(Reply::Items(items)) = created else {
        panic!("{created:?}")
    };
    let wanted = vec![(items[0].id, Enqueue::default())];
    store
        .submit("user", Command::Enqueue(wanted))
        .await
        .expect("it is enqueued");
    match store.submit("user", Command::Tick).await {
        Ok(Reply::Runs(mut runs)) => runs.pop().expect("it started"),
        other => panic!("{other:?}"),
    }
}

/// Adds lines in a commit of their own.
pub(super) async fn says(store: &Store, run: &Run, texts: impl IntoIterator<Item = String>) {
    let lines = texts
        .into_iter()
        .map(|text| log::line(store.now(), Stream::Stdout, text))
        .collect();
    let command = Command::Log {
        run: run.id,
        epoch: None,
        lines,
    };
    store.submit("user", command).await.expect("it is logged");
}

fn no_time() -> Budget {
    Budget::of(Duration::ZERO)
}

fn plenty() -> Budget {
    Budget::of(Duration::from_secs(60))
}

fn numbers(lines: &[Numbered]) -> Vec<u64> {
    lines.iter().map(|numbered| numbered.seq).collect()
}

async fn page(store: &Store, run: &Run, wanted: Wanted<'_>, budget: Budget) -> Found {
    log::page(store, run, wanted, budget).await.expect("a page")
}

#[tokio::test]
async fn a_search_that_runs_out_of_time_goes_on_by_its_cursor_and_finds_all() {
    on_both(async |store, _| {
        let run = started(&store).await;
        for chunk in 0..20_u64 {
            let line = |n: u64| match n {
                7 => format!("chunk {chunk} has a NEEDLE"),
                _ => format!("chunk {chunk} hay {n}"),
            };
            says(&store, &run, (0..10).map(line)).await;
        }
        let expected: Vec<u64> = (0..20).map(|chunk| chunk * 10 + 8).collect();
        let all = page(
            &store,
            &run,
            Wanted::first(Some("needle"), 0, 100),
            plenty(),
        )
        .await;
        assert_eq!(numbers(&all.lines), expected);
        assert_eq!((all.total, all.next, all.counted_to), (20, None, None));

        let (mut found, mut from, mut requests) = (Vec::new(), Some(0), 0);
        while let Some(place) = from {
            let wanted = Wanted {
                from: place,
                ..Wanted::first(Some("Needle"), 0, 100)
            };
            let part = page(&store, &run, wanted, no_time()).await;
            found.extend(numbers(&part.lines));
            assert!(part.next.is_none_or(|next| next > place), "{part:?}");
            assert_eq!(part.counted_to, part.next);
            from = part.next;
            requests += 1;
        }
        assert_eq!(found, expected);
        assert!(requests > 10, "{requests} requests");

        let (mut found, mut before) = (Vec::new(), Some(u64::MAX));
        while let Some(place) = before {
            let wanted = Wanted {
                side: Side::Last,
                before: Some(place),
                count: Count::Page,
                ..Wanted::first(Some("needle"), 0, 3)
            };
            let part = page(&store, &run, wanted, no_time()).await;
            found.splice(0..0, numbers(&part.lines));
            before = part.next;
        }
        assert_eq!(found, expected);
    })
    .await;
}

#[tokio::test]
async fn pages_from_either_side_meet_without_a_gap() {
    on_both(async |store, _| {
        let run = started(&store).await;
        for chunk in 0..7 {
            says(&store, &run, (0..13).map(|n| format!("{chunk} {n}"))).await;
        }
        let all: Vec<u64> = (0..=91).collect();
        let (mut forward, mut from) = (Vec::new(), Some(0));
        while let Some(place) = from {
            let wanted = Wanted {
                from: place,
                ..Wanted::first(None, 0, 10)
            };
            let part = page(&store, &run, wanted, plenty()).await;
            assert_eq!(part.total, 92);
            forward.extend(numbers(&part.lines));
            from = part.next;
        }
        assert_eq!(forward, all);
        let (mut backward, mut before) = (Vec::new(), None);
        loop {
            let wanted = Wanted {
                side: Side::Last,
                before,
                ..Wanted::first(None, 0, 10)
            };
            let part = page(&store, &run, wanted, plenty()).await;
            backward.splice(0..0, numbers(&part.lines));
            before = part.next;
            if before.is_none() {
                break;
            }
        }
        assert_eq!(backward, all);
    })
    .await;
}

#[tokio::test]
async fn a_page_of_long_lines_is_bounded_from_either_side() {
    on_both(async |store, _| {
        let run = started(&store).await;
        for _ in 0..40 {
            says(&store, &run, (0..10).map(|_| "x".repeat(60_000))).await;
        }
        for side in [Side::First, Side::Last] {
            let wanted = Wanted {
                side,
                ..Wanted::first(Some("X"), 0, 10_000)
            };
            let found = page(&store, &run, wanted, plenty()).await;
            let bytes: usize = found.lines.iter().map(|line| line.line.message.len()).sum();
            assert!((7_000_000..=8 << 20).contains(&bytes), "{side:?}: {bytes}");
            assert!(found.next.is_some());
        }
    })
    .await;
}
