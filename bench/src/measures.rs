//! The measurements: each on a fresh data folder, durable, through the public API.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use futures::future::{BoxFuture, FutureExt as _};
use orch_agent::{AgentConfig, Ended, Finished, Job, Outcome, Worker, clock};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::Figure;
use crate::server::Server;

/// Items in one batch of the API.
const BATCH: usize = 1000;

/// How soon the server is ready on an empty database, and what server and agent hold when idle.
pub async fn start_up(binary: &str, rounds: usize) -> anyhow::Result<Vec<Figure>> {
    let (mut ready, mut resident, mut proportional) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        ready.push(Server::start(binary, "serve")?.ready_after.as_secs_f64() * 1000.0);
        let up = Server::start(binary, "up")?;
        tokio::time::sleep(Duration::from_secs(2)).await;
        let (rss, pss) = up.memory_mib()?;
        resident.push(rss);
        proportional.push(pss);
    }
    Ok(vec![
        Figure {
            name: "ready to serve, empty database",
            unit: "ms",
            target: "< 300",
            samples: ready,
        },
        Figure {
            name: "server and agent idle, resident",
            unit: "MiB",
            target: "< 60",
            samples: resident,
        },
        Figure {
            name: "server and agent idle, proportional",
            unit: "MiB",
            target: "< 60",
            samples: proportional,
        },
    ])
}

/// Writes one line and is done: everything but a process.
struct NoOp {
    begun: mpsc::UnboundedSender<Instant>,
}

impl Worker for NoOp {
    fn work(&self, job: Job) -> BoxFuture<'static, Ended> {
        let _ = self.begun.send(Instant::now());
        async move {
            job.log.system("nothing to do").await;
            Ended {
                outcome: Outcome::Finished(Finished::succeeded("done")),
                folder: None,
            }
        }
        .boxed()
    }
}

struct Agent {
    stop: CancellationToken,
    begun: mpsc::UnboundedReceiver<Instant>,
    _state: tempfile::TempDir,
}

impl Agent {
    async fn start(server: &Server, slots: usize) -> anyhow::Result<Self> {
        let (sender, begun) = mpsc::unbounded_channel();
        let state = tempfile::tempdir()?;
        let mut config = AgentConfig::new(server.base.clone(), state.path());
        config.slots = slots;
        let stop = CancellationToken::new();
        let running = orch_agent::run_with(
            config,
            Arc::new(NoOp { begun: sender }),
            clock::system,
            stop.clone(),
        );
        tokio::spawn(running);
        let begun_at = Instant::now();
        while server.get("/observability/health").await?["connected_agents"] != 1 {
            ensure!(
                begun_at.elapsed() < Duration::from_secs(30),
                "the agent did not connect"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(Self {
            stop,
            begun,
            _state: state,
        })
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// No-op items created, enqueued, run and completed: all in all, and creation with enqueueing.
pub async fn throughput(binary: &str, rounds: usize, items: usize) -> anyhow::Result<Vec<Figure>> {
    let (mut whole, mut queued) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let server = Server::start(binary, "serve")?;
        let project = server.project().await?;
        let _agent = Agent::start(&server, 512).await?;
        let begun = Instant::now();
        let batches = items.div_ceil(BATCH);
        for batch in 0..batches {
            let count = BATCH.min(items - batch * BATCH);
            let new: Vec<Value> = (0..count)
                .map(|n| json!({"project_id": project, "title": format!("no-op {n}")}))
                .collect();
            let created = server
                .post("/work-items/batch", json!({"items": new}))
                .await?;
            let entries: Vec<Value> = created
                .as_array()
                .context("a list")?
                .iter()
                .map(|item| json!({"work_item_id": item["id"]}))
                .collect();
            server
                .post("/scheduler/enqueue/batch", json!({"entries": entries}))
                .await?;
        }
        queued.push(items as f64 / begun.elapsed().as_secs_f64());
        loop {
            let metrics = server.get("/observability/metrics").await?;
            if metrics["runs_by_status"]["succeeded"].as_u64() == Some(items as u64) {
                break;
            }
            ensure!(
                begun.elapsed() < Duration::from_secs(600),
                "it takes too long: {metrics}"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        whole.push(items as f64 / begun.elapsed().as_secs_f64());
    }
    Ok(vec![
        Figure {
            name: "no-op items, created to completed",
            unit: "/s",
            target: ">= 3000",
            samples: whole,
        },
        Figure {
            name: "of it: created and enqueued in batches",
            unit: "/s",
            target: "",
            samples: queued,
        },
    ])
}

/// From before the enqueue call to the start of the work, with an idle agent.
pub async fn latency(binary: &str, samples: usize) -> anyhow::Result<Figure> {
    let server = Server::start(binary, "serve")?;
    let project = server.project().await?;
    let mut agent = Agent::start(&server, 4).await?;
    let mut taken = Vec::new();
    for n in 0..samples {
        let item = server
            .post(
                "/work-items",
                json!({"project_id": project, "title": format!("no-op {n}")}),
            )
            .await?;
        let begun = Instant::now();
        server
            .post("/scheduler/enqueue", json!({"work_item_id": item["id"]}))
            .await?;
        let started = tokio::time::timeout(Duration::from_secs(10), agent.begun.recv()).await?;
        let started = started.context("the agent ended")?;
        taken.push(started.saturating_duration_since(begun).as_secs_f64() * 1000.0);
    }
    Ok(Figure {
        name: "enqueue to step start, p50",
        unit: "ms",
        target: "< 1 fsync + 3",
        samples: taken,
    })
}

/// A large log, written in bodies of about 1 MB and read page by page.
pub async fn large_log(binary: &str, mib: usize) -> anyhow::Result<Vec<Figure>> {
    let server = Arc::new(Server::start(binary, "serve")?);
    let project = server.project().await?;
    let item = server
        .post(
            "/work-items",
            json!({"project_id": project, "title": "talks"}),
        )
        .await?;
    let run = server
        .post(&format!("/work-items/{}/start", item["id"]), json!(null))
        .await?["id"]
        .clone();
    let path = format!("/work-items/runs/{run}/logs");
    let body = Arc::new(json!({"lines": vec!["x".repeat(998); 1000]}));
    let begun = Instant::now();
    let left = Arc::new(AtomicUsize::new(mib * 1_048_576 / 1_000_000));
    let total = left.load(Ordering::Relaxed);
    let writers = (0..4).map(|_| {
        let (server, path, body, left) = (
            Arc::clone(&server),
            path.clone(),
            Arc::clone(&body),
            Arc::clone(&left),
        );
        async move {
            while left
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1))
                .is_ok()
            {
                server.post(&path, (*body).clone()).await?;
            }
            anyhow::Ok(())
        }
    });
    futures::future::try_join_all(writers).await?;
    let written = total as f64 / begun.elapsed().as_secs_f64();
    let before = server.memory_mib()?.0;
    let begun = Instant::now();
    let (mut offset, mut peak, mut bytes) = (0_u64, before, 0_u64);
    loop {
        let page = server
            .get(&format!("{path}?format=json&limit=5000&offset={offset}"))
            .await?;
        let returned = page["returned"].as_u64().unwrap_or(0);
        if returned == 0 {
            break;
        }
        offset += returned;
        bytes += page["lines"].as_array().map_or(0, |lines| {
            lines
                .iter()
                .map(|l| l.as_str().map_or(0, str::len) as u64)
                .sum()
        });
        peak = peak.max(server.memory_mib()?.0);
    }
    let read = bytes as f64 / 1_000_000.0 / begun.elapsed().as_secs_f64();
    Ok(vec![
        Figure {
            name: "large log: written",
            unit: "MB/s",
            target: "",
            samples: vec![written],
        },
        Figure {
            name: "large log: read page by page",
            unit: "MB/s",
            target: "",
            samples: vec![read],
        },
        Figure {
            name: "large log: resident before reading",
            unit: "MiB",
            target: "",
            samples: vec![before],
        },
        Figure {
            name: "large log: highest while reading",
            unit: "MiB",
            target: "constant",
            samples: vec![peak],
        },
    ])
}
