//! What a model answers when it is asked for a plan. Every field may be missing, wrong or hostile.

use serde::{Deserialize, Serialize};

/// A plan as a model proposes it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SuggestedPlan {
    pub epics: Vec<SuggestedEpic>,
    pub stories: Vec<SuggestedStory>,
    pub tasks: Vec<SuggestedTask>,
}

/// An epic; its key is what stories of the answer name it by.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SuggestedEpic {
    pub key: String,
    pub title: String,
}

/// A story; its key is what tasks of the answer name it by.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SuggestedStory {
    pub key: String,
    pub epic: String,
    pub title: String,
}

/// A task; its key is what other tasks of the answer name it by.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SuggestedTask {
    pub key: String,
    pub story: String,
    pub title: String,
    pub description: String,
    pub kind: String,
    pub role: String,
    pub requirements: Vec<String>,
    pub acceptance: Vec<SuggestedCriterion>,
    pub depends_on: Vec<String>,
    pub estimate: SuggestedEstimate,
    pub capabilities: Vec<String>,
    pub tools: Vec<String>,
}

/// What shows that a task is done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SuggestedCriterion {
    pub text: String,
    pub command: Option<String>,
}

/// Minutes, in no order that could be relied on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SuggestedEstimate {
    pub low_minutes: u64,
    pub likely_minutes: u64,
    pub high_minutes: u64,
}
