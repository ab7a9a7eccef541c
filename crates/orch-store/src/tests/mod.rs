//! The store against both databases: every statement prepares, every operation behaves alike.

mod blobs;
mod buckets;
mod budgets;
mod carry;
mod conformance;
mod damaged_logs;
mod dispatch;
mod logs;
mod orchestrations;
mod piped;
mod plans;
mod projects;
mod quarantine;
mod reach;
mod replicas;
mod retention;
mod schema;
mod secrets;
mod statements;
mod unreadable;

#[path = "../../../../tests/support/postgres.rs"]
mod postgres;
#[path = "../../../../tests/support/s3.rs"]
mod s3;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use orch_core::engine::{Completion, NewWorkItem, Verdict};
use orch_core::ids::ProjectId;
use orch_core::rules::Rules;
use orch_core::run::Run;
use orch_core::time::Timestamp;
use orch_core::work_item::{Kind, Policy};

use crate::{Command, Database, Follows, Options, Store};
use postgres::Postgres;

/// A clock that tests set.
#[derive(Clone, Default)]
struct TestClock(Arc<AtomicI64>);

impl TestClock {
    fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1_000_000, Ordering::Relaxed);
    }

    fn options(&self, database: Database, seed: u64) -> Options {
        let clock = self.clone();
        Options {
            database,
            rules: Arc::new(Rules::default()),
            clock: Arc::new(move || Timestamp::from_micros(clock.0.load(Ordering::Relaxed))),
            seed,
        }
    }
}

/// An item of the first project.
fn item(n: usize) -> NewWorkItem {
    NewWorkItem {
        project_id: ProjectId(1),
        title: format!("item {n}"),
        description: String::new(),
        kind: Kind::Task,
        environment: None,
        policy: Policy::default(),
        concurrency_key: None,
        reference: None,
    }
}

/// The good end of a run.
fn success(run: &Run, epoch: Option<u64>) -> Command {
    let done = Completion {
        epoch,
        verdict: Verdict::Success,
        exit_code: Some(0),
        reason: None,
    };
    Command::Complete {
        run: run.id,
        done,
        follows: Follows::Nothing,
    }
}

/// Runs a check on an embedded database and on a shared one.
async fn on_both<F: AsyncFn(Store, TestClock)>(check: F) {
    let folder = tempfile::tempdir().expect("a folder");
    let sqlite = Database::Sqlite {
        file: folder.path().join("orchestrator.db"),
        logs: folder.path().join("logs"),
    };
    on(sqlite, &check).await;
    let cluster = Postgres::start();
    let url = cluster.database("orch");
    on(Database::Postgres { url }, &check).await;
}

async fn on<F: AsyncFn(Store, TestClock)>(database: Database, check: &F) {
    let clock = TestClock::default();
    clock.advance(1_700_000_000);
    let store = Store::open(clock.options(database, 7))
        .await
        .expect("the store opens");
    check(store.clone(), clock).await;
    store.close().await;
}
