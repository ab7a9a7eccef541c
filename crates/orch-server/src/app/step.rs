//! The steps of runs, as their workers report them.

use orch_core::ids::{RunId, StepId};
use orch_store::step::{self, Step};
use orch_store::{Command, MOST_STEPS, Reply, StepReport};

use super::work_item::unexpected;
use super::{App, AppError, Result, checks, run};

const STATUSES: [&str; 5] = ["pending", "running", "succeeded", "failed", "skipped"];

/// A report that makes sense, for a run that it may be about.
///
/// # Errors
/// When it does not.
pub fn command(run: RunId, report: StepReport) -> Result<Command> {
    check(&report)?;
    let report = Box::new(report);
    Ok(Command::Step { run, report })
}

fn check(report: &StepReport) -> Result<()> {
    if let Some(name) = &report.name {
        checks::text("name", name, 500)?;
    }
    match report.status.as_deref() {
        Some(status) if !STATUSES.contains(&status) => Err(AppError::wrong(
            "status",
            format!("`{status}`"),
            format!("one of {}", STATUSES.join(", ")),
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

/// Adds a step; with a number that the run has already, that step is reported on again.
pub async fn report(app: &App, actor: &str, run_id: RunId, report: StepReport) -> Result<Step> {
    let command = command(run_id, report)?;
    if let Command::Step { report, .. } = &command
        && let Some(number) = report.number
    {
        leave_alone(app, run_id, number, report.epoch).await?;
    }
    match app.store().submit(actor, command).await? {
        Reply::Step(step) => Ok(*step),
        other => Err(unexpected(&other)),
    }
}

/// Refuses to overwrite what an agent works on: it reports under the epoch of its hold.
async fn leave_alone(app: &App, run_id: RunId, number: i64, epoch: Option<u64>) -> Result<()> {
    if epoch.is_some() || !app.agents().holds(run_id) {
        return Ok(());
    }
    let steps = of_run(app, run_id).await?;
    let mut same = steps.iter().filter(|step| step.number == number);
    match same.any(is_under_way) {
        true => Err(held(run_id, number)),
        false => Ok(()),
    }
}

fn is_under_way(step: &Step) -> bool {
    matches!(step.status.as_str(), "pending" | "running")
}

fn held(run_id: RunId, number: i64) -> AppError {
    let message = format!(
        "step {number} of run {run_id} is one that its agent works on and reports itself; leave the number out to add a step beside it"
    );
    AppError::conflict("step_held", message)
}

/// Changes a step.
pub async fn update(app: &App, actor: &str, id: StepId, report: StepReport) -> Result<Step> {
    check(&report)?;
    let mut tx = app.store().begin(actor).await?;
    let mut stored = step::find(&mut tx.conn, id)
        .await?
        .ok_or_else(|| AppError::not_found("step", id.get()))?;
    let run_id = RunId(stored.run_id);
    if is_under_way(&stored) && report.epoch.is_none() && app.agents().holds(run_id) {
        return Err(held(run_id, stored.number));
    }
    let run = orch_store::run::find(&mut tx.conn, run_id)
        .await?
        .ok_or_else(|| AppError::not_found("run", run_id.get()))?;
    let now = tx.now();
    run.check_writer(report.epoch, now)
        .map_err(orch_core::engine::Refusal::from)?;
    tx.report_step(run.project_id, &mut stored, &report).await?;
    tx.commit().await?;
    Ok(stored)
}

/// The steps of a run, in order.
pub async fn of_run(app: &App, run_id: RunId) -> Result<Vec<Step>> {
    run::show(app, run_id).await?;
    let mut conn = app.store().read().await?;
    Ok(app
        .store()
        .named(step::of_run(&mut conn, run_id).await?)
        .rows)
}
