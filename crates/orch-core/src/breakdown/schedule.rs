//! When the tasks can be done: the critical path over the likely minutes, slack, waves that run in
//! parallel, and bands for the whole. What is done takes no more time.
//!
//! A task's length has a mean and a variance: PERT of its estimate, `(low + 4 likely + high) / 6` and
//! `((high - low) / 6)²`, or, where enough tasks of its role and kind are finished, the likely minutes
//! times the ratio that these took. The bands come of trying the plan many times with lengths drawn from
//! these, seeded by its digest.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::check::Fault;
use super::graph::Graph;
use super::history::{History, Ratio};
use super::list::{ForWorkers, for_workers};
use super::model::{Breakdown, Finished, Task};
use super::simulate::{Course, Luck, bands};

/// The numbers of workers that every schedule answers for.
const WORKERS: [usize; 4] = [1, 2, 4, 8];

/// When a plan can be done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Schedule {
    /// The longest chain of tasks that are not done, by likely minutes.
    pub critical_path: Vec<String>,
    /// Its likely minutes.
    pub critical_minutes: u64,
    /// Tasks that are not done, by the number of waves before them: those of one wave can run at once.
    pub waves: Vec<Vec<String>>,
    /// Every task, in the plan's order.
    pub tasks: Vec<Timed>,
    /// All likely minutes of tasks that are not done.
    pub work_minutes: u64,
    /// How long it takes when everything that can run at once does.
    pub eta: Bands,
    /// How long it takes with so many workers.
    pub with_workers: Vec<ForWorkers>,
    /// What the bands rest on.
    pub basis: Basis,
}

/// When a task can begin and end, in likely minutes from now.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Timed {
    pub id: String,
    pub earliest_start: u64,
    pub earliest_finish: u64,
    /// By how much it may be late without making the whole late.
    pub slack_minutes: u64,
    /// Whether it is on the critical path.
    pub critical: bool,
    /// Whether its work is done.
    pub done: bool,
}

/// Minutes that are not exceeded with a chance of 50, 80 and 95 %.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Bands {
    pub p50: u64,
    pub p80: u64,
    pub p95: u64,
}

/// What the bands of a schedule rest on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Basis {
    /// Tasks whose length is taken from their estimate.
    pub from_estimates: usize,
    /// Tasks whose length is taken from finished work.
    pub from_history: usize,
    /// The finished work that counts.
    pub groups: Vec<Group>,
}

/// Finished work of one role and kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Group {
    pub role: String,
    pub kind: String,
    /// Finished tasks.
    pub count: usize,
    /// What they took on average, in percent of the likely minutes.
    pub mean_percent: u64,
}

/// A length that is not known exactly: its mean and its variance.
#[derive(Debug, Clone, Copy, Default)]
pub struct Length {
    pub mean: f64,
    pub variance: f64,
}

impl Bands {
    /// Each band the larger one of both.
    pub fn at_least(self, other: Self) -> Self {
        Self {
            p50: self.p50.max(other.p50),
            p80: self.p80.max(other.p80),
            p95: self.p95.max(other.p95),
        }
    }
}

/// When `plan` can be done, by its estimates and by what finished work really took.
///
/// # Errors
/// The cycle, where tasks wait for each other.
pub fn schedule(plan: &Breakdown, history: &History, done: &Finished) -> Result<Schedule, Fault> {
    schedule_for(plan, history, done, &WORKERS)
}

/// The same for other numbers of workers.
///
/// # Errors
/// The cycle, where tasks wait for each other.
pub fn schedule_for(
    plan: &Breakdown,
    history: &History,
    done: &Finished,
    workers: &[usize],
) -> Result<Schedule, Fault> {
    let graph = Graph::of(&plan.tasks);
    let order = graph.order().map_err(|cycle| Fault::Cycle {
        path: cycle
            .into_iter()
            .map(|at| plan.tasks[at].id.clone())
            .collect(),
    })?;
    let is_done: Vec<bool> = plan
        .tasks
        .iter()
        .map(|task| done.contains(&task.id))
        .collect();
    let likely: Vec<u64> = plan
        .tasks
        .iter()
        .zip(&is_done)
        .map(|(task, done)| match done {
            true => 0,
            false => u64::from(task.estimate.likely_minutes),
        })
        .collect();
    let times = Times::of(&graph, &order, &likely);
    let critical = times.critical_path(&graph, &order, &likely, &is_done);
    let (lengths, basis) = lengths(&plan.tasks, &is_done, history);
    let luck = Luck::of(lengths.len(), seed(plan));
    let course = Course {
        order: &order,
        before: &graph.before,
        worker: &[],
    };
    let eta = bands(course, &lengths, &luck);
    let with_workers = workers
        .iter()
        .map(|workers| {
            let found = for_workers(&graph, &order, &lengths, &is_done, *workers, &luck);
            ForWorkers {
                eta: found.eta.at_least(eta),
                ..found
            }
        })
        .collect();
    let id = |at: &usize| plan.tasks[*at].id.clone();
    let mut tasks: Vec<Timed> = plan
        .tasks
        .iter()
        .enumerate()
        .map(|(at, task)| Timed {
            id: task.id.clone(),
            earliest_start: times.finish[at] - likely[at],
            earliest_finish: times.finish[at],
            slack_minutes: times.latest[at] - times.finish[at],
            critical: false,
            done: is_done[at],
        })
        .collect();
    for at in &critical {
        tasks[*at].critical = true;
    }
    Ok(Schedule {
        critical_path: critical.iter().map(id).collect(),
        critical_minutes: critical.iter().map(|at| likely[*at]).sum(),
        waves: waves(&graph, &order, &is_done)
            .iter()
            .map(|wave| wave.iter().map(id).collect())
            .collect(),
        tasks,
        work_minutes: likely.iter().sum(),
        eta,
        with_workers,
        basis,
    })
}

/// Earliest and latest ends.
struct Times {
    finish: Vec<u64>,
    latest: Vec<u64>,
    end: u64,
}

impl Times {
    fn of(graph: &Graph, order: &[usize], likely: &[u64]) -> Self {
        let mut finish = vec![0; likely.len()];
        for at in order {
            let begin = graph.before[*at].iter().map(|earlier| finish[*earlier]);
            finish[*at] = begin.max().unwrap_or(0) + likely[*at];
        }
        let end = finish.iter().copied().max().unwrap_or(0);
        let mut latest = vec![end; likely.len()];
        for at in order.iter().rev() {
            let until = graph.after[*at]
                .iter()
                .map(|later| latest[*later] - likely[*later]);
            latest[*at] = until.min().unwrap_or(end);
        }
        Self {
            finish,
            latest,
            end,
        }
    }

    /// One longest chain, from its end back to its start; of several, the one of the tasks that stand
    /// first in the plan.
    fn critical_path(
        &self,
        graph: &Graph,
        order: &[usize],
        likely: &[u64],
        is_done: &[bool],
    ) -> Vec<usize> {
        let open = order.iter().copied().filter(|at| !is_done[*at]);
        let mut path = Vec::new();
        let mut next = open.filter(|at| self.finish[*at] == self.end).min();
        while let Some(at) = next {
            path.push(at);
            let begin = self.finish[at] - likely[at];
            next = graph.before[at]
                .iter()
                .copied()
                .find(|earlier| !is_done[*earlier] && self.finish[*earlier] == begin);
        }
        path.reverse();
        path
    }
}

/// The tasks that are not done, by the longest chain of such tasks before them.
fn waves(graph: &Graph, order: &[usize], is_done: &[bool]) -> Vec<Vec<usize>> {
    let mut wave_of = vec![0_usize; is_done.len()];
    let mut waves: Vec<Vec<usize>> = Vec::new();
    for at in order {
        // A finished task hands on the waves before it, so that an order over it is kept.
        let before = graph.before[*at]
            .iter()
            .map(|earlier| wave_of[*earlier] + usize::from(!is_done[*earlier]));
        let wave = before.max().unwrap_or(0);
        wave_of[*at] = wave;
        if !is_done[*at] {
            if waves.len() <= wave {
                waves.resize_with(wave + 1, Vec::new);
            }
            waves[wave].push(*at);
        }
    }
    for wave in &mut waves {
        wave.sort_unstable();
    }
    waves
}

/// How long each task takes, and what says so.
fn lengths(tasks: &[Task], is_done: &[bool], history: &History) -> (Vec<Length>, Basis) {
    let ratios: BTreeMap<(&str, &'static str), Ratio> = history.ratios();
    let mut basis = Basis::default();
    let mut used = std::collections::BTreeSet::new();
    let lengths = tasks
        .iter()
        .zip(is_done)
        .map(|(task, done)| {
            if *done {
                return Length::default();
            }
            let group = (task.role.as_str(), task.kind.as_str());
            match ratios.get(&group) {
                Some(ratio) => {
                    basis.from_history += 1;
                    used.insert(group);
                    let likely = f64::from(task.estimate.likely_minutes);
                    Length {
                        mean: likely * ratio.mean,
                        variance: likely * likely * ratio.variance,
                    }
                }
                None => {
                    basis.from_estimates += 1;
                    pert(task)
                }
            }
        })
        .collect();
    basis.groups = used
        .into_iter()
        .filter_map(|group| Some((group, ratios.get(&group)?)))
        .map(|((role, kind), ratio)| Group {
            role: role.to_owned(),
            kind: kind.to_owned(),
            count: ratio.count,
            mean_percent: (ratio.mean * 100.0).round() as u64,
        })
        .collect();
    (lengths, basis)
}

fn pert(task: &Task) -> Length {
    let [low, likely, high] = [
        task.estimate.low_minutes,
        task.estimate.likely_minutes,
        task.estimate.high_minutes,
    ]
    .map(f64::from);
    let deviation = (high - low) / 6.0;
    Length {
        mean: (low + 4.0 * likely + high) / 6.0,
        variance: deviation * deviation,
    }
}

/// The first digits of the digest: what is the same plan is tried in the same way.
fn seed(plan: &Breakdown) -> u64 {
    let digest = plan.digest();
    let head = digest.get(..16).unwrap_or_default();
    u64::from_str_radix(head, 16).unwrap_or_default()
}
