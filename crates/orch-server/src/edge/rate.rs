//! The sliding-window rate limit: in any 60 seconds a client gets at most its share.
//!
//! Keeps the times of accepted requests per client, in bounded memory. Pure but for its lock: the
//! time is an argument. Knows nothing of HTTP.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

const WINDOW: Duration = Duration::from_secs(60);
/// Times kept per client. Up to this limit the window is exact; above it, requests closer together
/// than the window's 1024th part (59 ms) are counted as of the last of them, never as of an earlier.
const MOST_MARKS: u32 = 1024;
const MOST_CLIENTS: usize = 4096;

/// Time since some fixed moment; never goes back.
pub trait MonotonicClock: fmt::Debug + Send + Sync {
    fn now(&self) -> Duration;
}

/// The machine's own clock.
#[derive(Debug)]
pub struct SystemClock(Instant);

impl SystemClock {
    #[must_use]
    pub fn new() -> Self {
        Self(Instant::now())
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl MonotonicClock for SystemClock {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

/// The answer to one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Counted; so many more are possible at once.
    Accepted { remaining: u32 },
    /// Not counted; the next one is possible after this time.
    Refused { retry_after: Duration },
}

/// Counts requests per client `K`.
#[derive(Debug)]
pub struct RateLimit<K> {
    limit: u32,
    grain: Duration,
    most_clients: usize,
    state: Mutex<State<K>>,
}

#[derive(Debug)]
struct State<K> {
    clients: HashMap<K, Client>,
    swept: Duration,
}

/// The accepted requests of one client within the window, oldest first.
#[derive(Debug, Default)]
struct Client {
    marks: VecDeque<Mark>,
    count: u32,
}

/// Requests accepted from `first` to `last`, close together.
#[derive(Debug)]
struct Mark {
    first: Duration,
    last: Duration,
    count: u32,
}

impl<K: Eq + Hash + Clone> RateLimit<K> {
    /// At most `limit` requests per client in any 60 s.
    #[must_use]
    pub fn per_minute(limit: NonZeroU32) -> Self {
        Self::bounded(limit, MOST_CLIENTS)
    }

    fn bounded(limit: NonZeroU32, most_clients: usize) -> Self {
        let limit = limit.get();
        let grain = if limit > MOST_MARKS {
            WINDOW / MOST_MARKS
        } else {
            Duration::ZERO
        };
        Self {
            limit,
            grain,
            most_clients,
            state: Mutex::new(State {
                clients: HashMap::new(),
                swept: Duration::ZERO,
            }),
        }
    }

    /// The requests a client may make in a window.
    #[must_use]
    pub const fn limit(&self) -> u32 {
        self.limit
    }

    /// Counts a request of `client` at `now`, or refuses it.
    pub fn check(&self, client: &K, now: Duration) -> Verdict {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.make_room(client, now, self.most_clients);
        let client = state.clients.entry(client.clone()).or_default();
        client.forget_before(now);
        if client.count >= self.limit {
            let oldest = client.marks.front().map_or(now, |mark| mark.last);
            let retry_after = (oldest + WINDOW).saturating_sub(now);
            return Verdict::Refused { retry_after };
        }
        client.record(now, self.grain);
        Verdict::Accepted {
            remaining: self.limit - client.count,
        }
    }
}

impl<K: Eq + Hash + Clone> State<K> {
    /// Drops idle clients once a window, and when the table is full; if none is idle, the eighth
    /// that has been quiet longest, so that new clients are served even under a flood of addresses.
    fn make_room(&mut self, client: &K, now: Duration, most: usize) {
        let full = self.clients.len() >= most && !self.clients.contains_key(client);
        if full || now.saturating_sub(self.swept) >= WINDOW {
            self.clients.retain(|_, client| !client.idle(now));
            self.swept = now;
        }
        if full && self.clients.len() >= most {
            let mut by_age: Vec<(Duration, K)> = self
                .clients
                .iter()
                .map(|(key, client)| (client.last(), key.clone()))
                .collect();
            by_age.sort_unstable_by_key(|(last, _)| *last);
            for (_, key) in by_age.drain(..most.div_ceil(8)) {
                self.clients.remove(&key);
            }
        }
    }
}

impl Client {
    fn last(&self) -> Duration {
        self.marks.back().map_or(Duration::ZERO, |mark| mark.last)
    }

    fn idle(&self, now: Duration) -> bool {
        self.last() + WINDOW <= now
    }

    fn forget_before(&mut self, now: Duration) {
        while let Some(mark) = self.marks.front()
            && mark.last + WINDOW <= now
        {
            self.count -= mark.count;
            self.marks.pop_front();
        }
    }

    fn record(&mut self, now: Duration, grain: Duration) {
        self.count += 1;
        match self.marks.back_mut() {
            Some(mark) if now.saturating_sub(mark.first) < grain || now <= mark.last => {
                mark.last = mark.last.max(now);
                mark.count += 1;
            }
            Some(_) | None => self.marks.push_back(Mark {
                first: now,
                last: now,
                count: 1,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    fn limit(n: u32) -> RateLimit<u32> {
        RateLimit::per_minute(NonZeroU32::new(n).unwrap())
    }

    fn at(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn the_share_comes_back_one_by_one_as_the_window_slides() {
        let limit = limit(2);
        assert_eq!(limit.check(&1, at(0)), Verdict::Accepted { remaining: 1 });
        assert_eq!(
            limit.check(&1, at(50_000)),
            Verdict::Accepted { remaining: 0 }
        );
        let refused = |ms| Verdict::Refused {
            retry_after: at(ms),
        };
        assert_eq!(limit.check(&1, at(59_999)), refused(1));
        assert_eq!(
            limit.check(&1, at(60_000)),
            Verdict::Accepted { remaining: 0 }
        );
        assert_eq!(limit.check(&1, at(60_001)), refused(49_999));
        assert_eq!(
            limit.check(&1, at(110_000)),
            Verdict::Accepted { remaining: 0 }
        );
    }

    #[test]
    fn no_window_of_a_minute_ever_holds_more_than_the_limit() {
        for n in [1, 7, 1000, 5000] {
            let limit = limit(n);
            let mut accepted: Vec<Duration> = Vec::new();
            let mut step: u64 = 1;
            let mut now = 0;
            while now < 200_000 {
                if matches!(limit.check(&1, at(now)), Verdict::Accepted { .. }) {
                    accepted.push(at(now));
                }
                step = step.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                now += (step >> 33) % 17;
            }
            for pair in accepted.windows(n as usize + 1) {
                assert!(pair[n as usize] - pair[0] >= WINDOW, "limit {n}");
            }
            assert!(accepted.len() > 2 * n as usize, "limit {n}");
        }
    }

    #[test]
    fn refused_requests_do_not_prolong_the_wait() {
        let limit = limit(1);
        limit.check(&1, at(0));
        for ms in 1..60_000 {
            assert!(matches!(limit.check(&1, at(ms)), Verdict::Refused { .. }));
        }
        assert_eq!(
            limit.check(&1, at(60_000)),
            Verdict::Accepted { remaining: 0 }
        );
    }

    #[test]
    fn clients_are_counted_apart() {
        let limit = limit(1);
        limit.check(&1, at(0));
        assert_eq!(limit.check(&2, at(0)), Verdict::Accepted { remaining: 0 });
    }

    #[test]
    fn a_flood_of_addresses_leaves_memory_bounded_and_idle_clients_are_dropped() {
        let limit = RateLimit::bounded(NonZeroU32::new(2).unwrap(), 64);
        limit.check(&0, at(0));
        limit.check(&0, at(0));
        for n in 1..10_000_u32 {
            limit.check(&n, at(1));
        }
        let held = limit.state.lock().unwrap().clients.len();
        assert!(held <= 64, "{held}");
        limit.check(&20_000, at(61_001));
        assert_eq!(limit.state.lock().unwrap().clients.len(), 1);
    }

    #[test]
    fn times_kept_per_client_are_bounded_for_a_large_limit() {
        let limit = limit(1_000_000);
        for n in 0..120_000_u64 {
            limit.check(&1, at(n));
        }
        let state = limit.state.lock().unwrap();
        assert!(state.clients[&1].marks.len() <= MOST_MARKS as usize + 1);
        assert_eq!(state.clients[&1].count as usize / 1000, 60);
    }

    #[test]
    fn racing_requests_share_the_limit_exactly() {
        let limit = limit(100);
        let accepted = AtomicU32::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..100 {
                        if matches!(limit.check(&1, at(0)), Verdict::Accepted { .. }) {
                            accepted.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                });
            }
        });
        assert_eq!(accepted.into_inner(), 100);
    }
}
