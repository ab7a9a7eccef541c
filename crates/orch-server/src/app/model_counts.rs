//! What models were asked since this server started, for metrics.
//!
//! Names of models are settings of the operator; there are few, and what goes beyond is counted as `other`.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use orch_api::types::observability::ModelMetrics;
use orch_model::Usage;

/// Models that have series of their own.
const MOST: usize = 100;
const OTHER: &str = "other";

/// Whether a call had an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Answered,
    Failed,
}

/// Counts of this server, by model.
#[derive(Debug, Default)]
pub struct ModelCounts(Mutex<BTreeMap<String, ModelMetrics>>);

impl ModelCounts {
    /// Adds one call.
    pub fn count(&self, model: &str, usage: Usage, cost: Option<i64>, outcome: Outcome) {
        let mut counts = self.lock();
        let one = named(&mut counts, model);
        let add = |to: &mut u64, more: u64| *to = to.saturating_add(more);
        let calls = match outcome {
            Outcome::Failed => &mut one.failed,
            Outcome::Answered => &mut one.answered,
        };
        add(calls, 1);
        add(&mut one.input_tokens, usage.input_tokens);
        add(&mut one.cached_tokens, usage.cached_tokens);
        add(&mut one.output_tokens, usage.output_tokens);
        match cost {
            Some(cost) => add(&mut one.cost_microusd, u64::try_from(cost).unwrap_or(0)),
            None => add(&mut one.unpriced, 1),
        }
    }

    /// Adds one call that was not let through.
    pub fn refuse(&self, model: &str) {
        let mut counts = self.lock();
        let one = named(&mut counts, model);
        one.refused = one.refused.saturating_add(1);
    }

    /// All of them.
    pub fn all(&self) -> BTreeMap<String, ModelMetrics> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, ModelMetrics>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn named<'a>(counts: &'a mut BTreeMap<String, ModelMetrics>, model: &str) -> &'a mut ModelMetrics {
    let name = match counts.contains_key(model) || counts.len() < MOST {
        true => model,
        false => OTHER,
    };
    counts.entry(name.to_owned()).or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_beyond_the_bound_are_counted_together() {
        let counts = ModelCounts::default();
        for number in 0..MOST + 20 {
            counts.count(
                &format!("m{number}"),
                Usage::default(),
                Some(2),
                Outcome::Answered,
            );
        }
        counts.count("m0", Usage::default(), None, Outcome::Failed);
        counts.refuse("m0");
        let all = counts.all();
        assert_eq!(all.len(), MOST + 1);
        assert_eq!((all[OTHER].answered, all[OTHER].cost_microusd), (20, 40));
        assert_eq!((all["m0"].answered, all["m0"].failed), (1, 1));
        assert_eq!((all["m0"].unpriced, all["m0"].refused), (1, 1));
    }
}
