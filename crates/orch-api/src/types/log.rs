//! Run logs.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A page of a run's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogPage {
    /// Lines that match, on all pages.
    pub total: u64,
    pub returned: usize,
    /// The text of the lines.
    pub lines: Vec<String>,
    pub entries: Vec<LogEntry>,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogEntry {
    /// Its number in the run, from 0.
    pub seq: u64,
    pub ts: String,
    /// system, stdout, stderr or event.
    pub stream: String,
    /// The number of the step that wrote it.
    pub step: Option<u32>,
    pub message: String,
    /// The line goes on in the next entry.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
}

/// Lines to add: `line`, or `lines`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AppendLog {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lines: Option<Vec<String>>,
    /// stdout when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<u64>,
}

/// What was added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogAppended {
    pub appended: usize,
    /// The number of the first line that was added.
    pub first_seq: u64,
}

/// A line found in some run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FoundLine {
    pub run_id: i64,
    pub work_item_id: i64,
    #[serde(flatten)]
    pub entry: LogEntry,
}
