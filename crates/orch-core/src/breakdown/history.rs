//! What finished work really took, and how far it was from its estimates, by role and kind.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::model::Task;
use crate::work_item::Kind;

/// With fewer finished tasks of a role and kind than this, estimates are believed.
pub const FEWEST_MEASURED: usize = 5;
/// A task that was forgotten over a weekend, or closed at once, says little about the others.
const RATIOS: std::ops::RangeInclusive<f64> = 0.05..=20.0;

/// What the names of steps begin with that run the acceptance commands of planned work.
pub const ACCEPTANCE: &str = "acceptance: ";

/// How the runs ended by which a task is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Done {
    /// Runs that passed acceptance commands.
    pub accepted: i64,
    /// Runs without any step: whoever did the work said so.
    pub by_hand: i64,
}

impl Done {
    /// Whether what the task took says anything about others: steps that passed no acceptance command
    /// of a task that has some did something else than its work.
    #[must_use]
    pub fn is_measured(self, task: &Task) -> bool {
        let has_commands = task.acceptance.iter().any(|one| one.command.is_some());
        !has_commands || self.accepted > 0 || self.by_hand > 0
    }
}

/// Finished work, measured.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct History {
    pub measured: Vec<Measured>,
}

/// One finished task: what it was held for, and what it took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measured {
    pub role: String,
    pub kind: Kind,
    /// The likely minutes of its estimate.
    pub likely_minutes: u32,
    pub actual_minutes: u32,
}

/// How the finished tasks of one role and kind relate to their estimates.
#[derive(Debug, Clone, Copy)]
pub struct Ratio {
    pub count: usize,
    /// The mean of actual / likely.
    pub mean: f64,
    /// The variance of the next one's ratio: the sample's, widened for its size.
    pub variance: f64,
}

impl History {
    /// The ratios of every role and kind that has at least [`FEWEST_MEASURED`] finished tasks.
    pub(super) fn ratios(&self) -> BTreeMap<(&str, &'static str), Ratio> {
        let mut groups: BTreeMap<(&str, &'static str), Vec<f64>> = BTreeMap::new();
        for task in &self.measured {
            let ratio = f64::from(task.actual_minutes) / f64::from(task.likely_minutes.max(1));
            groups
                .entry((&task.role, task.kind.as_str()))
                .or_default()
                .push(ratio.clamp(*RATIOS.start(), *RATIOS.end()));
        }
        groups
            .into_iter()
            .filter(|(_, ratios)| ratios.len() >= FEWEST_MEASURED)
            .map(|(group, ratios)| (group, Ratio::of(&ratios)))
            .collect()
    }
}

impl Ratio {
    fn of(ratios: &[f64]) -> Self {
        let count = ratios.len() as f64;
        let mean = ratios.iter().sum::<f64>() / count;
        let squares: f64 = ratios.iter().map(|ratio| (ratio - mean).powi(2)).sum();
        Self {
            count: ratios.len(),
            mean,
            variance: squares / (count - 1.0) * (1.0 + 1.0 / count),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::Criterion;
    use super::*;

    #[test]
    fn work_that_passed_none_of_its_acceptance_commands_is_not_measured() {
        let with = |command: Option<&str>| Task {
            acceptance: vec![Criterion {
                text: "All tests pass".to_owned(),
                command: command.map(str::to_owned),
            }],
            ..Task::default()
        };
        let (checked, unchecked) = (with(Some("make test")), with(None));
        let done = |accepted, by_hand| Done { accepted, by_hand };
        assert!(!done(0, 0).is_measured(&checked));
        assert!(done(1, 0).is_measured(&checked));
        assert!(done(0, 1).is_measured(&checked));
        assert!(done(0, 0).is_measured(&unchecked));
    }
}
