//! The steps of runs, as their workers report them.

use orch_core::ids::{RunId, StepId};
use orch_store::step::{self, Step};
use serde_json::{Map, Value, json};

use super::{App, AppError, Result, checks, run};

/// The most steps of one run.
const MOST_STEPS: i64 = 10_000;
const STATUSES: [&str; 5] = ["pending", "running", "succeeded", "failed", "skipped"];

/// What a worker says of a step; `None` stays as it is.
#[derive(Clone, Debug, Default)]
pub struct Report {
    pub number: Option<i64>,
    pub name: Option<String>,
    pub command: Option<String>,
    pub status: Option<String>,
    pub exit_code: Option<i32>,
    pub detail: Option<Map<String, Value>>,
    pub epoch: Option<u64>,
}

fn check(report: &Report) -> Result<()> {
    if let Some(name) = &report.name {
        checks::text("name", name, 500)?;
    }
    match report.status.as_deref() {
        Some(status) if !STATUSES.contains(&status) => Err(AppError::invalid(
            "status",
            format!("is `{status}`; expected one of {}", STATUSES.join(", ")),
        )),
        Some(_) | None
            if report
                .number
                .is_some_and(|number| !(1..=MOST_STEPS).contains(&number)) =>
        {
            Err(AppError::invalid(
                "number",
                format!("must be from 1 to {MOST_STEPS}"),
            ))
        }
        Some(_) | None => Ok(()),
    }
}

fn apply(step: &mut Step, report: Report, now_us: i64) {
    if let Some(name) = report.name {
        step.name = name;
    }
    if report.command.is_some() {
        step.command = report.command;
    }
    if let Some(detail) = report.detail {
        step.detail = Value::Object(detail).to_string();
    }
    if let Some(code) = report.exit_code {
        step.exit_code = Some(i64::from(code));
    }
    if let Some(status) = report.status {
        match status.as_str() {
            "running" => {
                step.started_at = Some(now_us);
                step.finished_at = None;
            }
            "succeeded" | "failed" | "skipped" => {
                step.started_at.get_or_insert(now_us);
                step.finished_at = Some(now_us);
            }
            _ => {}
        }
        step.status = status;
    }
}

/// What a step without a name is called: the first line of its command, else its place.
fn name_of(command: Option<&str>, place: usize) -> String {
    let line = command.and_then(|command| command.lines().find(|line| !line.trim().is_empty()));
    match line {
        Some(line) => line.trim().chars().take(200).collect(),
        None => format!("step {place}"),
    }
}

/// Adds a step; with a number that the run has already, that step is reported on again.
pub async fn report(app: &App, actor: &str, run_id: RunId, report: Report) -> Result<Step> {
    check(&report)?;
    let known = run::show(app, run_id).await?;
    let mut tx = app.store().begin(actor).await?;
    let run = orch_store::run::find(&mut tx.conn, run_id)
        .await?
        .unwrap_or(known);
    let now = tx.now();
    run.check_writer(report.epoch, now)
        .map_err(orch_core::engine::Refusal::from)?;
    let steps = step::of_run(&mut tx.conn, run_id).await?;
    let existing = steps
        .iter()
        .find(|step| report.number == Some(step.number))
        .cloned();
    let stored = if let Some(mut step) = existing {
        apply(&mut step, report, now.as_micros());
        step::update(&mut tx.conn, &step).await?;
        step
    } else {
        if steps.len() as i64 >= MOST_STEPS {
            return Err(AppError::conflict(
                "too_many_steps",
                format!("run {run_id} has {MOST_STEPS} steps already"),
            ));
        }
        let name = report
            .name
            .clone()
            .unwrap_or_else(|| name_of(report.command.as_deref(), steps.len() + 1));
        let number = report.number;
        let mut step = Step {
            id: 0,
            run_id: run_id.get(),
            number: 0,
            name,
            command: None,
            status: "running".to_owned(),
            exit_code: None,
            started_at: Some(now.as_micros()),
            finished_at: None,
            detail: "{}".to_owned(),
        };
        if report.status.as_deref() == Some("pending") {
            step.started_at = None;
        }
        apply(&mut step, report, now.as_micros());
        step::insert(&mut tx.conn, &step, number).await?
    };
    finish(tx, &run, stored).await
}

/// Changes a step.
pub async fn update(app: &App, actor: &str, id: StepId, report: Report) -> Result<Step> {
    check(&report)?;
    let mut tx = app.store().begin(actor).await?;
    let mut stored = step::find(&mut tx.conn, id)
        .await?
        .ok_or_else(|| AppError::not_found("step", id.get()))?;
    let run_id = RunId(stored.run_id);
    let run = orch_store::run::find(&mut tx.conn, run_id)
        .await?
        .ok_or_else(|| AppError::not_found("run", run_id.get()))?;
    let now = tx.now();
    run.check_writer(report.epoch, now)
        .map_err(orch_core::engine::Refusal::from)?;
    apply(&mut stored, report, now.as_micros());
    step::update(&mut tx.conn, &stored).await?;
    finish(tx, &run, stored).await
}

async fn finish(mut tx: orch_store::Tx, run: &orch_core::run::Run, step: Step) -> Result<Step> {
    let data = json!({
        "run_id": run.id, "step_id": step.id, "number": step.number, "status": step.status,
        "exit_code": step.exit_code,
    });
    tx.record("step.reported", Some(run.project_id), data);
    tx.touch_run(run.id);
    tx.commit().await?;
    Ok(step)
}

/// The steps of a run, in order.
pub async fn of_run(app: &App, run_id: RunId) -> Result<Vec<Step>> {
    run::show(app, run_id).await?;
    let mut conn = app.store().read().await?;
    Ok(step::of_run(&mut conn, run_id).await?)
}
