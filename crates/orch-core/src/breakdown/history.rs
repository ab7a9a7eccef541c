//! What finished work really took, and how far it was from its estimates, by role and kind.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::work_item::Kind;

/// With fewer finished tasks of a role and kind than this, estimates are believed.
pub const FEWEST_MEASURED: usize = 5;
/// A task that was forgotten over a weekend, or closed at once, says little about the others.
const RATIOS: std::ops::RangeInclusive<f64> = 0.05..=20.0;

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
