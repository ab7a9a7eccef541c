//! Projects: the scope of everything, and its daily quota of runs.

use crate::ids::ProjectId;
use crate::time::Timestamp;

/// A project, as far as decisions need it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    pub id: ProjectId,
    pub name: String,
    pub description: String,
    pub quota: Quota,
    pub created_at: Timestamp,
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
    /// The quota as it stands at `now`: a new day starts at zero.
    #[must_use]
    pub fn at(self, now: Timestamp) -> Self {
        let today = now.start_of_day();
        if self.window_start == today {
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
