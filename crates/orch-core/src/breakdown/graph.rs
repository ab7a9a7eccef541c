//! The tasks of a plan as numbers with arrows between them: an order that keeps the dependencies, or a
//! cycle. Dependencies on tasks that are not there are left out; `check` names them.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use super::check::Fault;
use super::model::{Breakdown, Task};

/// The arrows between the tasks, by their places in the plan.
#[derive(Debug)]
pub struct Graph {
    /// For each task, those that it waits for, each once.
    pub before: Vec<Vec<usize>>,
    /// For each task, those that wait for it.
    pub after: Vec<Vec<usize>>,
}

impl Graph {
    /// Reads the dependencies of `tasks`.
    pub fn of(tasks: &[Task]) -> Self {
        let places = places(tasks);
        let before = tasks
            .iter()
            .map(|task| {
                let mut before: Vec<usize> = task
                    .depends_on
                    .iter()
                    .filter_map(|id| places.get(id.as_str()).copied())
                    .collect();
                before.sort_unstable();
                before.dedup();
                before
            })
            .collect();
        Self::of_arrows(before)
    }

    /// The graph in which each task waits for those of `before`.
    pub fn of_arrows(before: Vec<Vec<usize>>) -> Self {
        let mut after = vec![Vec::new(); before.len()];
        for (task, waits) in before.iter().enumerate() {
            for earlier in waits {
                after[*earlier].push(task);
            }
        }
        Self { before, after }
    }

    /// Every task after those that it waits for; of several that may come next, the one that stands
    /// first in the plan.
    ///
    /// # Errors
    /// A cycle: tasks of which each waits for the next, and the last for the first.
    pub fn order(&self) -> Result<Vec<usize>, Vec<usize>> {
        let mut open: Vec<usize> = self.before.iter().map(Vec::len).collect();
        let mut ready: BinaryHeap<Reverse<usize>> = (0..open.len())
            .filter(|task| open[*task] == 0)
            .map(Reverse)
            .collect();
        let mut order = Vec::with_capacity(open.len());
        while let Some(Reverse(task)) = ready.pop() {
            order.push(task);
            for later in &self.after[task] {
                open[*later] -= 1;
                if open[*later] == 0 {
                    ready.push(Reverse(*later));
                }
            }
        }
        if order.len() == open.len() {
            Ok(order)
        } else {
            Err(self.cycle(&open))
        }
    }

    /// A cycle among the tasks that could not be ordered: each of them waits for another one of them, so
    /// that a walk along these must come back.
    fn cycle(&self, open: &[usize]) -> Vec<usize> {
        let mut seen_at = vec![usize::MAX; open.len()];
        let mut walk = Vec::new();
        let mut at = open.iter().position(|waits| *waits > 0);
        while let Some(task) = at {
            if seen_at[task] != usize::MAX {
                walk.drain(..seen_at[task]);
                break;
            }
            seen_at[task] = walk.len();
            walk.push(task);
            at = self.before[task]
                .iter()
                .copied()
                .find(|earlier| open[*earlier] > 0);
        }
        walk
    }

    /// The tasks that wait for one of `from`, directly or over others; not `from` themselves unless one
    /// of them waits for another.
    pub fn downstream(&self, from: &[usize]) -> Vec<bool> {
        let mut reached = vec![false; self.after.len()];
        let mut open: Vec<usize> = from.to_vec();
        while let Some(task) = open.pop() {
            for later in &self.after[task] {
                if !reached[*later] {
                    reached[*later] = true;
                    open.push(*later);
                }
            }
        }
        reached
    }
}

impl Breakdown {
    /// The tasks, each after those that it waits for.
    ///
    /// # Errors
    /// A cycle, with its path.
    pub fn ordered(&self) -> Result<Vec<&Task>, Fault> {
        let tasks = |order: Vec<usize>| order.into_iter().map(|at| &self.tasks[at]);
        match Graph::of(&self.tasks).order() {
            Ok(order) => Ok(tasks(order).collect()),
            Err(cycle) => Err(Fault::Cycle {
                path: tasks(cycle).map(|task| task.id.clone()).collect(),
            }),
        }
    }
}

/// The place of each task by its id; the first one's where an id is given twice.
pub fn places(tasks: &[Task]) -> HashMap<&str, usize> {
    let mut places = HashMap::with_capacity(tasks.len());
    for (at, task) in tasks.iter().enumerate() {
        places.entry(task.id.as_str()).or_insert(at);
    }
    places
}
