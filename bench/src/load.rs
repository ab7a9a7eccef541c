//! Making work through the public API, as cheaply as a client can.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use anyhow::ensure;

use crate::agent::{Agents, THREADS};
use crate::process;
use crate::server::{Server, has_succeeded};
use crate::wire::{Wire, first_id};

/// Items in one batch of the API.
pub const BATCH: usize = 1000;
/// The longest that a round may take.
pub const PATIENCE: Duration = Duration::from_secs(600);

/// The body that creates `count` items.
pub fn items_body(project: i64, count: usize) -> Vec<u8> {
    let mut body = String::from("{\"items\":[");
    for n in 0..count {
        let comma = if n == 0 { "" } else { "," };
        let _ = write!(
            body,
            "{comma}{{\"project_id\":{project},\"title\":\"no-op {n}\"}}"
        );
    }
    body.push_str("]}");
    body.into_bytes()
}

/// The body that queues items, the first of which is `first`; `depends_on` is added to each.
pub fn entries_body(first: i64, count: usize, depends_on: &str) -> Vec<u8> {
    let mut body = String::from("{\"entries\":[");
    for n in 0..count {
        let (comma, id) = (if n == 0 { "" } else { "," }, first + n as i64);
        let _ = write!(body, "{comma}{{\"work_item_id\":{id}{depends_on}}}");
    }
    body.push_str("]}");
    body.into_bytes()
}

/// A run that takes log lines over REST.
pub struct Talking {
    /// Where its lines go.
    pub path: String,
    /// 1,000 lines of 998 characters.
    pub body: Vec<u8>,
}

impl Talking {
    pub async fn start(server: &Server, wire: &mut Wire) -> anyhow::Result<Self> {
        let project = server.project(wire).await?;
        let body = format!("{{\"project_id\":{project},\"title\":\"talks\"}}");
        let item = first_id(wire.post("/work-items", body.as_bytes()).await?)?;
        let run = first_id(wire.post(&format!("/work-items/{item}/start"), b"").await?)?;
        let lines = vec!["x".repeat(998); 1000].join("\",\"");
        Ok(Self {
            path: format!("/work-items/runs/{run}/logs"),
            body: format!("{{\"lines\":[\"{lines}\"]}}").into_bytes(),
        })
    }
}

/// Creates `count` items; answers the first id of each batch with its size.
pub async fn create(
    wire: &mut Wire,
    project: i64,
    count: usize,
) -> anyhow::Result<Vec<(i64, usize)>> {
    let mut made = Vec::new();
    let whole = items_body(project, BATCH);
    let mut left = count;
    while left > 0 {
        let size = left.min(BATCH);
        let answer = if size == BATCH {
            wire.post("/work-items/batch", &whole).await?
        } else {
            wire.post("/work-items/batch", &items_body(project, size))
                .await?
        };
        made.push((first_id(answer)?, size));
        left -= size;
    }
    Ok(made)
}

/// Creates and queues `count` items, batch by batch on two connections.
pub async fn create_and_enqueue(server: &Server, project: i64, count: usize) -> anyhow::Result<()> {
    let half = count / 2 / BATCH * BATCH;
    let one = async |count: usize| {
        let mut wire = server.wire().await?;
        let mut left = count;
        while left > 0 {
            let size = left.min(BATCH);
            let (first, _) = create(&mut wire, project, size).await?[0];
            let body = entries_body(first, size, "");
            wire.post("/scheduler/enqueue/batch", &body).await?;
            left -= size;
        }
        anyhow::Ok(())
    };
    futures::future::try_join(one(half), one(count - half)).await?;
    Ok(())
}

/// Waits until so many runs were begun in all and the last `tail` of them have succeeded; answers
/// when that was.
pub async fn finished(
    agents: &Agents,
    wire: &mut Wire,
    count: usize,
    tail: usize,
) -> anyhow::Result<Instant> {
    let begun = agents.journal.reach(count, PATIENCE).await?;
    let until = Instant::now() + PATIENCE;
    let mut at = Instant::now();
    for (run, _) in begun.iter().rev().take(tail) {
        let path = format!("/work-items/runs/{run}");
        let mut waited = false;
        while !has_succeeded(wire.get(&path).await?) {
            ensure!(Instant::now() < until, "run {run} did not end");
            waited = true;
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
        if waited {
            at = Instant::now();
        }
    }
    Ok(at)
}

/// Processor time of server, agent and load generator.
#[derive(Clone, Copy)]
pub struct Cost {
    pub server: f64,
    pub agent: f64,
    pub generator: f64,
}

impl Cost {
    pub fn now(server: &Server) -> Self {
        let (agent, generator) = process::own_cpu_seconds(THREADS);
        Self {
            server: server.cpu_seconds(),
            agent,
            generator,
        }
    }

    /// What was spent since, for each 1,000 of `count`.
    pub fn since(self, server: &Server, count: usize) -> Self {
        let now = Self::now(server);
        let thousands = count as f64 / 1000.0;
        Self {
            server: (now.server - self.server) / thousands,
            agent: (now.agent - self.agent) / thousands,
            generator: (now.generator - self.generator) / thousands,
        }
    }
}
