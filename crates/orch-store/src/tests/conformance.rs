//! One story, told to both databases: the same operations have to give the same answers, byte for
//! byte, ids, errors and the audit chain included. Instants alone are masked.

use std::collections::BTreeSet;
use std::fmt::{Debug, Write as _};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use orch_core::approval::Subject;
use orch_core::audit::Head;
use orch_core::digest::Digest;
use orch_core::engine::{self, Completion, Enqueue, NewWorkItem, Reach, Requeue, Verdict, Waiting};
use orch_core::ids::{AgentName, ProjectId, RunId, WorkItemId};
use orch_core::work_item::{Kind, Policy};

use super::budgets::{budgets, charged};
use super::plans::plans;
use super::projects::projects;
use super::{TestClock, on_both};
use crate::log::{Budget, Count, Side, Wanted};
use crate::segment::Stream;
use crate::{
    Command, Follows, Needs, Order, Page, Reply, StepReport, Store, agent, approval, artifact,
    audit, counts, idempotency, info_request, log, queue, recipe, run, step, summary, work_item,
};

/// What was answered so far.
#[derive(Default)]
pub(super) struct Transcript(Mutex<String>);

impl Transcript {
    pub(super) fn note(&self, what: &str, answer: impl Debug) {
        let mut text = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let line = format!("{what}: {}", masked(&format!("{answer:?}")));
        for failure in ["Err(Database", "Err(Piped", "Err(Embedded"] {
            assert!(!line.contains(failure), "{line}");
        }
        writeln!(text, "{line}").expect("a text takes more text");
    }

    fn take(&self) -> String {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Numbers as long as an instant in microseconds, and dates with a time, as `T`.
fn masked(text: &str) -> String {
    let mut masked = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
        masked.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest
            .find(|c: char| !c.is_ascii_digit() && !"-:.TZ".contains(c))
            .unwrap_or(rest.len());
        let word = &rest[..end];
        let is_instant = word.len() == 16 || (word.contains('T') && word.ends_with('Z'));
        masked.push_str(if is_instant { "T" } else { word });
        rest = &rest[end..];
    }
    masked + rest
}

#[tokio::test]
async fn the_same_operations_give_the_same_answers_on_both_databases() {
    let told = Mutex::new(Vec::new());
    on_both(async |store, clock| {
        let transcript = Transcript::default();
        tell(&store, &clock, &transcript).await;
        told.lock().expect("one at a time").push(transcript.take());
    })
    .await;
    let told = told.into_inner().expect("one at a time");
    for (at, (left, right)) in told[0].lines().zip(told[1].lines()).enumerate() {
        assert_eq!(left, right, "line {at} differs");
    }
    assert_eq!(told[0].len(), told[1].len());
    assert!(told[0].lines().count() > 80, "{}", told[0]);
}

/// Does everything that the store can do, once.
pub(super) async fn tell(store: &Store, clock: &TestClock, t: &Transcript) {
    projects(store, t).await;
    budgets(store, t).await;
    super::secrets::tell(store, t).await;
    work(store, clock, t).await;
    plans(store, t).await;
    charged(store, t).await;
    leases(store, clock, t).await;
    people(store, t).await;
    logs(store, t).await;
    records(store, clock, t).await;
    chain(store, t).await;
}

fn item(project: i64, title: &str) -> NewWorkItem {
    NewWorkItem {
        project_id: ProjectId(project),
        title: title.to_owned(),
        description: "what 'quoted' \"text\" \u{1F600} says".to_owned(),
        kind: Kind::Task,
        environment: Some("staging".to_owned()),
        policy: Policy {
            max_retries: Some(1),
            ..Policy::default()
        },
        concurrency_key: None,
        reference: None,
    }
}

fn after(items: &[i64]) -> Enqueue {
    Enqueue {
        depends_on: items.iter().map(|id| WorkItemId(*id)).collect(),
        ..Enqueue::default()
    }
}

fn name(text: &str) -> AgentName {
    AgentName::parse(text).expect("a name")
}

pub(super) fn page(order: Order, after: Option<i64>, limit: i64) -> Page {
    Page {
        order,
        after,
        limit,
    }
}

fn done(verdict: Verdict, epoch: Option<u64>) -> Completion {
    Completion {
        epoch,
        verdict,
        exit_code: Some(0),
        reason: Some("as planned".to_owned()),
    }
}

async fn work(store: &Store, clock: &TestClock, t: &Transcript) {
    let new = (1..=6)
        .map(|n| item(1 + n / 5, &format!("item {n}")))
        .collect();
    t.note(
        "items",
        store.submit("user", Command::CreateItems(new)).await,
    );
    t.note(
        "unknown project",
        store
            .submit(
                "user",
                Command::CreateItems(vec![item(1, "a"), item(99, "b")]),
            )
            .await,
    );
    let wanted = vec![
        (WorkItemId(1), after(&[])),
        (WorkItemId(2), after(&[1])),
        (WorkItemId(3), after(&[1, 2])),
        (WorkItemId(4), after(&[])),
    ];
    t.note(
        "entries",
        store.submit("user", Command::Enqueue(wanted)).await,
    );
    t.note(
        "merged",
        store
            .submit("user", Command::Enqueue(vec![(WorkItemId(3), after(&[4]))]))
            .await,
    );
    t.note(
        "cycle",
        store
            .submit("user", Command::Enqueue(vec![(WorkItemId(1), after(&[3]))]))
            .await,
    );
    let mut conn = store.read().await.expect("a connection");
    for status in [None, Some("queued"), Some("done")] {
        t.note(
            "queue",
            queue::list(&mut conn, None, status, Page::default()).await,
        );
    }
    t.note(
        "dependencies",
        queue::dependencies(&mut conn, &[orch_core::ids::QueueEntryId(3)])
            .await
            .map(|rows| rows.len()),
    );
    drop(conn);
    let dispatch = |slots| Command::Dispatch {
        agent: name("a"),
        slots,
        ttl: Duration::from_secs(15),
        reach: Reach::QueueToo,
    };
    t.note("dispatched", store.submit("agent:a", dispatch(1)).await);
    t.note("tick", store.submit("user", Command::Tick).await);
    t.note("dispatched", store.submit("agent:a", dispatch(5)).await);
    t.note(
        "stale",
        store
            .submit(
                "agent:a",
                Command::Complete {
                    run: RunId(1),
                    done: done(Verdict::Success, Some(9)),
                    follows: Follows::Nothing,
                },
            )
            .await,
    );
    t.note(
        "failed",
        store
            .submit(
                "agent:a",
                Command::Complete {
                    run: RunId(1),
                    done: done(Verdict::Failure, Some(1)),
                    follows: Follows::Nothing,
                },
            )
            .await,
    );
    t.note(
        "twice",
        store
            .submit(
                "agent:a",
                Command::Complete {
                    run: RunId(1),
                    done: done(Verdict::Success, Some(1)),
                    follows: Follows::Nothing,
                },
            )
            .await,
    );
    clock.advance(60);
    t.note("retried", store.submit("agent:a", dispatch(5)).await);
    t.note(
        "done",
        store
            .submit(
                "agent:a",
                Command::Complete {
                    run: RunId(3),
                    done: done(Verdict::Success, Some(1)),
                    follows: Follows::Nothing,
                },
            )
            .await,
    );
    t.note(
        "done",
        store
            .submit(
                "agent:a",
                Command::Complete {
                    run: RunId(2),
                    done: done(Verdict::Success, None),
                    follows: Follows::Nothing,
                },
            )
            .await,
    );
    t.note("unblocked", store.submit("agent:a", dispatch(5)).await);
    let mut tx = store.begin("user").await.expect("a transaction");
    let mut w = tx.load(Needs::item(WorkItemId(1))).await.expect("rows");
    let again = Requeue {
        waiting: Waiting::Backoff,
        priority: Some(3),
        trace_id: None,
    };
    let requeued = tx.decide(&mut w, |w, ctx| {
        engine::requeue_item(w, ctx, WorkItemId(1), again)
    });
    t.note("requeued", requeued);
    tx.save(w).await.expect("saved");
    tx.commit().await.expect("a commit");
    let mut conn = store.read().await.expect("a connection");
    t.note(
        "items",
        work_item::list(&mut conn, &work_item::Filter::default(), Page::default()).await,
    );
    let of_two = work_item::Filter {
        project: Some(ProjectId(2)),
        state: Some(orch_core::work_item::State::Approved),
    };
    t.note(
        "items",
        work_item::list(&mut conn, &of_two, page(Order::NewestFirst, Some(6), 9)).await,
    );
    let ids: BTreeSet<_> = [WorkItemId(2), WorkItemId(77)].into();
    t.note("some items", work_item::find_all(&mut conn, &ids).await);
    for filter in [
        run::Filter::default(),
        run::Filter {
            work_item: Some(WorkItemId(1)),
            ..run::Filter::default()
        },
        run::Filter {
            project: Some(ProjectId(2)),
            status: Some("succeeded".to_owned()),
            ..run::Filter::default()
        },
    ] {
        t.note("runs", run::list(&mut conn, &filter, Page::default()).await);
        t.note(
            "runs",
            run::list(&mut conn, &filter, page(Order::NewestFirst, Some(4), 2)).await,
        );
    }
    t.note("next due", queue::next_due(&mut conn, store.now()).await);
}

async fn leases(store: &Store, clock: &TestClock, t: &Transcript) {
    t.note(
        "items",
        store
            .submit("user", Command::CreateItems(vec![item(3, "held")]))
            .await
            .is_ok(),
    );
    t.note(
        "entry",
        store
            .submit("user", Command::Enqueue(vec![(WorkItemId(7), after(&[]))]))
            .await,
    );
    t.note("tick", store.submit("user", Command::Tick).await);
    let conn = &mut store.read().await.expect("a connection");
    let held = run::list(
        conn,
        &run::Filter {
            work_item: Some(WorkItemId(7)),
            ..run::Filter::default()
        },
        Page::default(),
    )
    .await
    .expect("runs");
    let id = held.rows[0].id;
    let ttl = Duration::from_secs(10);
    t.note(
        "claimed",
        store
            .submit(
                "agent:b",
                Command::Claim {
                    run: id,
                    agent: name("b"),
                    ttl,
                },
            )
            .await,
    );
    t.note(
        "held",
        store
            .submit(
                "agent:c",
                Command::Claim {
                    run: id,
                    agent: name("c"),
                    ttl,
                },
            )
            .await,
    );
    t.note(
        "beat",
        store
            .submit(
                "agent:b",
                Command::Heartbeat {
                    run: id,
                    agent: name("b"),
                    epoch: Some(1),
                    ttl: None,
                },
            )
            .await,
    );
    t.note("held by", run::held_by(conn, &name("b")).await);
    t.note("next lapse", run::next_lapse(conn).await);
    clock.advance(11);
    t.note("lapsed", run::lapsed(conn, store.now(), 10).await);
    t.note(
        "expired",
        store
            .submit("scheduler", Command::ExpireLease { run: id })
            .await,
    );
    t.note(
        "again",
        store
            .submit("scheduler", Command::ExpireLease { run: id })
            .await,
    );
    t.note(
        "taken over",
        store
            .submit(
                "agent:c",
                Command::Claim {
                    run: id,
                    agent: name("c"),
                    ttl,
                },
            )
            .await,
    );
    t.note(
        "late",
        store
            .submit(
                "agent:b",
                Command::Complete {
                    run: id,
                    done: done(Verdict::Success, Some(1)),
                    follows: Follows::Nothing,
                },
            )
            .await,
    );
    let mut tx = store.begin("scheduler").await.expect("a transaction");
    let now = tx.now();
    t.note("renewed", run::renew(&mut tx.conn, &name("c"), now).await);
    tx.commit().await.expect("a commit");
    t.note(
        "gone",
        store
            .submit(
                "scheduler",
                Command::EndHold {
                    run: id,
                    agent: name("c"),
                },
            )
            .await,
    );
}

async fn people(store: &Store, t: &Transcript) {
    let mut tx = store.begin("user").await.expect("a transaction");
    let now = tx.now();
    let digest = Digest::of_work_item("t", "d", None, None);
    t.note(
        "approval",
        approval::insert(
            &mut tx.conn,
            WorkItemId(5),
            Subject::WorkItem,
            Some("why"),
            digest,
            None,
            now,
        )
        .await,
    );
    t.note(
        "planned",
        approval::insert(
            &mut tx.conn,
            WorkItemId(7),
            Subject::PlannedSteps { run_id: RunId(2) },
            None,
            digest,
            Some("[]"),
            now,
        )
        .await,
    );
    t.note(
        "question",
        info_request::insert(&mut tx.conn, RunId(2), "Which?", &[], now).await,
    );
    t.note(
        "pending",
        info_request::pending_in(&mut tx.conn, RunId(2)).await,
    );
    let id = orch_core::ids::InfoRequestId(1);
    t.note(
        "resolved",
        info_request::resolve(&mut tx.conn, id, "sealed", now).await,
    );
    t.note(
        "once",
        info_request::resolve(&mut tx.conn, id, "sealed", now).await,
    );
    let server = crate::ServerNumber::of(7);
    t.note(
        "agent",
        agent::register(&mut tx.conn, &name("a"), "1", 4, "[]", server, now).await,
    );
    t.note(
        "agent",
        agent::register(&mut tx.conn, &name("a"), "2", 8, "[]", server, now).await,
    );
    tx.commit().await.expect("a commit");
    let conn = &mut store.read().await.expect("a connection");
    t.note(
        "approvals",
        approval::list(conn, None, Page::default()).await,
    );
    t.note(
        "approvals",
        approval::list(
            conn,
            Some(orch_core::approval::Status::Pending),
            page(Order::NewestFirst, None, 1),
        )
        .await,
    );
    t.note(
        "of items",
        approval::of_work_items(conn, &[WorkItemId(5), WorkItemId(7)]).await,
    );
    t.note("of run", approval::of_run(conn, RunId(2)).await);
    t.note("questions", info_request::of_run(conn, RunId(2)).await);
    t.note(
        "questions",
        info_request::list(conn, None, None, Page::default()).await,
    );
    t.note(
        "questions of a project",
        info_request::list(conn, None, Some(ProjectId(1)), Page::default()).await,
    );
    t.note(
        "questions of no project",
        info_request::list(conn, None, Some(ProjectId(99)), Page::default()).await,
    );
    t.note("agents", agent::list(conn).await);
}

async fn logs(store: &Store, t: &Transcript) {
    let line = |n: usize| {
        log::line(
            store.now(),
            Stream::Stdout,
            format!("line {n} \u{0} \u{1F600}"),
        )
    };
    let made = store
        .submit("user", Command::CreateItems(vec![item(2, "talks")]))
        .await;
    let Ok(Reply::Items(made)) = made else {
        panic!("{made:?}")
    };
    let wanted = vec![(made[0].id, after(&[]))];
    t.note(
        "entry",
        store.submit("user", Command::Enqueue(wanted)).await,
    );
    t.note("tick", store.submit("user", Command::Tick).await);
    let of_item = run::Filter {
        work_item: Some(made[0].id),
        ..run::Filter::default()
    };
    let runs = run::list(
        &mut store.read().await.expect("a connection"),
        &of_item,
        Page::default(),
    )
    .await
    .expect("runs");
    let id = runs.rows[0].id;
    for size in [1, 3, 5000] {
        let lines = (0..size).map(line).collect();
        let command = Command::Log {
            run: id,
            epoch: None,
            lines,
        };
        let logged = store.submit("user", command).await;
        assert!(matches!(logged, Ok(Reply::Logged { .. })), "{logged:?}");
        t.note("logged", logged);
    }
    for (number, status, epoch) in [
        (None, "running", None),
        (Some(1), "succeeded", None),
        (Some(7), "pending", None),
        (Some(7), "failed", Some(99)),
    ] {
        let report = StepReport {
            number,
            command: Some("\n make\n".to_owned()),
            status: Some(status.to_owned()),
            exit_code: Some(0),
            epoch,
            ..StepReport::default()
        };
        let report = Box::new(report);
        let reported = Command::Step { run: id, report };
        t.note("reported", store.submit("agent:b", reported).await);
    }
    t.note(
        "reported",
        step::of_run(&mut store.read().await.expect("a connection"), id).await,
    );
    let of = run::find(&mut store.read().await.expect("a connection"), id)
        .await
        .expect("a row")
        .expect("it exists");
    for wanted in [
        Wanted::first(None, 0, 3),
        Wanted::first(None, 4998, 10),
        Wanted::first(Some("LINE 2 "), 0, 10),
        Wanted {
            side: Side::Last,
            ..Wanted::first(None, 0, 3)
        },
        Wanted {
            side: Side::Last,
            before: Some(2000),
            count: Count::Page,
            ..Wanted::first(Some("LINE 1"), 0, 3)
        },
    ] {
        let budget = Budget::of(Duration::from_secs(60));
        t.note("page", log::page(store, &of, wanted, budget).await);
    }
    t.note(
        "total",
        log::total(&mut store.read().await.expect("a connection"), id).await,
    );
}

async fn records(store: &Store, clock: &TestClock, t: &Transcript) {
    let mut tx = store.begin("user").await.expect("a transaction");
    let now = tx.now();
    t.note(
        "recipe",
        recipe::insert(&mut tx.conn, WorkItemId(6), "steps: [a]", now).await,
    );
    let mut one = step::Step {
        id: 0,
        run_id: 2,
        number: 0,
        name: "s".to_owned(),
        command: None,
        status: "running".to_owned(),
        exit_code: None,
        started_at: Some(now.as_micros()),
        finished_at: None,
        detail: "{}".to_owned(),
    };
    t.note("step", step::insert(&mut tx.conn, &one, None).await);
    t.note("step", step::insert(&mut tx.conn, &one, None).await);
    t.note("step", step::insert(&mut tx.conn, &one, Some(9)).await);
    one.id = 1;
    one.exit_code = Some(3);
    t.note("step", step::update(&mut tx.conn, &one).await);
    let made = artifact::Artifact {
        id: 0,
        run_id: 2,
        name: "report".to_owned(),
        media_type: "text/plain".to_owned(),
        kind: "report".to_owned(),
        size_bytes: 3,
        sha256: "ab".repeat(32),
        created_at: now.as_micros(),
        step: Some(1),
        report: None,
    };
    t.note("artifact", artifact::insert(&mut tx.conn, &made).await);
    let omitted = artifact::Omitted {
        id: 0,
        run_id: 2,
        path: "dist/a".to_owned(),
        reason: "too large".to_owned(),
        step: None,
        created_at: now.as_micros(),
    };
    t.note("omitted", artifact::omit(&mut tx.conn, &omitted).await);
    t.note("sums", artifact::sums(&mut tx.conn, RunId(2)).await);
    let same = artifact::same(&mut tx.conn, RunId(2), "report", &"ab".repeat(32)).await;
    t.note("same artifact", same);
    t.note(
        "summary",
        summary::insert(
            &mut tx.conn,
            RunId(2),
            "went well",
            Some(r#"{"input_tokens": 12, "output_tokens": 3}"#),
            now,
        )
        .await,
    );
    let kept = idempotency::Kept {
        request: "r".to_owned(),
        status: 201,
        headers: "{}".to_owned(),
        body: vec![0, 159, 146, 150],
    };
    t.note(
        "kept",
        idempotency::keep(&mut tx.conn, "key", &kept, now).await,
    );
    t.note(
        "kept",
        idempotency::keep(&mut tx.conn, "key", &kept, now).await,
    );
    tx.commit().await.expect("a commit");
    let conn = &mut store.read().await.expect("a connection");
    t.note("steps", step::of_run(conn, RunId(2)).await);
    t.note("artifacts", artifact::of_run(conn, RunId(2)).await);
    t.note("omitted", artifact::omitted(conn, RunId(2)).await);
    t.note("summaries", summary::of_run(conn, RunId(2)).await);
    t.note("tokens", summary::tokens_by_project(conn).await);
    t.note("answer", idempotency::find(conn, "key").await);
    t.note("counts", counts::all(conn).await);
    t.note(
        "by project",
        counts::runs_by_project(conn).await.map(BTreeSet::from_iter),
    );
    clock.advance(10);
    let mut tx = store.begin("user").await.expect("a transaction");
    let now = tx.now();
    t.note(
        "forgotten",
        idempotency::forget_before(&mut tx.conn, now).await,
    );
    tx.commit().await.expect("a commit");
}

async fn chain(store: &Store, t: &Transcript) {
    let conn = &mut store.read().await.expect("a connection");
    let stored = audit::list(conn, &audit::Filter::default(), Page::default())
        .await
        .expect("entries")
        .rows;
    let mut head = Head::EMPTY;
    for stored in &stored {
        head = head
            .verify(&stored.entry, &stored.hash)
            .expect("the chain holds");
    }
    assert_eq!(head, store.audit_head());
    let entries: Vec<_> = stored.iter().map(|stored| &stored.entry).collect();
    t.note("chain", entries);
    let filter = audit::Filter {
        kind: Some("run.started".to_owned()),
        ..audit::Filter::default()
    };
    t.note(
        "started",
        audit::list(conn, &filter, page(Order::NewestFirst, None, 3))
            .await
            .map(|found| {
                let rows = found.rows.into_iter();
                rows.map(|found| found.entry).collect::<Vec<_>>()
            }),
    );
}
