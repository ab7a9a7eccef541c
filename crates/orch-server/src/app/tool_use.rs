//! How often agents found a run's tools in their caches, since this server started.

use std::sync::atomic::{AtomicU64, Ordering};

/// Most tools that one message may tell of; a recipe has no more.
const MOST: u64 = 10_000;

/// Counts that agents report.
#[derive(Debug, Default)]
pub struct ToolUse {
    hits: AtomicU64,
    misses: AtomicU64,
}

impl ToolUse {
    /// Adds what one run was given.
    pub fn count(&self, hits: u64, misses: u64) {
        self.hits.fetch_add(hits.min(MOST), Ordering::Relaxed);
        self.misses.fetch_add(misses.min(MOST), Ordering::Relaxed);
    }

    /// Those from caches, and those that were fetched.
    pub fn read(&self) -> (u64, u64) {
        let hits = self.hits.load(Ordering::Relaxed);
        (hits, self.misses.load(Ordering::Relaxed))
    }
}
