//! Agents inside of this program, with workers that start no process: the real agent library, its
//! stream, its acknowledgements.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use futures::future::{BoxFuture, FutureExt as _};
use orch_agent::{AgentConfig, Ended, Finished, Job, Outcome, RunLog, StepStatus, Worker, clock};
use orch_core::ids::AgentName;
use tokio::runtime::Runtime;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::server::Server;

/// What its threads are called, so that their cost can be told from the load generator's.
pub const THREADS: &str = "bench-agent";

/// What a worker does with a run.
#[derive(Clone, Copy)]
pub enum Work {
    /// One line.
    NoOp,
    /// Three steps that start no process, with a line each.
    ThreeSteps,
    /// So many lines of 80 characters.
    Lines(usize),
    /// One line, and then nothing until it is stopped.
    Hang,
}

/// Which runs were begun, and when.
#[derive(Default)]
pub struct Journal {
    begun: Mutex<Vec<(i64, Instant)>>,
    wanted: AtomicUsize,
    reached: Notify,
}

impl Journal {
    fn note(&self, run: i64) {
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        begun.push((run, Instant::now()));
        if begun.len() >= self.wanted.load(Ordering::Acquire) {
            self.reached.notify_one();
        }
    }

    /// Waits until `count` runs were begun in all; answers them.
    pub async fn reach(
        &self,
        count: usize,
        within: Duration,
    ) -> anyhow::Result<Vec<(i64, Instant)>> {
        let reached = async {
            loop {
                {
                    let begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
                    self.wanted.store(count, Ordering::Release);
                    if begun.len() >= count {
                        return begun.clone();
                    }
                }
                self.reached.notified().await;
            }
        };
        tokio::time::timeout(within, reached)
            .await
            .with_context(|| format!("{count} runs were not begun in time"))
    }
}

struct Doer {
    work: Work,
    journal: Arc<Journal>,
}

impl Worker for Doer {
    fn work(&self, job: Job) -> BoxFuture<'static, Ended> {
        self.journal.note(job.assignment.run_id);
        let work = self.work;
        async move {
            let outcome = match work {
                Work::NoOp => {
                    job.log.system("nothing to do").await;
                    Outcome::Finished(Finished::succeeded("done"))
                }
                Work::ThreeSteps => {
                    three_steps(&job.log).await;
                    Outcome::Finished(Finished::succeeded("done"))
                }
                Work::Lines(count) => {
                    let block = format!("{}\n", "x".repeat(80)).repeat(1000);
                    for _ in 0..count / 1000 {
                        job.log.system(&block).await;
                    }
                    Outcome::Finished(Finished::succeeded("done"))
                }
                Work::Hang => {
                    job.log.system("waiting").await;
                    job.stop.cancelled().await;
                    Outcome::Stopped
                }
            };
            Ended {
                outcome,
                folder: None,
            }
        }
        .boxed()
    }
}

async fn three_steps(log: &RunLog) {
    for number in 1..=3 {
        let name = format!("step {number}");
        log.step(number, &name, "true", StepStatus::Running).await;
        log.system("nothing to do").await;
        log.step(number, &name, "true", StepStatus::Succeeded).await;
    }
}

/// Agents on threads of their own.
pub struct Agents {
    stop: CancellationToken,
    pub journal: Arc<Journal>,
    runtime: Option<Runtime>,
    _state: tempfile::TempDir,
}

impl Agents {
    /// One agent, connected.
    pub async fn one(server: &Server, slots: usize, work: Work) -> anyhow::Result<Self> {
        Self::many(server, 1, slots, work).await
    }

    /// Several agents, connected.
    pub async fn many(
        server: &Server,
        count: usize,
        slots: usize,
        work: Work,
    ) -> anyhow::Result<Self> {
        let mut wire = server.wire().await?;
        let before = server.health(&mut wire).await?["connected_agents"].as_u64();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name(THREADS)
            .enable_all()
            .build()?;
        let state = tempfile::tempdir()?;
        let journal = Arc::new(Journal::default());
        let stop = CancellationToken::new();
        for number in 0..count {
            let folder = state.path().join(number.to_string());
            std::fs::create_dir_all(&folder)?;
            let mut config = AgentConfig::new(server.base.clone(), folder);
            config.agent_id = AgentName::parse(&format!("bench-{number}"));
            config.slots = slots;
            let worker = Arc::new(Doer {
                work,
                journal: Arc::clone(&journal),
            });
            runtime.spawn(orch_agent::run_with(
                config,
                worker,
                clock::system,
                stop.clone(),
            ));
        }
        let all = before.unwrap_or(0) + count as u64;
        server.connected(&mut wire, all).await?;
        Ok(Self {
            stop,
            journal,
            runtime: Some(runtime),
            _state: state,
        })
    }
}

impl Drop for Agents {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
