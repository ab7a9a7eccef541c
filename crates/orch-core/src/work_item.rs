//! Work items: what is to be done, and how its runs are retried.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::ids::{ProjectId, RecipeId, WorkItemId};
use crate::retry::Backoff;
use crate::rules::Rules;
use crate::time::Timestamp;

/// The longest title, in characters.
pub const LONGEST_TITLE: usize = 500;
/// The longest description, in bytes.
pub const LONGEST_DESCRIPTION: usize = 256 * 1024;

/// A unit of work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkItem {
    pub id: WorkItemId,
    pub project_id: ProjectId,
    pub title: String,
    pub description: String,
    pub kind: Kind,
    /// The target environment, when the work concerns one.
    pub environment: Option<String>,
    pub state: State,
    pub policy: Policy,
    /// Whether somebody has ever requested an approval for it.
    pub approval: ApprovalHistory,
    pub recipe_id: Option<RecipeId>,
    /// What would run: see [`Digest::of_work_item`].
    pub digest: Digest,
    pub created_at: Timestamp,
    pub version: i64,
}

/// Whether approvals must be looked up for an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApprovalHistory {
    NeverRequested,
    Requested,
}

/// The column of the board that an item stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum State {
    Proposed,
    Approved,
    #[serde(rename = "In Progress")]
    InProgress,
    Review,
    Done,
    Cancelled,
}

impl State {
    /// As the API and the database write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Proposed => "Proposed",
            Self::Approved => "Approved",
            Self::InProgress => "In Progress",
            Self::Review => "Review",
            Self::Done => "Done",
            Self::Cancelled => "Cancelled",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [
            Self::Proposed,
            Self::Approved,
            Self::InProgress,
            Self::Review,
            Self::Done,
            Self::Cancelled,
        ]
        .into_iter()
        .find(|state| state.as_str() == text)
    }
}

/// What sort of work it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Story,
    #[default]
    Task,
    Spike,
    Test,
    Infra,
}

impl Kind {
    pub const NAMES: [&'static str; 5] = ["story", "task", "spike", "test", "infra"];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Story => "story",
            Self::Task => "task",
            Self::Spike => "spike",
            Self::Test => "test",
            Self::Infra => "infra",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [
            Self::Story,
            Self::Task,
            Self::Spike,
            Self::Test,
            Self::Infra,
        ]
        .into_iter()
        .find(|kind| kind.as_str().eq_ignore_ascii_case(text))
    }
}

/// Per-item overrides of the installation's retry rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Policy {
    pub max_retries: Option<u32>,
    pub backoff_base: Option<Duration>,
    pub backoff_jitter: Option<Duration>,
}

impl Policy {
    /// How often a failed attempt is tried again.
    #[must_use]
    pub fn max_retries(&self, rules: &Rules) -> u32 {
        self.max_retries.unwrap_or(rules.max_retries)
    }

    #[must_use]
    pub fn backoff(&self, rules: &Rules) -> Backoff {
        Backoff {
            base: self.backoff_base.unwrap_or(rules.backoff.base),
            jitter: self.backoff_jitter.unwrap_or(rules.backoff.jitter),
        }
    }
}

/// A title that can be stored: trimmed, not empty, at most [`LONGEST_TITLE`] characters.
///
/// # Errors
/// Says what is wrong with it.
pub fn check_title(title: &str) -> Result<String, String> {
    let title = title.trim();
    let length = title.chars().count();
    if title.is_empty() {
        Err("must not be empty".to_owned())
    } else if length > LONGEST_TITLE {
        Err(format!(
            "has {length} characters; at most {LONGEST_TITLE} fit"
        ))
    } else if title.chars().any(char::is_control) {
        Err("must be one line without control characters".to_owned())
    } else {
        Ok(title.to_owned())
    }
}
