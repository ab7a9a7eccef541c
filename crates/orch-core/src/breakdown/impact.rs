//! What a change of the requirements touches of a plan: the tasks that serve what changed, and those
//! that wait for these.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::graph::Graph;
use super::model::{Breakdown, Finished};
use super::standing::{Standing, standing};
use super::texts::Texts;
use crate::requirements::{Document, Requirement, difference};

/// What a change of the requirements touches.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Impact {
    /// The requirements that are not the same, each with the tasks that serve it.
    pub requirements: Vec<Touched>,
    /// Tasks that serve one of them, in the plan's order.
    pub tasks: Vec<String>,
    /// Other tasks, which wait for one of those, directly or over others.
    pub downstream: Vec<String>,
    /// Demanded requirements of the newer version that no task serves yet.
    pub unserved: Vec<String>,
}

/// A requirement that changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Touched {
    pub id: String,
    pub change: ChangeKind,
    /// The tasks that serve it.
    pub tasks: Vec<String>,
}

/// What became of a requirement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    Added,
    Changed,
    Removed,
}

/// What the change from `older` to `newer` touches of `plan`. Where a sentence merely moved or was cited
/// anew, its requirement says the same and touches nothing.
pub fn impact(older: &Document, newer: &Document, plan: &Breakdown, done: &Finished) -> Impact {
    let mut serving: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, task) in plan.tasks.iter().enumerate() {
        for requirement in &task.requirements {
            serving.entry(requirement).or_default().push(at);
        }
    }
    let found = difference(older, newer);
    let added = found.added.iter().map(|item| (&item.id, ChangeKind::Added));
    let changed = found.changed.iter().filter(|item| {
        let mut fields = item.fields.iter();
        fields.any(|change| change.field != "source")
    });
    let changed = changed.map(|item| (&item.id, ChangeKind::Changed));
    let removed = found
        .removed
        .iter()
        .map(|item| (&item.id, ChangeKind::Removed));
    let mut is_touched = vec![false; plan.tasks.len()];
    let id = |at: usize| plan.tasks[at].id.clone();
    let mut requirements = Vec::new();
    for (requirement, change) in added.chain(changed).chain(removed) {
        let tasks = serving
            .get(requirement.as_str())
            .map_or(&[][..], Vec::as_slice);
        for at in tasks {
            is_touched[*at] = true;
        }
        requirements.push(Touched {
            id: requirement.clone(),
            change,
            tasks: tasks.iter().map(|at| id(*at)).collect(),
        });
    }
    let touched: Vec<usize> = (0..is_touched.len()).filter(|at| is_touched[*at]).collect();
    let reached = Graph::of(&plan.tasks).downstream(&touched);
    let mut told = plan.clone();
    told.remember(&older.items);
    let texts = Texts::of(&newer.items);
    let is_current =
        |at: &usize, item: &Requirement| !told.is_outdated(&plan.tasks[*at].id, &item.id, &texts);
    // Open work follows the new text. What is done for another text leaves it unserved until a task takes it up.
    let is_served = |item: &Requirement| {
        let tasks = serving.get(item.id.as_str()).map_or(&[][..], Vec::as_slice);
        let mut open = tasks.iter();
        let mut current = tasks.iter();
        let is_followed = |at: &usize| {
            let is_open = !done.contains(&plan.tasks[*at].id);
            is_open || is_current(at, item)
        };
        !tasks.is_empty() && (open.all(is_followed) || current.any(|at| is_current(at, item)))
    };
    let unserved = newer
        .items
        .iter()
        .filter(|item| standing(item) == Standing::Demanded && !is_served(item));
    Impact {
        requirements,
        tasks: touched.iter().map(|at| id(*at)).collect(),
        downstream: (0..reached.len())
            .filter(|at| reached[*at] && !is_touched[*at])
            .map(id)
            .collect(),
        unserved: unserved.map(|item| item.id.clone()).collect(),
    }
}
