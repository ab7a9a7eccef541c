//! The same plan with a number of workers: whoever is free takes, of the tasks that can begin, the one
//! with the longest way to the end. The bands rest on the chain of tasks that made the end as late as it
//! is: each began when the one before it was done, or freed its worker.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use serde::{Deserialize, Serialize};

use super::graph::Graph;
use super::schedule::{Bands, Length};

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

/// Simulates `workers` (at least one) on the mean lengths.
pub fn for_workers(
    graph: &Graph,
    order: &[usize],
    lengths: &[Length],
    is_done: &[bool],
    workers: usize,
) -> ForWorkers {
    let rest = longest_rest(graph, order, lengths);
    let mut open: Vec<usize> = graph.before.iter().map(Vec::len).collect();
    let mut free: Vec<usize> = (0..open.len()).filter(|at| open[*at] == 0).collect();
    let mut ready = BinaryHeap::new();
    let mut running = BinaryHeap::new();
    let mut idle = workers.max(1);
    let mut now = 0.0;
    // The lengths of the tasks through which this moment, and each task's end, came when it did.
    let mut chain = Length::default();
    let mut chains = vec![Length::default(); lengths.len()];
    loop {
        while let Some(at) = free.pop() {
            if is_done[at] {
                release(graph, &mut open, at, &mut free);
            } else {
                ready.push((Minutes(rest[at]), Reverse(at)));
            }
        }
        while idle > 0
            && let Some((_, Reverse(at))) = ready.pop()
        {
            idle -= 1;
            chains[at] = chain.then(lengths[at]);
            running.push(Reverse((Minutes(now + lengths[at].mean), at)));
        }
        let Some(Reverse((Minutes(end), at))) = running.pop() else {
            break;
        };
        idle += 1;
        now = end;
        chain = chains[at];
        release(graph, &mut open, at, &mut free);
    }
    ForWorkers {
        workers,
        eta: Bands::of(&[chain]),
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
