//! What must hold of everything that was acknowledged.

use anyhow::{Context as _, ensure};
use serde_json::Value;

use crate::installation::{Api, PATIENCE};
use crate::record::Record;

async fn get(api: &Api, path: &str) -> anyhow::Result<Value> {
    let (status, body) = api
        .get(path)
        .await
        .with_context(|| format!("no answer to GET {path}"))?;
    ensure!(
        status.is_success() || status == reqwest::StatusCode::NOT_FOUND,
        "GET {path}: {status} {body}"
    );
    Ok(body)
}

/// After a restart: items numbered from `from` on are what they were acknowledged to be, and
/// completed runs are.
pub async fn after_restart(api: &Api, record: &Record, from: i64) -> anyhow::Result<()> {
    let items: Vec<(i64, String)> = record
        .lock()
        .items
        .range(from..)
        .map(|(id, title)| (*id, title.clone()))
        .collect();
    for (id, title) in items {
        let item = get(api, &format!("/work-items/{id}")).await?;
        if item["title"] != title.as_str() {
            record.violation(format!(
                "item {id} was acknowledged as `{title}` and is {item}"
            ));
        }
    }
    Ok(())
}

/// Waits until everything that was enqueued is over; names what never is.
pub async fn settle(api: &Api, record: &Record) -> anyhow::Result<()> {
    let begun = std::time::Instant::now();
    loop {
        let queued = get(api, "/scheduler/queue?status=queued&limit=1").await?;
        let running = get(api, "/work-items/runs?status=running&limit=1").await?;
        let none = |list: &Value| list.as_array().is_some_and(Vec::is_empty);
        if none(&queued) && none(&running) {
            return Ok(());
        }
        if begun.elapsed() > PATIENCE {
            record.violation(format!(
                "after {PATIENCE:?} without a fault there are still {queued} and {running}"
            ));
            return Ok(());
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}

/// Everything acknowledged is there, once, and in order.
pub async fn everything(api: &Api, record: &Record) -> anyhow::Result<()> {
    after_restart(api, record, 0).await?;
    let (enqueued, completed, lines) = {
        let all = record.lock();
        (
            all.enqueued.clone(),
            all.completed.clone(),
            all.lines.clone(),
        )
    };
    for item in enqueued {
        let runs = get(api, &format!("/work-items/{item}/runs?limit=100")).await?;
        let runs: Vec<&Value> = runs.as_array().into_iter().flatten().collect();
        let succeeded = runs
            .iter()
            .filter(|run| run["status"] == "succeeded")
            .count();
        match (succeeded, runs.as_slice()) {
            (1, _) => {}
            (0, [run]) if is_lost_by_the_rules(run) => {
                record.lock().lost.insert(item);
            }
            (count, _) => record.violation(format!(
                "item {item} was enqueued once, was acknowledged and has {count} succeeded runs: {runs:?}"
            )),
        }
    }
    for run in completed {
        let shown = get(api, &format!("/work-items/runs/{run}")).await?;
        if shown["status"] != "succeeded" {
            record.violation(format!("run {run} was completed and is {shown}"));
        }
    }
    for (run, acknowledged) in lines {
        let page = get(
            api,
            &format!("/work-items/runs/{run}/logs?format=json&limit=10000"),
        )
        .await?;
        let stored: Vec<&str> = page["lines"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let mut rest = stored.iter();
        if let Some(missing) = acknowledged
            .iter()
            .find(|line| !rest.any(|stored| stored == line))
        {
            record.violation(format!("run {run}: `{missing}` was acknowledged and is missing or out of order in {stored:?}"));
        }
    }
    Ok(())
}

/// A run is given up after its fourth lapse; each lapse is of a claim, and each claim raised the
/// epoch.
fn is_lost_by_the_rules(run: &Value) -> bool {
    run["status"] == "lost" && run["epoch"].as_u64().is_some_and(|epoch| epoch >= 4)
}
