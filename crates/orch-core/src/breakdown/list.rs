//! The same plan with a number of workers: whoever is free takes, of the tasks that can begin, the one
//! with the longest way to the end. Who works after whom is settled on the mean lengths; the bands come of
//! trying that course, in which each task waits for what it depends on and for its worker.

use std::cmp::{Ordering, Reverse};
use std::collections::{BinaryHeap, VecDeque};

use serde::{Deserialize, Serialize};

use super::graph::Graph;
use super::schedule::{Bands, Length};
use super::simulate::{Course, Luck, bands};

/// How long a plan takes with so many workers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ForWorkers {
    pub workers: usize,
    pub eta: Bands,
}

/// A number of minutes that can be compared and is no NaN.
#[derive(Clone, Copy, PartialEq)]
struct Minutes(f64);

impl Eq for Minutes {}

impl Ord for Minutes {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Minutes {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Lets `workers` (at least one) work on the mean lengths, and tries what they then do.
pub fn for_workers(
    graph: &Graph,
    order: &[usize],
    lengths: &[Length],
    is_done: &[bool],
    workers: usize,
    luck: &Luck,
) -> ForWorkers {
    let rest = longest_rest(graph, order, lengths);
    let mut open: Vec<usize> = graph.before.iter().map(Vec::len).collect();
    let mut free: Vec<usize> = (0..open.len()).filter(|at| open[*at] == 0).collect();
    let mut ready = BinaryHeap::new();
    let mut running = BinaryHeap::new();
    // What each idle worker did last: who is idle longest is next. More workers than tasks change nothing.
    let mut idle: VecDeque<Option<usize>> =
        vec![None; workers.clamp(1, lengths.len().max(1))].into();
    let mut worker = vec![None; lengths.len()];
    let mut begun = Vec::with_capacity(lengths.len());
    let mut now = 0.0;
    loop {
        while let Some(at) = free.pop() {
            if is_done[at] {
                begun.push(at);
                release(graph, &mut open, at, &mut free);
            } else {
                ready.push((Minutes(rest[at]), Reverse(at)));
            }
        }
        while !idle.is_empty()
            && let Some((_, Reverse(at))) = ready.pop()
        {
            worker[at] = idle.pop_front().flatten();
            begun.push(at);
            running.push(Reverse((Minutes(now + lengths[at].mean), at)));
        }
        let Some(Reverse((Minutes(end), at))) = running.pop() else {
            break;
        };
        idle.push_back(Some(at));
        now = end;
        release(graph, &mut open, at, &mut free);
    }
    let course = Course {
        order: &begun,
        before: &graph.before,
        worker: &worker,
    };
    ForWorkers {
        workers,
        eta: bands(course, lengths, luck),
    }
}

fn release(graph: &Graph, open: &mut [usize], ended: usize, free: &mut Vec<usize>) {
    for later in &graph.after[ended] {
        open[*later] -= 1;
        if open[*later] == 0 {
            free.push(*later);
        }
    }
}

/// The mean minutes from the beginning of each task to the end of the plan.
fn longest_rest(graph: &Graph, order: &[usize], lengths: &[Length]) -> Vec<f64> {
    let mut rest = vec![0.0; lengths.len()];
    for at in order.iter().rev() {
        let after = graph.after[*at].iter().map(|later| rest[*later]);
        rest[*at] = after.fold(0.0, f64::max) + lengths[*at].mean;
    }
    rest
}
