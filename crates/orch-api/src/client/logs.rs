//! Logs: pages of them, lines to add, and a search across runs.

use reqwest::Method;
use serde::Serialize;

use super::{Client, ClientError, LogFollower};
use crate::types::log::{AppendLog, FoundLine, LogAppended, LogPage};

/// Which lines of a run's log are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LogQuery {
    /// Lines that contain this text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub q: Option<String>,
    /// The most lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// How many matching lines to pass over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// The first line: `next` of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<u64>,
    /// The last so many lines, in place of a limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tail: Option<usize>,
    /// With `tail`: `next` of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<u64>,
}

#[derive(Serialize)]
struct AsJson<'a> {
    format: &'static str,
    #[serde(flatten)]
    query: &'a LogQuery,
}

#[derive(Serialize)]
struct Search<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    project: Option<i64>,
    q: &'a str,
}

impl Client {
    /// A page of a run's log.
    pub async fn log_page(&self, run_id: i64, query: &LogQuery) -> Result<LogPage, ClientError> {
        self.get_with(
            &format!("/work-items/runs/{run_id}/logs"),
            &AsJson {
                format: "json",
                query,
            },
        )
        .await
    }

    /// Adds lines to a run's log.
    pub async fn append_log(
        &self,
        run_id: i64,
        lines: &AppendLog,
    ) -> Result<LogAppended, ClientError> {
        self.post(&format!("/work-items/runs/{run_id}/logs"), lines)
            .await
    }

    /// Lines that contain `q`, in all runs or in those of one project.
    pub async fn search_logs(
        &self,
        project: Option<i64>,
        q: &str,
    ) -> Result<Vec<FoundLine>, ClientError> {
        self.get_with("/logs", &Search { project, q }).await
    }

    /// Follows a run's log from its first line, or from behind line `after`, until the run is over.
    #[must_use]
    pub fn follow_log(&self, run_id: i64, after: Option<u64>) -> LogFollower {
        LogFollower::new(self.clone(), run_id, after)
    }

    /// Opens the event stream of a log behind the event `last`.
    pub(super) async fn open_log_stream(
        &self,
        run_id: i64,
        last: Option<&str>,
    ) -> Result<reqwest::Response, ClientError> {
        let mut request = self
            .request(
                Method::GET,
                &format!("/work-items/runs/{run_id}/logs/stream"),
            )
            .header(reqwest::header::ACCEPT, "text/event-stream");
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        self.send(request).await
    }
}
