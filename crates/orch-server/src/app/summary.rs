//! What workers say of their runs, and the tokens that were used.

use orch_core::engine::Refusal;
use orch_core::ids::RunId;
use orch_store::summary::{self, Summary};
use serde_json::{Map, Value, json};

use super::{App, AppError, Result, run};

/// The longest summary, in bytes.
const LONGEST: usize = 256 * 1024;

/// Stores a summary; last words may come after the end of the run.
pub async fn add(
    app: &App,
    actor: &str,
    run_id: RunId,
    epoch: Option<u64>,
    content: &str,
    usage: Option<Map<String, Value>>,
) -> Result<Summary> {
    if content.trim().is_empty() && usage.is_none() {
        return Err(AppError::invalid("content", "must not be empty"));
    }
    if content.len() > LONGEST {
        return Err(AppError::invalid(
            "content",
            format!("has {} bytes; at most {LONGEST} fit", content.len()),
        ));
    }
    if let Some(bad) = usage.iter().flatten().find(|(_, count)| !count.is_u64()) {
        let message = format!("`{}` must be a count of tokens from 0", bad.0);
        return Err(AppError::invalid("usage", message));
    }
    run::show(app, run_id).await?;
    let mut tx = app.store().begin(actor).await?;
    let run = orch_store::run::find(&mut tx.conn, run_id)
        .await?
        .ok_or_else(|| AppError::not_found("run", run_id.get()))?;
    let now = tx.now();
    run.check_logger(epoch, now).map_err(Refusal::from)?;
    let usage_text = usage.clone().map(|usage| Value::Object(usage).to_string());
    let stored = summary::insert(&mut tx.conn, run_id, content, usage_text.as_deref(), now).await?;
    let data = json!({"run_id": run_id, "summary_id": stored.id, "usage": usage});
    tx.record("summary.added", Some(run.project_id), data);
    tx.touch_run(run_id);
    tx.commit().await?;
    Ok(stored)
}

/// The summaries of a run, oldest first.
pub async fn of_run(app: &App, run_id: RunId) -> Result<Vec<Summary>> {
    run::show(app, run_id).await?;
    let mut conn = app.store().read().await?;
    Ok(app
        .store()
        .named(summary::of_run(&mut conn, run_id).await?)
        .rows)
}
