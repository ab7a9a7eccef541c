//! What workers say of steps, stored for many runs at once. Whether they may say it is decided
//! before.

use std::collections::{BTreeMap, BTreeSet};

use orch_core::engine::Refusal;
use orch_core::ids::{ProjectId, RunId};
use orch_core::time::Timestamp;
use serde_json::{Map, Value, json};

use crate::step::{self, Step};
use crate::{Reply, StoreError, Tx};

/// The most steps of one run.
pub const MOST_STEPS: i64 = 10_000;

/// What a worker says of a step; `None` stays as it is.
#[derive(Clone, Debug, Default)]
pub struct StepReport {
    pub number: Option<i64>,
    pub name: Option<String>,
    pub command: Option<String>,
    pub status: Option<String>,
    pub exit_code: Option<i32>,
    pub detail: Option<Map<String, Value>>,
    pub epoch: Option<u64>,
}

impl StepReport {
    /// Changes a step as it says.
    pub fn apply(&self, step: &mut Step, now: Timestamp) {
        let now_us = now.as_micros();
        if let Some(name) = &self.name {
            step.name.clone_from(name);
        }
        if self.command.is_some() {
            step.command.clone_from(&self.command);
        }
        if let Some(detail) = &self.detail {
            step.detail = Value::Object(detail.clone()).to_string();
        }
        if let Some(code) = self.exit_code {
            step.exit_code = Some(i64::from(code));
        }
        if let Some(status) = &self.status {
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
            step.status.clone_from(status);
        }
    }

    /// A step that nobody spoke of before, the `place`-th of its run.
    fn first(&self, run: RunId, place: usize, now: Timestamp) -> Step {
        let name = || name_of(self.command.as_deref(), place);
        let is_pending = self.status.as_deref() == Some("pending");
        let mut step = Step {
            id: 0,
            run_id: run.get(),
            number: 0,
            name: self.name.clone().unwrap_or_else(name),
            command: None,
            status: "running".to_owned(),
            exit_code: None,
            started_at: (!is_pending).then(|| now.as_micros()),
            finished_at: None,
            detail: "{}".to_owned(),
        };
        self.apply(&mut step, now);
        step
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

/// A report that was let through, with who gave it.
pub(crate) struct Let<'a> {
    pub actor: &'a str,
    pub run: RunId,
    pub project: ProjectId,
    pub report: &'a StepReport,
}

/// Stores reports in their order; with a number that the run has already, that step is reported on
/// again. Each is answered as it stands after it.
pub(crate) async fn save(
    tx: &mut Tx,
    reports: &[Let<'_>],
) -> Result<Vec<Result<Reply, Refusal>>, StoreError> {
    let runs: BTreeSet<RunId> = reports.iter().map(|told| told.run).collect();
    let mut known: BTreeMap<RunId, Vec<Step>> = BTreeMap::new();
    for step in step::of_runs(&mut tx.conn, &runs).await? {
        known.entry(RunId(step.run_id)).or_default().push(step);
    }
    let now = tx.now();
    let mut replies = Vec::with_capacity(reports.len());
    for told in reports {
        let Let { run, report, .. } = *told;
        let steps = known.entry(run).or_default();
        let existing = steps
            .iter_mut()
            .find(|step| report.number == Some(step.number));
        let stored = if let Some(step) = existing {
            report.apply(step, now);
            step::update(&mut tx.conn, step).await?;
            step.clone()
        } else {
            if steps.len() as i64 >= MOST_STEPS {
                let message = format!("run {run} has {MOST_STEPS} steps already");
                replies.push(Err(Refusal::conflict("too_many_steps", message)));
                continue;
            }
            let step = report.first(run, steps.len() + 1, now);
            let step = step::insert(&mut tx.conn, &step, report.number).await?;
            steps.push(step.clone());
            step
        };
        note(tx, told.actor, told.project, &stored);
        replies.push(Ok(Reply::Step(Box::new(stored))));
    }
    Ok(replies)
}

/// Says in the audit chain, and to those who watch the run, how a step stands.
fn note(tx: &mut Tx, actor: &str, project: ProjectId, step: &Step) {
    let data = json!({
        "run_id": step.run_id, "step_id": step.id, "number": step.number, "status": step.status,
        "exit_code": step.exit_code,
    });
    tx.record_as(actor, "step.reported", Some(project), data);
    tx.touch_run(RunId(step.run_id));
}

impl Tx {
    /// Changes a step as a worker says, which may be.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn report_step(
        &mut self,
        project: ProjectId,
        step: &mut Step,
        report: &StepReport,
    ) -> Result<(), StoreError> {
        report.apply(step, self.now());
        step::update(&mut self.conn, step).await?;
        let actor = self.actor().to_owned();
        note(self, &actor, project, step);
        Ok(())
    }
}
