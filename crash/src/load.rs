//! The load: clients that create and enqueue, and agents of the REST protocol that claim, log and
//! complete. Each notes what was acknowledged, and ends at the first request without an answer.

use serde_json::{Value, json};

use crate::installation::Api;
use crate::random::Random;
use crate::record::Record;

/// The shortest lease that the server gives.
const SHORT_LEASE_SECONDS: f64 = 1.0;
const LONG_LEASE_SECONDS: f64 = 3.0;

/// The end of a task: no answer came, or what came cannot be gone on with.
struct Gone;

fn answered<T>(answer: Option<T>) -> Result<T, Gone> {
    answer.ok_or(Gone)
}

/// Creates and enqueues one item after another.
pub async fn create(api: Api, record: Record, project: i64, name: String) {
    for number in 0.. {
        if one_item(&api, &record, project, &format!("{name}-{number}"))
            .await
            .is_err()
        {
            return;
        }
    }
}

async fn one_item(api: &Api, record: &Record, project: i64, title: &str) -> Result<(), Gone> {
    let body = json!({"project_id": project, "title": title});
    let (status, item) = answered(api.post("/work-items", body).await)?;
    let Some(id) = item["id"].as_i64().filter(|_| status.is_success()) else {
        return backoff().await;
    };
    if let Some(other) = record.lock().items.insert(id, title.to_owned()) {
        record.violation(format!(
            "item {id} was acknowledged as `{other}` and again as `{title}`"
        ));
    }
    let yaml = json!({"steps": ["echo one; echo two", "sleep 0.2; echo three"]}).to_string();
    let (status, _) = answered(
        api.post(
            &format!("/work-items/{id}/tool-recipe"),
            json!({"yaml": yaml}),
        )
        .await,
    )?;
    if !status.is_success() {
        return backoff().await;
    }
    if id % 4 == 0 {
        approve(api, id).await?;
    }
    let (status, _) = answered(
        api.post("/scheduler/enqueue", json!({"work_item_id": id}))
            .await,
    )?;
    if status.is_success() {
        record.lock().enqueued.insert(id);
    }
    Ok(())
}

/// Asks for an approval and gives it.
async fn approve(api: &Api, item: i64) -> Result<(), Gone> {
    let (_, asked) = answered(
        api.post(&format!("/work-items/{item}/approvals"), json!({}))
            .await,
    )?;
    let path = format!("/work-items/approvals/{}/approve", asked["id"]);
    answered(api.post(&path, json!({})).await).map(drop)
}

/// A refusal or an injected failure: the next attempt waits a moment.
async fn backoff() -> Result<(), Gone> {
    tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    Ok(())
}

/// Works as an agent of the REST protocol.
pub async fn work(api: Api, record: Record, name: String, mut random: Random) {
    loop {
        let worked = one_run(&api, &record, &name, &mut random).await;
        if worked.is_err() || backoff().await.is_err() {
            return;
        }
    }
}

async fn one_run(api: &Api, record: &Record, name: &str, random: &mut Random) -> Result<(), Gone> {
    answered(api.post("/scheduler/tick", json!({})).await)?;
    let (_, runs) = answered(api.get("/work-items/runs?status=running&limit=100").await)?;
    let free: Vec<i64> = runs
        .as_array()
        .into_iter()
        .flatten()
        .filter(|run| run["claimed_by"].is_null())
        .filter_map(|run| run["id"].as_i64())
        .collect();
    if free.is_empty() {
        return backoff().await;
    }
    let run = free[usize::try_from(random.below(free.len() as u64)).unwrap_or(0)];
    let abandon = random.below(4) == 0;
    let ttl = if abandon {
        SHORT_LEASE_SECONDS
    } else {
        LONG_LEASE_SECONDS
    };
    let Some(epoch) = claim(api, run, name, ttl).await? else {
        return Ok(());
    };
    for number in 0..1 + random.below(4) {
        log(
            api,
            record,
            run,
            epoch,
            &format!("{name} {epoch} line {number}"),
        )
        .await?;
    }
    if random.below(4) == 0 {
        let content =
            json!({"name": "made", "content_base64": base64_of(run, epoch), "epoch": epoch});
        answered(
            api.post(&format!("/work-items/runs/{run}/artifacts"), content)
                .await,
        )?;
    }
    match abandon {
        true => write_late(api, record, run, epoch, name).await,
        false => complete(api, record, run, epoch).await.map(drop),
    }
}

/// A run that somebody holds for a short time, before a crash.
pub struct Held {
    run: i64,
    epoch: u64,
}

/// Takes a run of a new item; no other agent may be connected.
pub async fn hold(api: &Api, record: &Record, project: i64, title: &str) -> Option<Held> {
    one_item(api, record, project, title).await.ok()?;
    let item = record
        .lock()
        .items
        .iter()
        .find(|(_, known)| *known == title)
        .map(|(id, _)| *id)?;
    api.post("/scheduler/tick", json!({})).await?;
    let (_, runs) = api.get(&format!("/work-items/{item}/runs")).await?;
    let run = runs[0]["id"].as_i64()?;
    let epoch = claim(api, run, title, SHORT_LEASE_SECONDS).await.ok()??;
    log(api, record, run, epoch, &format!("{title} {epoch} line"))
        .await
        .ok()?;
    Some(Held { run, epoch })
}

/// After the crash: the lease lapses, another takes over, the first one comes late.
pub async fn come_late(api: &Api, record: &Record, held: Held, name: &str) -> bool {
    write_late(api, record, held.run, held.epoch, name)
        .await
        .is_ok()
}

async fn claim(api: &Api, run: i64, name: &str, ttl: f64) -> Result<Option<u64>, Gone> {
    let body = json!({"agent_id": name, "ttl_seconds": ttl});
    let (status, claim) = answered(
        api.post(&format!("/work-items/runs/{run}/claim"), body)
            .await,
    )?;
    Ok(claim["epoch"].as_u64().filter(|_| status.is_success()))
}

async fn log(api: &Api, record: &Record, run: i64, epoch: u64, line: &str) -> Result<(), Gone> {
    // Those of every other run are too long to stand in their rows: they go into segment files.
    let rest = "x".repeat(if run % 2 == 0 { 600 } else { 0 });
    let lines = [format!("{line} a"), format!("{line} b{rest}")];
    let body = json!({"lines": lines, "stream": "stdout", "epoch": epoch});
    let (status, _) = answered(
        api.post(&format!("/work-items/runs/{run}/logs"), body)
            .await,
    )?;
    if status.is_success() {
        record.lock().lines.entry(run).or_default().extend(lines);
    }
    Ok(())
}

async fn complete(api: &Api, record: &Record, run: i64, epoch: u64) -> Result<bool, Gone> {
    let body = json!({"success": true, "exit_code": 0, "epoch": epoch});
    let (status, _) = answered(
        api.post(&format!("/work-items/runs/{run}/complete"), body)
            .await,
    )?;
    if status.is_success() {
        record.lock().completed.insert(run);
    }
    Ok(status.is_success())
}

/// Bytes that no other run has, in letters of base64 that need no padding.
fn base64_of(run: i64, epoch: u64) -> String {
    format!("{run:012}{epoch:08}")
}

/// Lets the lease lapse, has another take the run over, and writes under the old epoch.
async fn write_late(
    api: &Api,
    record: &Record,
    run: i64,
    old: u64,
    name: &str,
) -> Result<(), Gone> {
    let other = format!("{name}-other");
    loop {
        let taken = claim(api, run, &other, LONG_LEASE_SECONDS).await?;
        let (_, shown) = answered(api.get(&format!("/work-items/runs/{run}")).await)?;
        if shown["epoch"].as_u64().is_some_and(|current| current > old) {
            late(api, record, run, old).await?;
            if let Some(epoch) = taken {
                complete(api, record, run, epoch).await?;
            }
            return Ok(());
        }
        if is_over(&shown) {
            return Ok(());
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

/// The epoch only goes up, so whoever writes under a lower one must be refused.
async fn late(api: &Api, record: &Record, run: i64, old: u64) -> Result<(), Gone> {
    let body = json!({"success": true, "exit_code": 0, "epoch": old});
    let (status, answer) = answered(
        api.post(&format!("/work-items/runs/{run}/complete"), body)
            .await,
    )?;
    if status.is_success() {
        record.violation(format!(
            "run {run}: a completion of the old epoch {old} was accepted: {answer}"
        ));
    } else {
        record.lock().refused_old += 1;
    }
    Ok(())
}

fn is_over(run: &Value) -> bool {
    !matches!(run["status"].as_str(), Some("running" | "waiting"))
}
