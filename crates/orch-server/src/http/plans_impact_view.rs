//! What a change of the requirements touches, as the API shows it: tasks, runs, what these changed, and what
//! shows that the tasks are done.

use std::collections::{BTreeMap, BTreeSet};

use orch_api::types::plan::{PlanImpact, PlanRun, PlanRunChange, PlanTest, PlanTouched};
use orch_core::breakdown::{ChangeKind, Task};
use orch_core::source::Source;
use orch_store::plan::{RunOf, Told};
use serde_json::Value;

use crate::app::plans::{Impacted, Standing, State};

/// What a change of the requirements touches.
pub fn impact(found: Impacted) -> PlanImpact {
    let Impacted {
        plan_id,
        from,
        to,
        breakdown,
        impact,
        standings,
        runs,
        told,
    } = found;
    let of = |kind: ChangeKind| -> Vec<String> {
        let ids = impact.requirements.iter().filter(|one| one.change == kind);
        ids.map(|one| one.id.clone()).collect()
    };
    let through = |task: &str| -> Vec<String> {
        let serves = impact
            .requirements
            .iter()
            .filter(|one| one.tasks.iter().any(|known| known == task));
        serves.map(|one| one.id.clone()).collect()
    };
    let downstream: BTreeSet<&String> = impact.downstream.iter().collect();
    let directly: BTreeSet<&String> = impact.tasks.iter().collect();
    let touched: Vec<&Task> = breakdown
        .tasks
        .iter()
        .filter(|task| directly.contains(&task.id) || downstream.contains(&task.id))
        .collect();
    let tasks: Vec<PlanTouched> = touched
        .iter()
        .map(|task| {
            let standing = standings.get(&task.id);
            PlanTouched {
                id: task.id.clone(),
                title: task.title.clone(),
                requirements: through(&task.id),
                downstream: downstream.contains(&task.id),
                work_item_id: standing.map(|standing| standing.work_item_id),
                state: standing
                    .map_or(State::Planned, |standing| standing.state)
                    .name()
                    .to_owned(),
            }
        })
        .collect();
    let mut tests: Vec<PlanTest> = touched
        .iter()
        .flat_map(|task| commands(task, standings.get(&task.id)))
        .collect();
    let task_of: BTreeMap<i64, &str> = standings
        .iter()
        .map(|(task, standing)| (standing.work_item_id, task.as_str()))
        .collect();
    let mut told_of: BTreeMap<i64, Vec<&Told>> = BTreeMap::new();
    for one in &told {
        told_of.entry(one.run_id).or_default().push(one);
    }
    let mut changes = Vec::new();
    for run in &runs {
        let told = told_of.get(&run.id).map_or(&[][..], Vec::as_slice);
        changes.extend(changed_by(run, told));
        let task = task_of.get(&run.work_item_id).copied();
        tests.extend(told.iter().filter_map(|told| report(run, task, told)));
    }
    let runs = runs.into_iter().map(|run| PlanRun {
        id: run.id,
        work_item_id: run.work_item_id,
        status: run.status,
    });
    PlanImpact {
        plan_id,
        from,
        to,
        added: of(ChangeKind::Added),
        changed: of(ChangeKind::Changed),
        removed: of(ChangeKind::Removed),
        unserved: impact.unserved.clone(),
        work_items: tasks.iter().filter_map(|task| task.work_item_id).collect(),
        tasks,
        runs: runs.collect(),
        changes,
        tests,
    }
}

/// The acceptance commands of a task.
fn commands(task: &Task, standing: Option<&Standing>) -> Vec<PlanTest> {
    let criteria = task.acceptance.iter();
    let commands = criteria.filter(|criterion| criterion.command.is_some());
    commands
        .map(|criterion| PlanTest {
            kind: "acceptance".to_owned(),
            task: Some(task.id.clone()),
            work_item_id: standing.map(|standing| standing.work_item_id),
            text: criterion.text.clone(),
            command: criterion.command.clone(),
            ..PlanTest::default()
        })
        .collect()
}

fn is_report(told: &Told) -> bool {
    told.report
        .as_deref()
        .is_some_and(|report| report.starts_with(r#"{"format":"junit""#))
}

/// What a run kept of its change; else what it worked on.
fn changed_by(run: &RunOf, told: &[&Told]) -> Vec<PlanRunChange> {
    let source = run.source.as_deref();
    let source: Option<Source> = source.and_then(|source| serde_json::from_str(source).ok());
    let change = |kind: &str, message: String| PlanRunChange {
        run_id: run.id,
        work_item_id: run.work_item_id,
        kind: kind.to_owned(),
        repository: source.as_ref().map(|source| source.url.clone()),
        commit: source.as_ref().map(|source| source.commit.to_string()),
        message,
        ..PlanRunChange::default()
    };
    let patches = told.iter().filter(|told| !is_report(told));
    let patches: Vec<PlanRunChange> = patches
        .map(|told| PlanRunChange {
            artifact_id: Some(told.id),
            name: Some(told.name.clone()),
            ..change("patch", format!("artifact {} has its change", told.id))
        })
        .collect();
    match (patches.is_empty(), &source) {
        (false, _) => patches,
        (true, Some(source)) => {
            let message = format!("it kept no patch; it worked on commit {}", source.commit);
            vec![change("workspace", message)]
        }
        (true, None) => {
            let message = "it kept no patch, and worked on no repository".to_owned();
            vec![change("none", message)]
        }
    }
}

/// What the tests of a run said.
fn report(run: &RunOf, task: Option<&str>, told: &Told) -> Option<PlanTest> {
    if !is_report(told) {
        return None;
    }
    let report: Value = serde_json::from_str(told.report.as_deref()?).ok()?;
    let count = |name: &str| report[name].as_u64();
    let failed = report["failed"].as_array().into_iter().flatten();
    let failed = failed.filter_map(|test| test["name"].as_str());
    Some(PlanTest {
        kind: "report".to_owned(),
        task: task.map(str::to_owned),
        work_item_id: Some(run.work_item_id),
        text: told.name.clone(),
        command: None,
        run_id: Some(run.id),
        artifact_id: Some(told.id),
        tests: count("tests"),
        failures: count("failures"),
        errors: count("errors"),
        skipped: count("skipped"),
        failed: failed.map(str::to_owned).collect(),
    })
}
