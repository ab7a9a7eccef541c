//! Making a version: from what is approved, what was there before, and what a model says. Takes a while for
//! a large plan, and asks nobody.

use std::collections::BTreeSet;

use orch_core::breakdown::{
    self, Breakdown, Checks, Difference, Entries, Finished, PlanFailure, ReplanFault,
    left_as_it_was,
};
use orch_core::info_request::Fault;
use orch_store::plan::{Plan, PlanItem};
use orch_store::requirements::Requirements;
use serde_json::{Value, json};

use super::propose::{Cause, Maker, Occasion};
use super::standing::{State, finished, has_failed, standings};
use super::version::{Written, breakdown as read_back};
use crate::app::requirements::document;
use crate::app::suggestion::unusable;
use crate::app::{AppError, Result};

/// How many entries of each sort the record of a replan names; the whole difference can be asked for.
const MOST_RECORDED: usize = 100;

/// What a version is made from.
pub(super) struct Scene {
    pub served: Requirements,
    pub previous: Option<Plan>,
    /// The requirements that the version before was made for.
    pub previous_served: Option<Requirements>,
    /// The version that is worked on.
    pub approved: Option<Plan>,
    /// The requirements that the version that is worked on was made for.
    pub approved_served: Option<Requirements>,
    pub items: Vec<PlanItem>,
    /// What existing code is checked by.
    pub checks: Checks,
}

/// A version that is to be stored.
pub(super) struct Made {
    pub written: Written,
    /// The tasks that failed, where it is made anew.
    pub failed: Vec<String>,
    /// What a replan changed, for the record.
    pub difference: Value,
}

impl Scene {
    /// The version before, which remembers for which texts its tasks are done.
    pub fn before(&self) -> Result<Option<Breakdown>> {
        let Some(previous) = &self.previous else {
            return Ok(None);
        };
        let mut before = read_back(previous)?;
        if let Some(served) = &self.previous_served {
            before.remember(&document(served)?.items);
        }
        let approved = self.approved.as_ref();
        if let Some(approved) = approved.filter(|approved| approved.id != previous.id) {
            let mut approved = read_back(approved)?;
            if let Some(served) = &self.approved_served {
                approved.remember(&document(served)?.items);
            }
            before.remember_done(&approved, &self.done());
        }
        Ok(Some(before))
    }

    pub fn done(&self) -> Finished {
        finished(&self.items)
    }

    /// The tasks that failed, by what the caller or else the platform says.
    ///
    /// # Errors
    /// When one is not there, or is done; or the reason is none.
    pub fn failed(&self, before: &Breakdown, occasion: &Occasion) -> Result<Vec<String>> {
        let failed = occasion.failed.clone();
        let failed = failed.unwrap_or_else(|| known_failures(before, &self.items));
        breakdown::replan(before, &occasion.reason, &failed, &self.done())
            .map_err(|fault| not_replanned(&failed, fault))?;
        self.all_ran(&failed)?;
        Ok(failed)
    }

    /// What never ran cannot have failed. Before anything of the plan is worked on, the caller's word is taken.
    fn all_ran(&self, failed: &[String]) -> Result<()> {
        if self.items.is_empty() {
            return Ok(());
        }
        let known = standings(&self.items);
        let never = failed.iter().enumerate().filter_map(|(at, task)| {
            let standing = known.get(task);
            let state = standing.map_or(State::Planned, |standing| standing.state);
            let ran = standing.and_then(|standing| standing.run_id).is_some();
            (!ran).then(|| Fault {
                field: format!("failed[{at}]"),
                message: format!(
                    "{task} is {} and never ran; expected a task that failed",
                    state.name()
                ),
            })
        });
        let never: Vec<Fault> = never.collect();
        match never.is_empty() {
            true => Ok(()),
            false => Err(AppError::faults("these tasks did not fail", never)),
        }
    }
}

/// Makes the version. `failure` is what failed of the version before, where it is made anew.
pub(super) fn make(scene: &Scene, cause: &Cause, failure: Option<&PlanFailure>) -> Result<Made> {
    let served = document(&scene.served)?;
    let before = scene.before()?;
    let (checks, done) = (&scene.checks, scene.done());
    let is_anew = cause.occasion.is_some();
    let serves_the_same = scene
        .previous
        .as_ref()
        .is_some_and(|previous| previous.requirements() == scene.served.id());
    let proposed = match (&cause.maker, &before) {
        (Maker::Model(suggestion), before) => {
            breakdown::plan_of_model(&suggestion.plan, &served, checks, before.as_ref(), &done)
                .map_err(|nothing| unusable(&nothing.to_string()))?
        }
        (Maker::Rules, Some(before))
            if is_anew && serves_the_same && !before.is_behind(&served.items, &done) =>
        {
            before.clone()
        }
        (Maker::Rules, Some(before)) if is_anew => breakdown::adapt(&served, checks, before, &done),
        (Maker::Rules, before) => breakdown::propose(&served, checks, before.as_ref(), &done),
    };
    let (Some(failure), Some(before)) = (failure, before) else {
        return Ok(Made {
            written: Written::of(&proposed),
            failed: Vec::new(),
            difference: Value::Null,
        });
    };
    anew(scene, cause, failure, &before, proposed)
}

/// What failed is looked into first, unless a model deals with it in its own way.
fn anew(
    scene: &Scene,
    cause: &Cause,
    failure: &PlanFailure,
    before: &Breakdown,
    mut proposed: Breakdown,
) -> Result<Made> {
    let failed = failure.tasks.iter().map(|told| told.task.clone());
    let failed: Vec<String> = failed.collect();
    let open = match &cause.maker {
        Maker::Rules => {
            let there: BTreeSet<&str> =
                proposed.tasks.iter().map(|task| task.id.as_str()).collect();
            let open = failed.iter().filter(|id| there.contains(id.as_str()));
            open.cloned().collect()
        }
        Maker::Model(_) => left_as_it_was(before, &proposed, &failed),
    };
    if let (Maker::Model(_), false) = (&cause.maker, open.is_empty()) {
        proposed.notes.push(format!(
            "{} failed, and the answer leaves it as it was: rules look into it first",
            open.join(", ")
        ));
    }
    let mut made = breakdown::replan(&proposed, &failure.reason, &open, &scene.done())
        .map_err(|fault| not_replanned(&failed, fault))?;
    breakdown::tell(&mut made.plan, &proposed, &failure.tasks);
    let difference = breakdown::difference(before, &made.plan);
    Ok(Made {
        written: Written::of(&made.plan),
        failed,
        difference: recorded(&difference),
    })
}

/// The difference in a few words: how many of each sort, and the first ids.
fn recorded(difference: &Difference) -> Value {
    fn ids<'v>(count: usize, ids: impl Iterator<Item = &'v String>) -> Value {
        let ids: Vec<&String> = ids.take(MOST_RECORDED).collect();
        json!({"count": count, "ids": ids})
    }
    let Entries {
        added,
        removed,
        changed,
    } = &difference.tasks;
    json!({
        "added": ids(added.len(), added.iter().map(|task| &task.id)),
        "removed": ids(removed.len(), removed.iter().map(|task| &task.id)),
        "changed": ids(changed.len(), changed.iter().map(|task| &task.id)),
    })
}

/// The tasks of the plan that are known to have failed.
fn known_failures(plan: &Breakdown, items: &[PlanItem]) -> Vec<String> {
    let failed: BTreeSet<&str> = items
        .iter()
        .filter(|item| has_failed(item))
        .map(|item| item.task.as_str())
        .collect();
    let ids = plan.tasks.iter().map(|task| &task.id);
    ids.filter(|id| failed.contains(id.as_str()))
        .cloned()
        .collect()
}

fn not_replanned(failed: &[String], fault: ReplanFault) -> AppError {
    let field = |task: &str| {
        let at = failed.iter().position(|named| named == task);
        format!("failed[{}]", at.unwrap_or(0))
    };
    match &fault {
        ReplanFault::Reason { .. } => AppError::invalid("reason", fault.to_string()),
        ReplanFault::UnknownTask { task } => {
            let expected = "the id of a task of the newest plan, such as T-1";
            AppError::wrong(field(task), task, expected)
        }
        ReplanFault::Done { task } => AppError::wrong(field(task), task, "a task that is not done"),
        ReplanFault::Full => AppError::conflict("plan_full", fault.to_string()),
    }
}
