//! Asking again, only where that helps, with growing waits, and not for ever.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use orch_core::entropy::Entropy;
use tokio::time::{Instant, sleep};

use crate::{Answer, Ask, Asking, Class, Deltas, ModelError, Provider};

/// How long to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// How often it is asked at most, the first time included.
    pub attempts: u32,
    /// The wait before the second attempt; it doubles from there. Up to half of each is left to chance.
    pub first: Duration,
    /// No wait of our own choice is longer.
    pub longest: Duration,
    /// No attempt begins later than this after the first one began. A provider that wants a longer wait is
    /// not waited for: its error says when to come again.
    pub total: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            attempts: 5,
            first: Duration::from_secs(1),
            longest: Duration::from_secs(30),
            total: Duration::from_secs(180),
        }
    }
}

impl Patience {
    /// Asks once.
    #[must_use]
    pub const fn none() -> Self {
        Self {
            attempts: 1,
            first: Duration::ZERO,
            longest: Duration::ZERO,
            total: Duration::ZERO,
        }
    }

    /// The wait after `attempts` attempts that took `elapsed` in all, of which the last ended in `class`;
    /// none when it is enough.
    #[must_use]
    pub fn wait(
        &self,
        attempts: u32,
        elapsed: Duration,
        class: Class,
        entropy: &mut Entropy,
    ) -> Option<Duration> {
        let after = match class {
            Class::Transient { after } => after,
            // A limit is waited out by whoever planned the work; nothing is gained by asking until then.
            Class::Parked { .. } | Class::Final => return None,
        };
        if attempts >= self.attempts {
            return None;
        }
        let factor = 1_u32
            .checked_shl(attempts.saturating_sub(1))
            .unwrap_or(u32::MAX);
        let own = self.first.saturating_mul(factor).min(self.longest);
        let wait = match after {
            // Never sooner than asked, and not all at once.
            Some(after) => after.saturating_add(self.first.mul_f64(entropy.unit() / 2.0)),
            None => own.mul_f64(1.0 - entropy.unit() / 2.0),
        };
        (elapsed.saturating_add(wait) <= self.total).then_some(wait)
    }
}

/// A model that is asked with patience.
#[derive(Debug)]
pub struct Patient {
    model: Arc<dyn Provider>,
    patience: Patience,
    entropy: Mutex<Entropy>,
    /// Nobody waits for an answer longer.
    ends: Option<Instant>,
}

impl Patient {
    /// `seed` makes the waits of one process unlike those of another.
    #[must_use]
    pub fn new(model: Arc<dyn Provider>, patience: Patience, seed: u64) -> Self {
        Self {
            model,
            patience,
            entropy: Mutex::new(Entropy::seeded(seed)),
            ends: None,
        }
    }

    /// Waits for nothing that would last until then: the error is told at once, and with it when to come again.
    #[must_use]
    pub fn until(mut self, ends: Instant) -> Self {
        self.ends = Some(ends);
        self
    }

    async fn asked(&self, ask: &Ask, deltas: Deltas<'_>) -> Result<Answer, ModelError> {
        let begun = Instant::now();
        let mut attempts = 0;
        loop {
            let error = match self.model.ask(ask, deltas).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            attempts += 1;
            let wait = {
                let mut entropy = self.entropy.lock().unwrap_or_else(PoisonError::into_inner);
                self.patience
                    .wait(attempts, begun.elapsed(), error.class(), &mut entropy)
            };
            let in_time =
                |wait: &Duration| self.ends.is_none_or(|ends| Instant::now() + *wait < ends);
            let Some(wait) = wait.filter(in_time) else {
                return Err(error);
            };
            tracing::info!(
                model.name = self.model.model(),
                model.error = error.kind(),
                model.attempt = attempts,
                model.wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
                "a model gave no answer and is asked again"
            );
            sleep(wait).await;
        }
    }
}

impl Provider for Patient {
    fn model(&self) -> &str {
        self.model.model()
    }

    fn ask<'a>(&'a self, ask: &'a Ask, deltas: Deltas<'a>) -> Asking<'a> {
        Box::pin(self.asked(ask, deltas))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRANSIENT: Class = Class::Transient { after: None };

    fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn own_waits_double_up_to_a_bound_and_keep_at_least_half() {
        let patience = Patience {
            attempts: u32::MAX,
            longest: secs(8),
            ..Patience::default()
        };
        let mut entropy = Entropy::seeded(3);
        for (attempts, full) in [(1, 1), (2, 2), (3, 4), (4, 8), (5, 8), (400, 8)] {
            let wait = patience
                .wait(attempts, Duration::ZERO, TRANSIENT, &mut entropy)
                .unwrap();
            assert!(
                secs(full) / 2 <= wait && wait <= secs(full),
                "{attempts}: {wait:?}"
            );
        }
    }

    #[test]
    fn a_wait_that_was_asked_for_is_never_cut_short() {
        let mut entropy = Entropy::seeded(3);
        for seconds in 0..100 {
            let class = Class::Transient {
                after: Some(secs(seconds)),
            };
            let wait = Patience::default()
                .wait(1, Duration::ZERO, class, &mut entropy)
                .unwrap();
            assert!(
                secs(seconds) <= wait && wait <= secs(seconds) + secs(1),
                "{wait:?}"
            );
        }
    }

    #[test]
    fn patience_ends_with_attempts_with_time_and_where_it_does_not_help() {
        let patience = Patience::default();
        let wait = |attempts, elapsed, class| {
            patience.wait(attempts, elapsed, class, &mut Entropy::seeded(1))
        };
        assert!(wait(4, Duration::ZERO, TRANSIENT).is_some());
        assert_eq!(wait(5, Duration::ZERO, TRANSIENT), None);
        assert_eq!(wait(1, secs(180), TRANSIENT), None);
        let long = Class::Transient {
            after: Some(Duration::MAX),
        };
        assert_eq!(wait(1, Duration::ZERO, long), None);
        assert_eq!(wait(1, Duration::ZERO, Class::Final), None);
        let parked = Class::Parked {
            after: Some(secs(1)),
        };
        assert_eq!(wait(1, Duration::ZERO, parked), None);
    }
}
