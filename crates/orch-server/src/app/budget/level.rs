//! The places at which a budget may stand.

use std::fmt;

use orch_model::OverCap;

/// A place at which a budget may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    Project(i64),
    Plan(i64),
    WorkItem(i64),
    Run(i64),
}

impl Level {
    /// The level of a stored scope.
    #[must_use]
    pub fn of(scope: &str, id: i64) -> Option<Self> {
        match scope {
            "project" => Some(Self::Project(id)),
            "plan" => Some(Self::Plan(id)),
            "work_item" => Some(Self::WorkItem(id)),
            "run" => Some(Self::Run(id)),
            _ => None,
        }
    }

    /// As it is stored.
    #[must_use]
    pub const fn scope(self) -> &'static str {
        match self {
            Self::Project(_) => "project",
            Self::Plan(_) => "plan",
            Self::WorkItem(_) => "work_item",
            Self::Run(_) => "run",
        }
    }

    #[must_use]
    pub const fn id(self) -> i64 {
        match self {
            Self::Project(id) | Self::Plan(id) | Self::WorkItem(id) | Self::Run(id) => id,
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.scope().replace('_', " "), self.id())
    }
}

/// A call that a hard cap did not let pass, with its numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct OverBudget(pub OverCap<Level>);
