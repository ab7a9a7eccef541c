//! One id type per entity, so that a run's id can never be passed where an item's is wanted.
//!
//! Ids are positive integers, per table, from 1. They carry no meaning and are never reused.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl $name {
            /// The bare integer, for storage and display.
            #[must_use]
            pub const fn get(self) -> i64 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl From<i64> for $name {
            fn from(id: i64) -> Self {
                Self(id)
            }
        }
    )*};
}

ids! {
    /// A project.
    ProjectId,
    /// A version of a project's vision.
    VisionId,
    /// A version of proposed requirements.
    RequirementsId,
    /// A version of a project's plan.
    PlanId,
    /// What was found in a project's existing code.
    SurveyId,
    /// A work item.
    WorkItemId,
    /// A stored tool recipe; every change makes a new one.
    RecipeId,
    /// An entry of the queue.
    QueueEntryId,
    /// One attempt of a work item.
    RunId,
    /// One command or turn of a run.
    StepId,
    /// A decision asked of a person.
    ApprovalId,
    /// A question asked of a person.
    InfoRequestId,
    /// A file that a run produced.
    ArtifactId,
    /// A run's summary.
    SummaryId,
    /// A secret of a project.
    SecretId,
}

/// The name an agent gives itself; unique per installation, 1 to 128 printable characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AgentName(String);

impl AgentName {
    /// Accepts 1 to 128 characters without controls; anything else is `None`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let name = name.trim();
        let fits = !name.is_empty() && name.chars().count() <= 128;
        (fits && !name.chars().any(char::is_control)).then(|| Self(name.to_owned()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AgentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
