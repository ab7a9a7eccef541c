//! What a seed makes of a world: who is there, how much work, how bad it gets.

use orch_core::ids::ProjectId;
use orch_core::project::{Project, Quota, Share, Weight};
use orch_core::retry::Backoff;
use orch_core::rules::Rules;
use orch_core::time::Timestamp;
use std::time::Duration;

use crate::chance::Chance;
use crate::network::Weather;

pub const SECOND: u64 = 1_000_000;

pub struct Scenario {
    pub start: Timestamp,
    pub projects: Vec<Project>,
    pub replicas: usize,
    /// The slots of each agent.
    pub agents: Vec<usize>,
    /// Wishes that come while it is bad.
    pub wishes: usize,
    /// Items that are there at once, to have a queue.
    pub backlog: usize,
    pub weather: Weather,
    /// Crashes, stops and partitions.
    pub faults: usize,
    pub crash_per_2000_commits: u64,
    /// Replicas' clocks are stepped by up to five minutes.
    pub clocks_step: bool,
    /// Runs that fail or ask.
    pub trouble_percent: u64,
    pub longest_work_us: u64,
    /// When the network heals and people clear up.
    pub heals_at_us: u64,
}

impl Scenario {
    pub fn random(chance: &mut Chance) -> Self {
        // Up to ten minutes before midnight, so that quotas are seen to come back.
        let midnight = Timestamp::parse("2026-03-02T00:00:00Z").unwrap();
        let before = i64::try_from(chance.range(0..=600 * SECOND)).unwrap();
        let start = Timestamp::from_micros(midnight.as_micros() - before);
        let projects = chance.range(1..=4);
        let calm = chance.percent(10);
        Self {
            start,
            projects: (1..=projects)
                .map(|id| project(chance, id, start))
                .collect(),
            replicas: usize::try_from(chance.range(1..=3)).unwrap(),
            agents: (0..chance.range(1..=4))
                .map(|_| usize::try_from(chance.range(1..=3)).unwrap())
                .collect(),
            wishes: usize::try_from(chance.range(5..=50)).unwrap(),
            backlog: usize::try_from(chance.range(0..=25)).unwrap(),
            weather: if calm {
                Weather::fine()
            } else {
                Weather {
                    loss_percent: chance.range(0..=20),
                    duplicate_percent: chance.range(0..=10),
                    longest_delay_us: chance.range(1_000..=3 * SECOND),
                }
            },
            faults: if calm {
                0
            } else {
                usize::try_from(chance.range(0..=12)).unwrap()
            },
            crash_per_2000_commits: if calm { 0 } else { chance.range(0..=10) },
            clocks_step: chance.percent(25),
            trouble_percent: chance.range(0..=50),
            longest_work_us: chance.range(SECOND..=20 * SECOND),
            heals_at_us: 60 * SECOND,
        }
    }

    pub fn rules(&self) -> Rules {
        Rules {
            backoff: Backoff {
                base: Duration::from_millis(500),
                jitter: Duration::from_millis(500),
            },
            ..Rules::default()
        }
    }
}

fn project(chance: &mut Chance, id: u64, now: Timestamp) -> Project {
    let few = |chance: &mut Chance, percent, most| {
        let some = chance.percent(percent);
        some.then(|| u32::try_from(chance.range(1..=most)).unwrap())
    };
    let weight = u32::try_from(chance.range(1..=4)).unwrap();
    Project {
        id: ProjectId(i64::try_from(id).unwrap()),
        name: format!("project {id}"),
        description: String::new(),
        quota: Quota {
            max_runs_per_day: few(chance, 30, 12),
            window_start: now.start_of_day(),
            used: 0,
        },
        share: Share {
            weight: Weight::new(weight).unwrap(),
            pass: None,
        },
        max_concurrent_runs: few(chance, 30, 3),
        repository: None,
        created_at: now,
    }
}
