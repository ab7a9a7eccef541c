//! What persons add, and what fills a gap, is part of what is released.

use super::graph::Graph;
use super::model::{Breakdown, MOST_DEPENDENCIES, Origin, Task};

/// The releases that `may_wait` allows wait for the tasks that `is_added` names, but for those that come after
/// the release, and for those that a task which is no release waits for.
pub(super) fn release_waits(
    plan: &mut Breakdown,
    is_added: impl Fn(&Task) -> bool,
    may_wait: impl Fn(&Breakdown, &Task) -> bool,
) {
    if !plan.tasks.iter().any(&is_added) {
        return;
    }
    let is_release = |task: &Task| {
        task.role == "release_manager" && task.origin != Origin::Person && !is_added(task)
    };
    for release in 0..plan.tasks.len() {
        let task = &plan.tasks[release];
        if !is_release(task) || !may_wait(plan, task) {
            continue;
        }
        let graph = Graph::of(&plan.tasks);
        let later = graph.downstream(&[release]);
        let is_end = |at: &usize| {
            let mut nexts = graph.after[*at].iter();
            nexts.all(|next| is_release(&plan.tasks[*next]))
        };
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
