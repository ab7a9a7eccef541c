//! What persons add is part of what is released.

use super::graph::Graph;
use super::model::{Breakdown, MOST_DEPENDENCIES, Origin, Task};

/// The releases that `may_wait` allows wait for the tasks that `is_added` names, but for those that come after
/// the release, and for those that another task waits for.
pub(super) fn release_waits(
    plan: &mut Breakdown,
    is_added: impl Fn(&Task) -> bool,
    may_wait: impl Fn(&Breakdown, &Task) -> bool,
) {
    if !plan.tasks.iter().any(&is_added) {
        return;
    }
    for release in 0..plan.tasks.len() {
        let task = &plan.tasks[release];
        let is_release = task.role == "release_manager" && task.origin != Origin::Person;
        if !is_release || is_added(task) || !may_wait(plan, task) {
            continue;
        }
        let graph = Graph::of(&plan.tasks);
        let later = graph.downstream(&[release]);
        let is_end = |at: &usize| graph.after[*at].iter().all(|next| *next == release);
        let places = 0..plan.tasks.len();
        let ends = places.filter(|at| *at != release && !later[*at] && is_end(at));
        let ends: Vec<String> = ends
            .map(|at| &plan.tasks[at])
            .filter(|end| is_added(end))
            .map(|end| end.id.clone())
            .collect();
        let waits = &mut plan.tasks[release].depends_on;
        for end in ends {
            if waits.len() < MOST_DEPENDENCIES && !waits.contains(&end) {
                waits.push(end);
            }
        }
    }
}
