//! The store's hot path without HTTP: create, enqueue, dispatch, log and complete no-op items.
//! Prints items per second. Run with `cargo run --release -p orch-store --example hotpath`.
use orch_core::engine::{Completion, Enqueue, NewWorkItem, Reach, Verdict};
use orch_core::ids::{AgentName, ProjectId};
use orch_core::rules::Rules;
use orch_core::time::Timestamp;
use orch_core::work_item::{Kind, Policy};
use orch_store::segment::Stream;
use orch_store::{Command, Database, Follows, Options, Reply, Store, log, project};
use std::sync::Arc;
use std::time::{Duration, Instant};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let clock = Arc::new(|| {
        Timestamp::from_micros(
            std::time::UNIX_EPOCH
                .elapsed()
                .map_or(0, |d| d.as_micros() as i64),
        )
    });
    let store = Store::open(Options {
        database: match std::env::var("ORCH_DATABASE_URL") {
            Ok(url) => Database::Postgres { url },
            Err(_) => Database::Sqlite {
                file: folder.path().join("orchestrator.db"),
                logs: folder.path().join("logs"),
            },
        },
        rules: Arc::new(Rules::default()),
        clock,
        seed: 1,
    })
    .await?;
    let mut tx = store.begin("bench").await?;
    let now = tx.now();
    project::insert(&mut tx.conn, "bench", "", now).await?;
    tx.commit().await?;
    let n = 10_000;
    let begun = Instant::now();
    let mut ids = Vec::new();
    for _ in 0..n / 500 {
        let new = (0..500)
            .map(|i| NewWorkItem {
                project_id: ProjectId(1),
                title: format!("noop {i}"),
                description: String::new(),
                kind: Kind::Task,
                environment: None,
                policy: Policy::default(),
                concurrency_key: None,
                reference: None,
            })
            .collect();
        let Reply::Items(items) = store.submit("bench", Command::CreateItems(new)).await? else {
            unreachable!()
        };
        ids.extend(items.iter().map(|item| item.id));
    }
    let created = begun.elapsed();
    for chunk in ids.chunks(500) {
        let wanted = chunk.iter().map(|id| (*id, Enqueue::default())).collect();
        store.submit("bench", Command::Enqueue(wanted)).await?;
    }
    let enqueued = begun.elapsed();
    let agent = AgentName::parse("bench").ok_or("name")?;
    let mut done = 0;
    let (mut t_dispatch, mut t_complete) = (Duration::ZERO, Duration::ZERO);
    while done < n {
        let t = Instant::now();
        let reply = store
            .submit(
                "bench",
                Command::Dispatch {
                    agent: agent.clone(),
                    slots: 500,
                    ttl: Duration::from_secs(15),
                    reach: Reach::QueueToo,
                },
            )
            .await?;
        t_dispatch += t.elapsed();
        let Reply::Runs(runs) = reply else {
            unreachable!()
        };
        let t = Instant::now();
        let mut waits = Vec::new();
        for run in &runs {
            let line = log::line(store.now(), Stream::Stdout, "nothing to do".into());
            let (s, id, epoch) = (store.clone(), run.id, Some(run.epoch));
            waits.push(tokio::spawn(async move {
                s.submit(
                    "bench",
                    Command::Log {
                        run: id,
                        epoch,
                        lines: vec![line],
                    },
                )
                .await
            }));
            let s = store.clone();
            waits.push(tokio::spawn(async move {
                s.submit(
                    "bench",
                    Command::Complete {
                        run: id,
                        done: Completion {
                            epoch,
                            verdict: Verdict::Success,
                            exit_code: Some(0),
                            reason: None,
                        },
                        follows: Follows::QueuedLogs,
                    },
                )
                .await
            }));
        }
        for wait in waits {
            wait.await??;
        }
        t_complete += t.elapsed();
        done += runs.len();
    }
    let all = begun.elapsed();
    println!(
        "create {:.0}/s, enqueue {:.0}/s, dispatch {:.0}/s, log+complete {:.0}/s, all {:.0}/s",
        n as f64 / created.as_secs_f64(),
        n as f64 / (enqueued - created).as_secs_f64(),
        n as f64 / t_dispatch.as_secs_f64(),
        n as f64 / t_complete.as_secs_f64(),
        n as f64 / all.as_secs_f64()
    );
    Ok(())
}
