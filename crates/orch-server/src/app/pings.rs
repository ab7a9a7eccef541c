//! When streams are pinged: many at the same instants, so that pinged and heard together they wake
//! the server a few times a second, however many they are.

use std::time::Duration;

use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

/// How often a stream is pinged; silent for [`STREAM_GRACE`](super::agents::STREAM_GRACE), it is lost.
const EVERY: Duration = Duration::from_secs(2);
/// Instants within that time; more than one, so that thousands of streams do not go in one go.
const PLACES: u32 = 4;

/// Gives streams their instants.
#[derive(Default)]
pub struct Pings {
    /// From when on instants are counted.
    first: Option<Instant>,
    given: u32,
}

impl Pings {
    /// The pings of one more stream.
    pub fn of_one_more(&mut self, now: Instant) -> Interval {
        let mut pings = interval_at(self.next(now), EVERY);
        // A late one must not move those after it.
        pings.set_missed_tick_behavior(MissedTickBehavior::Skip);
        pings
    }

    /// The first ping of one more stream, within [`EVERY`].
    fn next(&mut self, now: Instant) -> Instant {
        let first = *self.first.get_or_insert(now);
        let place = EVERY / PLACES * (self.given % PLACES);
        self.given = self.given.wrapping_add(1);
        let passed = (now - first).as_nanos() % EVERY.as_nanos();
        let passed = Duration::from_nanos(u64::try_from(passed).unwrap_or(0));
        let begun = now - passed;
        let next = begun + place;
        if next > now { next } else { next + EVERY }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_that_come_at_any_time_share_a_few_instants_and_none_waits_longer_than_another() {
        let mut pings = Pings::default();
        let first = Instant::now();
        let mut places = Vec::new();
        for number in 0..40 {
            let now = first + Duration::from_millis(777) * number;
            let next = pings.next(now);
            assert!(next > now && next <= now + EVERY, "{number}");
            places.push(((next - first).as_millis() % EVERY.as_millis()) as u32);
        }
        places.sort_unstable();
        places.dedup();
        assert_eq!(places, [0, 500, 1000, 1500]);
    }
}
