//! Work items: what is to be done, and how its runs are retried.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::ids::{ProjectId, RecipeId, WorkItemId};
use crate::retry::Backoff;
use crate::rules::Rules;
use crate::seen::seen;
use crate::source::{Reference, Source};
use crate::time::Timestamp;

/// The longest title, in characters.
pub const LONGEST_TITLE: usize = 500;
/// The longest description, in bytes.
pub const LONGEST_DESCRIPTION: usize = 256 * 1024;
/// The longest concurrency key, in characters.
pub const LONGEST_CONCURRENCY_KEY: usize = 200;

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
    /// Of the project's items with this key, one has an open run at a time.
    pub concurrency_key: Option<ConcurrencyKey>,
    /// Whether somebody has ever requested an approval for it.
    pub approval: ApprovalHistory,
    pub recipe_id: Option<RecipeId>,
    /// What of the project's repository it works on, in place of the project's own choice.
    pub reference: Option<Reference>,
    /// The commit that approvals of it bind; resolved when one is asked for.
    pub pinned: Option<Source>,
    /// What would run: see [`Digest::of_work_item`] and [`Digest::with_source`].
    pub digest: Digest,
    pub created_at: Timestamp,
    pub version: i64,
}

/// Names what only one run of a project may work on at a time, such as `deploy:prod`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ConcurrencyKey(String);

impl ConcurrencyKey {
    /// A key that can be stored: trimmed, not empty, one line, at most
    /// [`LONGEST_CONCURRENCY_KEY`] characters.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn parse(key: &str) -> Result<Self, String> {
        check_line(key, LONGEST_CONCURRENCY_KEY).map(Self)
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ConcurrencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
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
    check_line(title, LONGEST_TITLE)
}

/// A description that can be stored, without what nobody sees: whoever approves it reads all of it.
///
/// # Errors
/// When it has more than [`LONGEST_DESCRIPTION`] bytes.
pub fn check_description(description: &str) -> Result<String, String> {
    let length = description.len();
    match length <= LONGEST_DESCRIPTION {
        true => Ok(seen(description).collect()),
        false => Err(format!(
            "has {length} bytes; at most {LONGEST_DESCRIPTION} fit"
        )),
    }
}

fn check_line(text: &str, longest: usize) -> Result<String, String> {
    let text: String = seen(text).collect();
    let text = text.trim();
    let length = text.chars().count();
    if text.is_empty() {
        Err("must not be empty".to_owned())
    } else if length > longest {
        Err(format!("has {length} characters; at most {longest} fit"))
    } else if text.chars().any(char::is_control) {
        Err("must be one line without control characters".to_owned())
    } else {
        Ok(text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_who_approves_work_reads_all_of_it() {
        let hidden = "sell books\u{e0063}\u{e0075}\u{200b}";
        assert_eq!(check_title(hidden).unwrap(), "sell books");
        assert_eq!(
            check_description(&format!("{hidden}\n\tlines\r\n")).unwrap(),
            "sell books\n\tlines\r\n"
        );
        assert!(check_title("\u{2800}\u{3164}").is_err());
    }

    #[test]
    fn concurrency_keys_are_one_short_line() {
        assert_eq!(
            ConcurrencyKey::parse(" deploy:prod ").unwrap().as_str(),
            "deploy:prod"
        );
        for bad in ["", "  ", "a\nb", &"x".repeat(201)] {
            assert!(ConcurrencyKey::parse(bad).is_err(), "{bad:?}");
        }
    }
}
