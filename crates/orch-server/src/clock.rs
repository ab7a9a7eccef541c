//! The server's clock: the time of day without its jumps.
//!
//! Leases are instants, so a clock that is set forward would end all of them at once, and one that
//! is set back would keep dead agents' runs. This clock runs with the monotonic one, and drifts
//! towards the time of day by at most a thousandth.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use orch_core::time::Timestamp;
use orch_store::Clock;

/// Microseconds that the clock may gain or lose in a second.
const SLEW_US_PER_S: i64 = 1000;

#[expect(
    clippy::disallowed_methods,
    reason = "the one place where the server reads the clock"
)]
fn wall_us() -> i64 {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

/// The time of day, as models' dates are read by it.
pub(crate) fn wall() -> orch_model::Now {
    Arc::new(|| jiff::Timestamp::from_microsecond(wall_us()).unwrap_or_default())
}

/// A clock that starts at the time of day. Cheap to clone.
#[derive(Clone)]
pub struct SteadyClock {
    started: Instant,
    steady: Arc<Mutex<Steady>>,
}

impl SteadyClock {
    pub(crate) fn start() -> Self {
        Self {
            started: Instant::now(),
            steady: Arc::new(Mutex::new(Steady::starting_at(wall_us()))),
        }
    }

    /// What tells its time.
    pub(crate) fn teller(&self) -> Clock {
        let clock = self.clone();
        Arc::new(move || Timestamp::from_micros(clock.now_us()))
    }

    fn now_us(&self) -> i64 {
        let elapsed_us = i64::try_from(self.started.elapsed().as_micros()).unwrap_or(i64::MAX);
        let mut steady = self.steady.lock().unwrap_or_else(PoisonError::into_inner);
        steady.tell(elapsed_us, wall_us())
    }

    /// By how much the time of day is ahead: more than a drift where it was set.
    pub(crate) fn set_by_us(&self) -> i64 {
        wall_us().saturating_sub(self.now_us())
    }

    /// The time of day.
    pub(crate) fn wall(&self) -> Timestamp {
        Timestamp::from_micros(wall_us())
    }
}

/// What the clock knows: pure, for the two clocks are arguments.
struct Steady {
    /// By how much it leads the monotonic clock.
    lead_us: i64,
    /// The monotonic time at which it was looked at last.
    looked_us: i64,
}

impl Steady {
    fn starting_at(wall_us: i64) -> Self {
        Self {
            lead_us: wall_us,
            looked_us: 0,
        }
    }

    /// The time; `monotonic_us` never goes back, `wall_us` may do what it likes.
    fn tell(&mut self, monotonic_us: i64, wall_us: i64) -> i64 {
        let since_us = monotonic_us.saturating_sub(self.looked_us);
        let most = since_us / (1_000_000 / SLEW_US_PER_S);
        // Looked at again within a millisecond, it has nothing to make up; that time is kept.
        if most > 0 {
            let behind = wall_us.saturating_sub(monotonic_us + self.lead_us);
            self.lead_us += behind.clamp(-most, most);
            self.looked_us = monotonic_us;
        }
        monotonic_us + self.lead_us
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000_000;

    #[test]
    fn steps_of_five_minutes_end_no_lease_and_time_never_goes_back() {
        for step in [5 * MINUTE, -5 * MINUTE] {
            let mut steady = Steady::starting_at(1_000 * MINUTE);
            let mut before = steady.tell(0, 1_000 * MINUTE);
            for second in 1..=60 {
                let monotonic = second * 1_000_000;
                let now = steady.tell(monotonic, 1_000 * MINUTE + monotonic + step);
                let passed = now - before;
                assert!((999_000..=1_001_000).contains(&passed), "{step}: {passed}");
                before = now;
            }
        }
    }

    #[test]
    fn it_follows_a_clock_that_drifts() {
        let mut steady = Steady::starting_at(0);
        for second in 1..=1000 {
            let monotonic = second * 1_000_000;
            let wall = monotonic + second * 100;
            assert_eq!(steady.tell(monotonic, wall), wall);
        }
    }
}
