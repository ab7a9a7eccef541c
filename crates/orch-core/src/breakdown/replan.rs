//! A new version of a plan because tasks failed. What failed once is looked into before it is tried
//! again; what fails again is cut in two where it has more than one criterion, else looked into anew.
//! What is done stays as it is.

use std::collections::HashMap;

use super::difference::{Difference, difference};
use super::merge::{next_id, sort_ids};
use super::model::{
    Breakdown, Criterion, Estimate, Finished, LONGEST_TITLE, MOST_TASKS, Origin, Task,
};
use crate::work_item::Kind;

/// Keys of what replans added: `replan/{number}/{key of the task that failed}`.
const PREFIX: &str = "replan/";
/// How long it takes to find out why something failed.
const SPIKE: Estimate = Estimate {
    low_minutes: 30,
    likely_minutes: 60,
    high_minutes: 240,
};
/// The longest reason, in characters.
pub const LONGEST_REASON: usize = 2_000;

/// A plan that was redone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replanned {
    pub plan: Breakdown,
    /// Why, on one line.
    pub reason: String,
    /// What changed.
    pub difference: Difference,
}

/// What cannot be redone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReplanFault {
    #[error("the reason has {length} characters; expected 1 to {LONGEST_REASON}")]
    Reason { length: usize },
    #[error("there is no task {task:?} in this version")]
    UnknownTask { task: String },
    #[error("{task} is done, so it did not fail")]
    Done { task: String },
    #[error("the plan has {MOST_TASKS} tasks, and no more fit")]
    Full,
}

/// The version after `previous`, in which what failed is planned anew.
///
/// # Errors
/// A reason that is empty or too long, a failed task that is not there or is done, no more room.
pub fn replan(
    previous: &Breakdown,
    reason: &str,
    failed: &[String],
    finished: &Finished,
) -> Result<Replanned, ReplanFault> {
    let reason = super::propose::one_line(reason, usize::MAX);
    let length = reason.chars().count();
    if length == 0 || length > LONGEST_REASON {
        return Err(ReplanFault::Reason { length });
    }
    let mut plan = previous.clone();
    let mut failed: Vec<String> = failed.to_vec();
    sort_ids(&mut failed);
    let places: HashMap<String, usize> = super::graph::places(&previous.tasks)
        .into_iter()
        .map(|(id, at)| (id.to_owned(), at))
        .collect();
    let mut tries: HashMap<&str, usize> = HashMap::new();
    for task in &previous.tasks {
        if let Some(base) = base_of(&task.key) {
            *tries.entry(base).or_default() += 1;
        }
    }
    for id in &failed {
        let Some(at) = places.get(id).copied() else {
            return Err(ReplanFault::UnknownTask { task: id.clone() });
        };
        if finished.contains(id) {
            return Err(ReplanFault::Done { task: id.clone() });
        }
        if plan.tasks.len() >= MOST_TASKS {
            return Err(ReplanFault::Full);
        }
        let key = previous.tasks[at].key.as_str();
        let tried = tries.get(key).copied().unwrap_or(0);
        let key = format!("{PREFIX}{}/{key}", tried + 1);
        if tried == 0 || plan.tasks[at].acceptance.len() < 2 {
            look_into(&mut plan, at, key, &reason);
        } else {
            cut_in_two(&mut plan, at, key, finished);
        }
    }
    let difference = difference(previous, &plan);
    Ok(Replanned {
        plan,
        reason,
        difference,
    })
}

/// Those of the tasks that failed which `plan` would try again as they were in `previous`: after the same
/// tasks, with the same words.
pub fn left_as_it_was(previous: &Breakdown, plan: &Breakdown, failed: &[String]) -> Vec<String> {
    let find =
        |plan: &Breakdown, id: &String| plan.tasks.iter().find(|task| task.id == *id).cloned();
    let is_left = |id: &&String| match (find(previous, id), find(plan, id)) {
        (Some(before), Some(now)) => {
            before.title == now.title
                && before.description == now.description
                && before.acceptance == now.acceptance
                && before.depends_on == now.depends_on
        }
        (_, _) => false,
    };
    failed.iter().filter(is_left).cloned().collect()
}

/// The key of the task that a replan added this one for.
pub(super) fn base_of(key: &str) -> Option<&str> {
    Some(key.strip_prefix(PREFIX)?.split_once('/')?.1)
}

/// A spike goes before the task, and waits for what the task waited for.
fn look_into(plan: &mut Breakdown, at: usize, key: String, reason: &str) {
    let id = next_id('T', &mut plan.next_task);
    let task = &mut plan.tasks[at];
    let spike = Task {
        id: id.clone(),
        story: task.story.clone(),
        title: super::propose::one_line(
            &format!("Find out why {} failed: {}", task.id, task.title),
            LONGEST_TITLE - 1,
        ),
        description: format!("{} failed. What was said: {reason}", task.id),
        kind: Kind::Spike,
        role: task.role.clone(),
        capabilities: task.capabilities.clone(),
        tools: task.tools.clone(),
        requirements: task.requirements.clone(),
        acceptance: vec![Criterion {
            text: format!(
                "The cause is written down, and what {} has to do differently",
                task.id
            ),
            command: None,
        }],
        depends_on: task.depends_on.clone(),
        estimate: SPIKE,
        origin: Origin::Rules,
        key,
        edited: false,
    };
    // The spike waits for the others, so that the task need not.
    task.depends_on = vec![id];
    task.edited = true;
    plan.tasks.push(spike);
}

/// The second half of the criteria goes to a task of its own, for which all wait that waited for the first.
fn cut_in_two(plan: &mut Breakdown, at: usize, key: String, finished: &Finished) {
    let id = next_id('T', &mut plan.next_task);
    let first = &mut plan.tasks[at];
    let rest = first
        .acceptance
        .split_off(first.acceptance.len().div_ceil(2));
    let half = |minutes: u32| minutes.div_ceil(2).max(1);
    first.estimate = Estimate {
        low_minutes: half(first.estimate.low_minutes),
        likely_minutes: half(first.estimate.likely_minutes),
        high_minutes: half(first.estimate.high_minutes),
    };
    first.edited = true;
    let second = Task {
        id: id.clone(),
        title: super::propose::one_line(
            &format!("Second part of {}: {}", first.id, first.title),
            LONGEST_TITLE - 1,
        ),
        acceptance: rest,
        depends_on: vec![first.id.clone()],
        origin: Origin::Rules,
        key,
        edited: false,
        ..first.clone()
    };
    let first = first.id.clone();
    for task in &mut plan.tasks {
        if !finished.contains(&task.id)
            && let Some(waits) = task.depends_on.iter_mut().find(|on| **on == first)
        {
            waits.clone_from(&id);
            sort_ids(&mut task.depends_on);
        }
    }
    plan.tasks.push(second);
}
