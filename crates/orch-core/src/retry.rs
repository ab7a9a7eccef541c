//! When a failed attempt is tried again: exponential backoff with jitter.

use std::time::Duration;

use crate::entropy::Entropy;

/// No wait between attempts is longer than this.
pub const LONGEST_BACKOFF: Duration = Duration::from_secs(24 * 3600);

/// The wait before attempt *n + 1* is `base × 2^(n-1)` plus up to `jitter`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    pub base: Duration,
    pub jitter: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            base: Duration::from_secs(5),
            jitter: Duration::ZERO,
        }
    }
}

impl Backoff {
    /// The wait after `attempts` attempts have failed (1 or more).
    #[must_use]
    pub fn delay(&self, attempts: u32, entropy: &mut Entropy) -> Duration {
        let factor = 1_u32
            .checked_shl(attempts.saturating_sub(1))
            .unwrap_or(u32::MAX);
        let wait = self.base.checked_mul(factor).unwrap_or(LONGEST_BACKOFF);
        let jitter = self.jitter.min(LONGEST_BACKOFF).mul_f64(entropy.unit());
        wait.min(LONGEST_BACKOFF)
            .saturating_add(jitter)
            .min(LONGEST_BACKOFF)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_and_are_bounded() {
        let mut entropy = Entropy::seeded(1);
        let backoff = Backoff {
            base: Duration::from_millis(500),
            jitter: Duration::ZERO,
        };
        let waits: Vec<_> = (1..=4).map(|n| backoff.delay(n, &mut entropy)).collect();
        assert_eq!(waits, [500, 1000, 2000, 4000].map(Duration::from_millis));
        assert_eq!(backoff.delay(u32::MAX, &mut entropy), LONGEST_BACKOFF);
    }

    #[test]
    fn jitter_only_adds_and_stays_within_its_bound() {
        let mut entropy = Entropy::seeded(7);
        let backoff = Backoff {
            base: Duration::from_secs(1),
            jitter: Duration::from_secs(1),
        };
        for _ in 0..100 {
            let wait = backoff.delay(1, &mut entropy);
            assert!((1.0..2.0).contains(&wait.as_secs_f64()), "{wait:?}");
        }
    }
}
