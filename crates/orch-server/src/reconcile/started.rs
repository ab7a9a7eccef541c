//! The steps that must not be repeated without a person's word and that were started before, in this
//! run or in an earlier attempt.

use orch_api::proto::StartedStep;
use orch_core::run::Run;
use orch_store::step::{self, Started};
use serde_json::Value;

use crate::app::{App, Result};

/// The most that an agent is told of.
const MOST: usize = 1_000;

/// All of them, each as it stands.
pub(super) async fn steps(app: &App, run: &Run) -> Result<Vec<StartedStep>> {
    let started = {
        let mut conn = app.store().peek().await?;
        step::started_once(&mut conn, run.work_item_id, run.entry_id).await?
    };
    let told = started.into_iter().filter_map(of_row).take(MOST);
    Ok(told.collect())
}

fn of_row(row: Started) -> Option<StartedStep> {
    let detail: Value = serde_json::from_str(&row.detail).ok()?;
    if detail["idempotent"] != Value::Bool(false) {
        return None;
    }
    Some(StartedStep {
        run_id: row.run_id,
        number: u32::try_from(row.number).ok()?,
        epoch: detail["epoch"].as_u64().unwrap_or(0),
        status: row.status,
        command: row.command.unwrap_or_default(),
        started_at_us: row.started_at.unwrap_or(0),
        last_lines: Vec::new(),
        attempt: u32::try_from(row.attempt).unwrap_or(1),
    })
}
