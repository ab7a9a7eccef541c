//! The time without a stream: how long holds last, when to try again, and what to say about it.
//!
//! One warning and one all-clear for an outage, however long; the holds end when the server's do.

use std::{pin::pin, time::Duration};

use tokio::time::{Instant, sleep_until};

use crate::{config::AgentConfig, hold::Loss, runs::Runs};

const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// How long a hold lasts where the server has not said it.
const GRACE: Duration = Duration::from_secs(5);

/// Why there is no stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The server cannot be reached, or went away.
    Gone,
    /// The server answers that it has too much to do.
    Busy,
}

pub(crate) struct Outage {
    longest_pause: Duration,
    busy_pause: Duration,
    claim_ttl: Option<Duration>,
    grace: Duration,
    pause: Duration,
    /// When all holds end; none while there is a stream, or once they have ended.
    holds_until: Option<Instant>,
    is_told: bool,
}

impl Outage {
    pub(crate) fn new(config: &AgentConfig) -> Self {
        Self {
            longest_pause: config.interval,
            busy_pause: config.error_backoff,
            claim_ttl: config.claim_ttl,
            grace: config.claim_ttl.unwrap_or(GRACE),
            pause: FIRST_PAUSE.min(config.interval),
            holds_until: None,
            is_told: false,
        }
    }

    /// There is a stream, and the server has said how long holds last without one.
    pub(crate) fn over(&mut self, stream_grace: Duration) {
        if !stream_grace.is_zero() {
            self.grace = self.claim_ttl.unwrap_or(stream_grace);
        }
        if self.is_told {
            tracing::info!("connected to the server again");
        }
        self.is_told = false;
        self.holds_until = None;
        self.pause = FIRST_PAUSE.min(self.longest_pause);
    }

    /// The stream that there was has ended.
    pub(crate) fn begin(&mut self) {
        self.holds_until = Some(Instant::now() + self.grace);
    }

    /// Says why, the first time; and how long to wait before the next attempt.
    pub(crate) fn pause(&mut self, cause: Cause, why: &str, held: usize) -> Duration {
        if !self.is_told {
            self.is_told = true;
            tracing::warn!(
                runs.held = held,
                "no connection to the server, trying on: {why}"
            );
        }
        let pause = self.pause;
        self.pause = (pause * 2).min(self.longest_pause);
        match cause {
            Cause::Gone => pause,
            Cause::Busy => pause.max(self.busy_pause),
        }
    }

    /// Waits for `task`; ends all holds when their time comes meanwhile.
    pub(crate) async fn during<T>(&mut self, runs: &Runs, task: impl Future<Output = T>) -> T {
        let mut task = pin!(task);
        loop {
            let Some(until) = self.holds_until else {
                return task.await;
            };
            tokio::select! {
                value = &mut task => return value,
                () = sleep_until(until) => {
                    self.holds_until = None;
                    if runs.count() > 0 {
                        tracing::warn!("the server was away for longer than the holds last: ended all runs");
                    }
                    runs.lose_all(&Loss::Outage);
                }
            }
        }
    }
}
