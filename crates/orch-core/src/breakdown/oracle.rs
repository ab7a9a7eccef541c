//! A schedule by brute force, for small graphs: every path is walked. Slow, and plain enough to be
//! believed.

use std::collections::BTreeSet;

/// A graph of tasks, each with its minutes and those that it waits for.
#[derive(Debug, Clone)]
pub struct Small {
    pub minutes: Vec<u32>,
    pub waits: Vec<BTreeSet<usize>>,
}

impl Small {
    /// All chains that end in `task`, each from its end to its start.
    pub fn chains_to(&self, task: usize) -> Vec<Vec<usize>> {
        let mut chains = vec![vec![task]];
        for earlier in &self.waits[task] {
            for chain in self.chains_to(*earlier) {
                chains.push([vec![task], chain].concat());
            }
        }
        chains
    }

    fn length(&self, chain: &[usize]) -> u64 {
        chain
            .iter()
            .map(|task| u64::from(self.minutes[*task]))
            .sum()
    }

    /// All chains of the graph.
    fn chains(&self) -> Vec<Vec<usize>> {
        (0..self.minutes.len())
            .flat_map(|task| self.chains_to(task))
            .collect()
    }

    /// The minutes of the longest chain.
    pub fn longest(&self) -> u64 {
        let chains = self.chains();
        chains
            .iter()
            .map(|chain| self.length(chain))
            .max()
            .unwrap_or(0)
    }

    /// The longest chain through `task`.
    pub fn longest_through(&self, task: usize) -> u64 {
        let chains = self.chains();
        let through = chains.iter().filter(|chain| chain.contains(&task));
        through.map(|chain| self.length(chain)).max().unwrap_or(0)
    }

    /// When `task` can end at the earliest.
    pub fn earliest_finish(&self, task: usize) -> u64 {
        let chains = self.chains_to(task);
        chains
            .iter()
            .map(|chain| self.length(chain))
            .max()
            .unwrap_or(0)
    }

    /// The number of tasks before `task` on the chain with the most of them.
    pub fn wave(&self, task: usize) -> usize {
        let chains = self.chains_to(task);
        chains.iter().map(Vec::len).max().unwrap_or(1) - 1
    }

    /// Whether a task waits for itself, over whatever others.
    pub fn is_cyclic(&self) -> bool {
        let count = self.minutes.len();
        let mut reaches = vec![vec![false; count]; count];
        for (task, waits) in self.waits.iter().enumerate() {
            for on in waits {
                reaches[task][*on] = true;
            }
        }
        for over in 0..count {
            for from in 0..count {
                for to in 0..count {
                    reaches[from][to] |= reaches[from][over] && reaches[over][to];
                }
            }
        }
        (0..count).any(|task| reaches[task][task])
    }
}
