//! The seeds, the same seed twice, and the faults that must be noticed.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::mutant::Mutant;
use crate::world;

const DEFAULT_SEEDS: u64 = 300;
/// Of so many seeds, at least one notices a built-in fault.
const SEEDS_FOR_A_MUTANT: u64 = 200;

fn number(name: &str, default: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text
            .parse()
            .unwrap_or_else(|_| panic!("{name}={text} is not a number")),
        Err(_) => default,
    }
}

#[test]
fn invariants_hold_at_every_step_of_every_seed() {
    let from = number("SIM_FROM", 0);
    let until = from + number("SIM_SEEDS", DEFAULT_SEEDS);
    let loud = std::env::var("SIM_TRACE").is_ok();
    let next = AtomicU64::new(from);
    let (commits, runs) = (AtomicU64::new(0), AtomicU64::new(0));
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= until {
                        return;
                    }
                    let ended = world::run(seed, Mutant::None, loud);
                    commits.fetch_add(ended.commits, Ordering::Relaxed);
                    runs.fetch_add(ended.runs as u64, Ordering::Relaxed);
                    if let Some(violation) = ended.violation {
                        next.store(until, Ordering::Relaxed);
                        panic!(
                            "seed {seed}: it does not hold that {}: {}\n\n{}\nrun it again with\n  SIM_FROM={seed} SIM_SEEDS=1 SIM_TRACE=1 cargo test -p orch-core --test simulation -- every_seed --nocapture\n",
                            violation.invariant, violation.detail, ended.last_lines
                        );
                    }
                }
            });
        }
    });
    println!(
        "seeds {from}..{until}: {} commits checked, {} runs",
        commits.into_inner(),
        runs.into_inner()
    );
}

#[test]
fn the_same_seed_gives_the_same_trace_and_another_a_different_one() {
    for seed in 0..10 {
        let hash = |seed| world::run(seed, Mutant::None, false).hash;
        assert_eq!(hash(seed), hash(seed), "seed {seed}");
        assert_ne!(hash(seed), hash(seed + 1), "seed {seed}");
    }
}

/// An invariant that is never put to the test shows nothing.
#[test]
fn everything_that_the_invariants_speak_of_happens() {
    let mut seen: BTreeMap<&str, u64> = BTreeMap::new();
    for seed in 0..60 {
        for (what, count) in world::run(seed, Mutant::None, false).seen {
            *seen.entry(what).or_default() += count;
        }
    }
    let expected = [
        "concurrency_key",
        "concurrency_limit",
        "dependency_cycle",
        "dependency_unfinished",
        "approval.expired",
        "queue_entry.cancelled",
        "queue_entry.failed",
        "queue_entry.retry_scheduled",
        "quota_exceeded",
        "run.cancelled",
        "run.failed",
        "run.lease_lapsed",
        "run.lost",
        "run.resumed",
        "run.succeeded",
        "run.taken_over",
        "run.waiting",
        "run_finished",
        "stale_epoch",
        "work_item.cancelled",
        "work_item_running",
    ];
    let missing: Vec<_> = expected
        .into_iter()
        .filter(|what| !seen.contains_key(what))
        .collect();
    assert!(missing.is_empty(), "{missing:?} never came; {seen:#?}");
}

/// A built-in fault must be noticed, and by the invariant that speaks of it.
fn check(mutant: Mutant, invariant: &str) {
    let mut noticed = Vec::new();
    for seed in 0..SEEDS_FOR_A_MUTANT {
        if let Some(violation) = world::run(seed, mutant, false).violation {
            if violation.invariant == invariant {
                return;
            }
            noticed.push(violation);
        }
    }
    panic!("{mutant:?}: in no seed it was noticed that {invariant:?}; only {noticed:?}");
}

#[test]
fn a_stale_completion_that_is_accepted_is_noticed() {
    check(
        Mutant::StaleCompletionsAccepted,
        "no completion of an old epoch is accepted",
    );
}

#[test]
fn a_second_lease_in_one_epoch_is_noticed() {
    check(
        Mutant::EpochNotRaised,
        "no run is leased twice in one epoch",
    );
}

#[test]
fn a_counter_that_is_not_decremented_is_noticed() {
    check(
        Mutant::DependencyCounterNotDecremented,
        "unmet counters equal the unmet edges",
    );
}

#[test]
fn ignored_dependencies_are_noticed() {
    check(Mutant::DependenciesIgnored, "dependency order is kept");
}

#[test]
fn an_ignored_quota_is_noticed() {
    check(Mutant::QuotaIgnored, "quotas are never exceeded");
}

#[test]
fn an_ignored_limit_on_open_runs_is_noticed() {
    check(
        Mutant::RunLimitIgnored,
        "limits on open runs are never exceeded",
    );
}

#[test]
fn ignored_concurrency_keys_are_noticed() {
    check(
        Mutant::ConcurrencyKeysIgnored,
        "a concurrency key has one run",
    );
}

#[test]
fn a_pass_that_is_not_saved_is_noticed() {
    check(Mutant::PassNotSaved, "no project waits beyond its bound");
}

#[test]
fn ignored_priorities_are_noticed() {
    check(Mutant::PriorityIgnored, "priorities order within a project");
}

#[test]
fn leases_that_never_expire_are_noticed() {
    check(Mutant::LeasesNeverExpire, "a lapsed lease is taken back");
}

#[test]
fn an_approval_that_is_not_used_up_is_noticed() {
    check(
        Mutant::ApprovalsNotUsedUp,
        "what runs was approved for its entry",
    );
}

#[test]
fn a_second_open_entry_is_noticed() {
    check(Mutant::OpenEntriesForgotten, "an item has one open entry");
}
