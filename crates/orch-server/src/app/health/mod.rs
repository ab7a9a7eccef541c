//! What is wrong with the server, since when, and what to do about it.
//!
//! Looked at on a timer and when somebody asks, within a bounded time: what hangs is named and
//! never waited for.

mod board;
mod disk;
mod fault;
mod look;

pub use board::Board;
pub use disk::{Disk, Space};
pub use fault::{Fault, Finding, Kind};

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::clock::SteadyClock;

/// Findings are good for so long; asking more often costs nothing.
const FRESH: Duration = Duration::from_secs(1);
/// Where artifacts are kept is looked at this often.
const ARTIFACTS_FRESH: Duration = Duration::from_secs(15);
/// The database must answer within this.
const ANSWERS_WITHIN: Duration = Duration::from_secs(2);
/// What waits for longer is stuck.
const STUCK: Duration = Duration::from_secs(10);
/// Clocks that are further apart are off.
const CLOCK_OFF: Duration = Duration::from_secs(5);

/// The server's health.
pub struct Health {
    disk: Disk,
    clock: SteadyClock,
    board: Board,
    /// Agents that are connected to other servers on the same database.
    agents_elsewhere: AtomicUsize,
    /// When the place of artifacts was looked at, and what was wrong with it.
    artifacts: tokio::sync::Mutex<Option<(Instant, Option<String>)>>,
    /// Held while somebody looks; others see what was found last.
    looking: tokio::sync::Mutex<()>,
}

impl Health {
    pub fn new(disk: Disk, clock: SteadyClock) -> Self {
        Self {
            disk,
            clock,
            board: Board::default(),
            agents_elsewhere: AtomicUsize::default(),
            artifacts: tokio::sync::Mutex::default(),
            looking: tokio::sync::Mutex::default(),
        }
    }

    pub fn disk(&self) -> &Disk {
        &self.disk
    }

    /// How many agents were connected to other servers when somebody looked last.
    pub fn agents_elsewhere(&self) -> usize {
        self.agents_elsewhere.load(Ordering::Relaxed)
    }
}
