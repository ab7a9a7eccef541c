//! What the harness was told by acknowledgements, and what it found wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Everything acknowledged so far.
#[derive(Debug, Default)]
pub struct Acknowledged {
    /// Items by id, with their title.
    pub items: BTreeMap<i64, String>,
    /// Items that were enqueued, once each.
    pub enqueued: BTreeSet<i64>,
    /// The lines of each run, in the order in which they were acknowledged.
    pub lines: BTreeMap<i64, Vec<String>>,
    /// Runs that were completed.
    pub completed: BTreeSet<i64>,
    /// Writes under an old epoch that were refused, as they must be.
    pub refused_old: u64,
    /// Items whose run was given up after more lapses than the rules allow.
    pub lost: BTreeSet<i64>,
    pub violations: Vec<String>,
}

/// Shared by all tasks of the load.
#[derive(Clone, Debug, Default)]
pub struct Record(Arc<Mutex<Acknowledged>>);

impl Record {
    pub fn lock(&self) -> MutexGuard<'_, Acknowledged> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes something wrong, once.
    pub fn violation(&self, what: String) {
        let mut all = self.lock();
        if !all.violations.contains(&what) {
            all.violations.push(what);
        }
    }
}

/// What a whole run of the harness found.
#[derive(Clone, Debug)]
pub struct Report {
    pub seed: u64,
    pub rounds: u64,
    /// How often each way to die was met.
    pub deaths: BTreeMap<String, u64>,
    pub items: usize,
    pub lines: usize,
    pub completed: usize,
    pub refused_old: u64,
    /// Items whose run ended as `lost`, after the fourth lapse of its lease.
    pub lost: usize,
    pub violations: Vec<String>,
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            seed,
            rounds,
            items,
            lines,
            completed,
            refused_old,
            lost,
            ..
        } = self;
        writeln!(f, "seed {seed}: {rounds} rounds")?;
        for (death, times) in &self.deaths {
            writeln!(f, "  {times:>5}  {death}")?;
        }
        writeln!(
            f,
            "acknowledged: {items} items, {lines} log lines, {completed} completions by REST; {refused_old} writes of an old epoch refused; {lost} runs lost after a fourth lapse"
        )?;
        for violation in &self.violations {
            writeln!(f, "VIOLATION: {violation}")?;
        }
        write!(
            f,
            "{} violations; again: make crash ROUNDS={rounds} SEED={seed}",
            self.violations.len()
        )
    }
}
