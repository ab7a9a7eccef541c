//! Projects: the scope of everything, with its share of the agents' slots and its limits: a daily
//! quota of runs, and how many may be open at once.

use crate::ids::ProjectId;
use crate::source::Repository;
use crate::time::Timestamp;

/// A project, as far as decisions need it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    pub id: ProjectId,
    pub name: String,
    pub description: String,
    pub quota: Quota,
    pub share: Share,
    /// Runs that may be open at once (running or waiting, held or not); `None` is unlimited.
    pub max_concurrent_runs: Option<u32>,
    /// Where runs get their files from.
    pub repository: Option<Repository>,
    pub created_at: Timestamp,
}

/// A project's part of the slots, by stride scheduling: of the projects with work, the one with the
/// lowest next turn is served, and its next turn then lies a stride further on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Share {
    pub weight: Weight,
    /// The virtual time at which it was served last; `None` when it never was.
    pub pass: Option<u64>,
}

impl Share {
    /// The virtual time of its next turn. `virtual_time` is the highest pass of all projects, so
    /// that one that had nothing to do, or was held back, does not come back with credit. It comes
    /// behind whoever was served last, never beside: else its second turn could tie with that one's
    /// next and go first.
    #[must_use]
    pub fn next_turn(self, virtual_time: u64) -> u64 {
        let behind = virtual_time.saturating_add(1);
        self.pass.map_or(behind, |pass| {
            pass.saturating_add(self.weight.stride()).max(behind)
        })
    }
}

/// How many slots a project gets beside one of weight 1: 1 to 1000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Weight(u32);

impl Weight {
    pub const MOST: u32 = 1000;
    /// The stride at weight 1: divisible by 1 to 16, and small enough that a pass does not
    /// overflow 63 bits within ten years at 30,000 runs per second.
    pub const UNIT: u64 = 720_720;

    /// `None` when it is not within 1 to 1000.
    #[must_use]
    pub fn new(weight: u32) -> Option<Self> {
        (1..=Self::MOST).contains(&weight).then_some(Self(weight))
    }

    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }

    /// How far one turn moves a project on: `UNIT / weight`, rounded down.
    #[must_use]
    pub fn stride(self) -> u64 {
        Self::UNIT / u64::from(self.0)
    }
}

impl Default for Weight {
    fn default() -> Self {
        Self(1)
    }
}

/// Runs started per UTC day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Quota {
    /// `None` is unlimited.
    pub max_runs_per_day: Option<u32>,
    /// The day that `used` counts.
    pub window_start: Timestamp,
    pub used: u32,
}

impl Quota {
    /// The quota as it stands at `now`: a new day starts at zero. A window of tomorrow stays: a
    /// clock that is stepped back over midnight must not give the quota back.
    #[must_use]
    pub fn at(self, now: Timestamp) -> Self {
        let today = now.start_of_day();
        if self.window_start == today || self.window_start == now.next_day() {
            self
        } else {
            Self {
                window_start: today,
                used: 0,
                ..self
            }
        }
    }

    /// Runs that may still start in the window; `None` is unlimited.
    #[must_use]
    pub fn remaining(self, now: Timestamp) -> Option<u32> {
        let current = self.at(now);
        current
            .max_runs_per_day
            .map(|max| max.saturating_sub(current.used))
    }

    /// Counts one more run.
    #[must_use]
    pub fn count(self, now: Timestamp) -> Self {
        let current = self.at(now);
        Self {
            used: current.used.saturating_add(1),
            ..current
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_1_to_1000_and_an_idle_project_has_no_credit() {
        assert_eq!(Weight::new(0), None);
        assert_eq!(Weight::new(1001), None);
        let share = Share {
            weight: Weight::new(3).unwrap(),
            pass: Some(100),
        };
        assert_eq!(Share::default().next_turn(5), 6);
        assert_eq!(share.next_turn(0), 100 + 240_240);
        assert_eq!(share.next_turn(9_000_000), 9_000_001);
    }

    #[test]
    fn a_clock_that_goes_back_over_midnight_does_not_give_the_quota_back() {
        let after = Timestamp::parse("2026-05-02T00:00:01Z").unwrap();
        let before = Timestamp::parse("2026-05-01T23:59:59Z").unwrap();
        let quota = Quota {
            max_runs_per_day: Some(2),
            ..Quota::default()
        };
        let used = quota.count(after).count(before);
        assert_eq!(used.remaining(before), Some(0));
        assert_eq!(used.remaining(after), Some(0));
        assert_eq!(used.remaining(after.next_day()), Some(2));
    }

    #[test]
    fn a_new_day_gives_the_quota_back() {
        let noon = Timestamp::parse("2026-05-01T12:00:00Z").unwrap();
        let quota = Quota {
            max_runs_per_day: Some(1),
            ..Quota::default()
        }
        .count(noon);
        assert_eq!(quota.remaining(noon), Some(0));
        assert_eq!(quota.remaining(noon.next_day()), Some(1));
    }
}
