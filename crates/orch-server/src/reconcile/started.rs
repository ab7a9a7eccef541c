//! The steps that must not be repeated without a person's word and that were started before, in this
//! run or in an earlier attempt.

use orch_api::proto::StartedStep;
use orch_core::ids::RunId;
use orch_core::run::Run;
use orch_store::log::{self, Budget, Count, Side, Wanted};
use orch_store::run;
use orch_store::segment::Stream;
use orch_store::step::{self, Started};
use serde_json::Value;

use crate::app::{App, Result};

/// The most that an agent is told of.
const MOST: usize = 1_000;
/// The last lines of a step that nobody saw end.
const LAST_LINES: usize = 5;
/// Lines of the run that are looked through for them.
const LOOKED_AT: usize = 100;
/// How much of each.
const LINE_CHARACTERS: usize = 200;

/// All of them, each as it stands.
pub(super) async fn steps(app: &App, run: &Run) -> Result<Vec<StartedStep>> {
    let started = {
        let mut conn = app.store().peek().await?;
        step::started_once(&mut conn, run.work_item_id, run.entry_id).await?
    };
    let told = started.into_iter().filter_map(of_row).take(MOST);
    let mut told: Vec<StartedStep> = told.collect();
    for step in told.iter_mut().filter(|step| step.status == "running") {
        step.last_lines = last_lines(app, RunId(step.run_id), step.number).await?;
    }
    Ok(told)
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

/// What a step wrote last, as far as that is near the end of the log.
async fn last_lines(app: &App, id: RunId, number: u32) -> Result<Vec<String>> {
    let found = {
        let mut conn = app.store().peek().await?;
        run::find(&mut conn, id).await?
    };
    let Some(run) = found else {
        return Ok(Vec::new());
    };
    let wanted = Wanted {
        side: Side::Last,
        count: Count::Page,
        ..Wanted::first(None, 0, LOOKED_AT)
    };
    let page = log::page(app.store(), &run, wanted, Budget::default()).await?;
    let of_step = page
        .lines
        .into_iter()
        .map(|numbered| numbered.line)
        .filter(|line| {
            line.step == Some(number) && matches!(line.stream, Stream::Stdout | Stream::Stderr)
        });
    let lines: Vec<String> = of_step
        .map(|line| line.message.chars().take(LINE_CHARACTERS).collect())
        .collect();
    let first = lines.len().saturating_sub(LAST_LINES);
    Ok(lines[first..].to_vec())
}
