//! What becomes of dependencies when tasks go: what waited for them waits for what they waited for.

use std::collections::{BTreeSet, HashMap};

use super::graph::Graph;
use super::merge::sort_ids;
use super::model::{Breakdown, Finished, Task};

/// Takes the tasks out that `is_gone` marks by their places. What waited for one of them waits for what that
/// one waited for; what is done waits for nothing new.
pub(super) fn drop_marked(plan: &mut Breakdown, is_gone: &[bool], kept: &Finished) {
    for (at, waits) in Rewiring::of(&plan.tasks, is_gone).waits() {
        let task = &mut plan.tasks[at];
        match kept.contains(&task.id) {
            true => task.depends_on.retain(|on| waits.contains(on)),
            false => task.depends_on = waits,
        }
    }
    retain_unmarked(plan, is_gone);
}

/// Takes the tasks out that `is_gone` marks, and leaves the dependencies as they are.
pub(super) fn retain_unmarked(plan: &mut Breakdown, is_gone: &[bool]) {
    let mut marks = is_gone.iter();
    plan.tasks
        .retain(|_| !marks.next().copied().unwrap_or(false));
}

/// How tasks wait once some of them are gone.
#[derive(Debug)]
pub struct Rewiring<'t> {
    tasks: &'t [Task],
    is_gone: &'t [bool],
}

impl<'t> Rewiring<'t> {
    /// For `tasks`, of which those that `is_gone` marks are to go.
    pub fn of(tasks: &'t [Task], is_gone: &'t [bool]) -> Self {
        Self { tasks, is_gone }
    }

    /// The new dependencies of each task that stays and waits for one that goes. In a graph with a cycle
    /// nothing can be handed on: what goes is only left out.
    pub fn waits(&self) -> Vec<(usize, Vec<String>)> {
        if !self.is_gone.contains(&true) {
            return Vec::new();
        }
        let graph = Graph::of(self.tasks);
        let mut instead: HashMap<usize, BTreeSet<usize>> = HashMap::new();
        let handed_on = |at: usize, instead: &HashMap<usize, BTreeSet<usize>>| {
            let mut waits = BTreeSet::new();
            for earlier in &graph.before[at] {
                match (self.is_gone[*earlier], instead.get(earlier)) {
                    (false, _) => {
                        waits.insert(*earlier);
                    }
                    (true, Some(others)) => waits.extend(others),
                    (true, None) => {}
                }
            }
            waits
        };
        for at in graph.order().unwrap_or_default() {
            if self.is_gone[at] {
                let waits = handed_on(at, &instead);
                instead.insert(at, waits);
            }
        }
        let staying = (0..self.tasks.len()).filter(|at| !self.is_gone[*at]);
        staying
            .filter(|at| {
                graph.before[*at]
                    .iter()
                    .any(|earlier| self.is_gone[*earlier])
            })
            .map(|at| {
                let waits = handed_on(at, &instead);
                let mut waits: Vec<String> = waits
                    .into_iter()
                    .map(|earlier| self.tasks[earlier].id.clone())
                    .collect();
                sort_ids(&mut waits);
                (at, waits)
            })
            .collect()
    }
}
