//! The data of a plan: epics, stories and tasks with ids that stay over versions, and the bounds that
//! every plan keeps. Holds no rules.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::own::TaskField;
use crate::work_item;

/// The most tasks of a plan.
pub const MOST_TASKS: usize = 5_000;
/// The most stories of a plan.
pub const MOST_STORIES: usize = 5_000;
/// The most epics of a plan.
pub const MOST_EPICS: usize = 1_000;
/// The most tasks that one task waits for.
pub const MOST_DEPENDENCIES: usize = 100;
/// The most requirements that an epic, a story or a task cites.
pub const MOST_REQUIREMENTS: usize = 1_000;
/// The most acceptance criteria of a story or a task.
pub const MOST_CRITERIA: usize = 50;
/// The most tools, and the most capabilities, of a task.
pub const MOST_NAMES: usize = 50;
/// The longest title, in characters: as long as that of a work item.
pub const LONGEST_TITLE: usize = work_item::LONGEST_TITLE;
/// The longest description or criterion, in characters: a quarter of the bytes of a work item's.
pub const LONGEST_TEXT: usize = work_item::LONGEST_DESCRIPTION / 8;
/// The longest estimate: a year of minutes.
pub const LONGEST_ESTIMATE_MINUTES: u32 = 366 * 24 * 60;

/// The roles that a task may have, as their files are called.
pub const ROLES: [&str; 8] = [
    "planner",
    "architect",
    "developer",
    "infra",
    "qa",
    "security",
    "release_manager",
    "tech_writer",
];

/// The content of one version of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Breakdown {
    /// The largest parts, in the order in which they are shown.
    pub epics: Vec<Epic>,
    /// The parts of epics.
    pub stories: Vec<Story>,
    /// What is done, each by one role.
    pub tasks: Vec<Task>,
    /// The number of the next new epic: a number is never given twice.
    pub next_epic: u64,
    /// The number of the next new story.
    pub next_story: u64,
    /// The number of the next new task.
    pub next_task: u64,
    /// The keys of tasks that persons removed: no later proposal brings them back.
    pub removed: Vec<String>,
    /// Whether the proposal that this version stands on is a model's.
    pub by_model: bool,
    /// What was left out of the model's answer, or changed in it, and why.
    pub notes: Vec<String>,
    /// By task and requirement: a digest of the text that the task serves.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub served: BTreeMap<String, BTreeMap<String, String>>,
    /// By task that is `edited`: the fields that are set by hand; all of them, where it is not named here.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub own: BTreeMap<String, BTreeSet<TaskField>>,
}

impl Default for Breakdown {
    fn default() -> Self {
        Self {
            epics: Vec::new(),
            stories: Vec::new(),
            tasks: Vec::new(),
            next_epic: 1,
            next_story: 1,
            next_task: 1,
            removed: Vec::new(),
            by_model: false,
            notes: Vec::new(),
            served: BTreeMap::new(),
            own: BTreeMap::new(),
        }
    }
}

/// A large part of the work, such as all that concerns invoices.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Epic {
    /// `E-1`: the same in every version.
    pub id: String,
    pub title: String,
    /// The requirements that its stories serve.
    pub requirements: Vec<String>,
    /// What a later proposal knows it by.
    pub key: String,
    /// Whether a person named it: proposals then leave the title alone.
    pub edited: bool,
}

/// A part of an epic that somebody can see the use of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Story {
    /// `S-1`: the same in every version.
    pub id: String,
    /// The epic it belongs to.
    pub epic: String,
    pub title: String,
    /// The requirements that it serves.
    pub requirements: Vec<String>,
    /// When it is met.
    pub acceptance: Vec<Criterion>,
    /// What a later proposal knows it by.
    pub key: String,
    /// Whether a person named it: proposals then leave the title alone.
    pub edited: bool,
}

/// What one role does, and what becomes one work item.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Task {
    /// `T-1`: the same in every version.
    pub id: String,
    /// The story it belongs to.
    pub story: String,
    /// One line of plain text.
    pub title: String,
    /// Plain text.
    pub description: String,
    pub kind: work_item::Kind,
    /// One of [`ROLES`].
    pub role: String,
    /// What the agent has to offer.
    pub capabilities: Vec<String>,
    /// The tools that have to be there.
    pub tools: Vec<String>,
    /// The requirements that it serves.
    pub requirements: Vec<String>,
    /// When it is done.
    pub acceptance: Vec<Criterion>,
    /// The tasks that have to be done before.
    pub depends_on: Vec<String>,
    pub estimate: Estimate,
    pub origin: Origin,
    /// What a later proposal knows it by.
    pub key: String,
    /// Whether a person, or a replan, changed it: proposals then leave what was set as it is.
    pub edited: bool,
}

/// What shows that something is done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Criterion {
    /// The claim, in words.
    pub text: String,
    /// A command that the platform can run; exit 0 means met.
    pub command: Option<String>,
}

/// How long a task takes: `low <= likely <= high`, each at least one minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Estimate {
    pub low_minutes: u32,
    pub likely_minutes: u32,
    pub high_minutes: u32,
}

impl Default for Estimate {
    /// What is said of a task of which nothing is known: an hour to a day.
    fn default() -> Self {
        Self {
            low_minutes: 60,
            likely_minutes: 240,
            high_minutes: 480,
        }
    }
}

impl Estimate {
    /// Whether the three are in order and within their bounds.
    pub fn is_sound(self) -> bool {
        self.low_minutes >= 1
            && self.low_minutes <= self.likely_minutes
            && self.likely_minutes <= self.high_minutes
            && self.high_minutes <= LONGEST_ESTIMATE_MINUTES
    }
}

/// Who or what brought a task in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The rules of the planner.
    #[default]
    Rules,
    /// A model's answer.
    Model,
    /// A person.
    Person,
}

impl Origin {
    /// Its name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rules => "rules",
            Self::Model => "model",
            Self::Person => "person",
        }
    }
}

/// The tasks whose work is done: they are kept as they are, and cost no more time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Finished {
    /// Their ids.
    pub tasks: BTreeSet<String>,
}

impl Finished {
    /// Whether this task is done.
    pub fn contains(&self, task: &str) -> bool {
        self.tasks.contains(task)
    }
}

impl<S: Into<String>> FromIterator<S> for Finished {
    fn from_iter<I: IntoIterator<Item = S>>(ids: I) -> Self {
        Self {
            tasks: ids.into_iter().map(Into::into).collect(),
        }
    }
}
