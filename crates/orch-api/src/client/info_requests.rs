//! Info requests: questions of agents, and answers of people.

use serde::Serialize;

use super::{Client, ClientError, Page, Paging};
use crate::types::info_request::{InfoRequest, NewInfoRequest, Respond};

#[derive(Serialize)]
struct Wanted<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    project_id: Option<i64>,
}

impl Client {
    /// A page of all info requests, or of those in one status, or of one project.
    pub async fn info_requests(
        &self,
        status: Option<&str>,
        project_id: Option<i64>,
        paging: &Paging,
    ) -> Result<Page<InfoRequest>, ClientError> {
        self.page(
            "/work-items/runs/info-requests",
            &Wanted { status, project_id },
            paging,
        )
        .await
    }

    /// The info requests of a run.
    pub async fn run_info_requests(&self, run_id: i64) -> Result<Vec<InfoRequest>, ClientError> {
        self.get(&format!("/work-items/runs/{run_id}/info-requests"))
            .await
    }

    /// One info request.
    pub async fn info_request(&self, id: i64) -> Result<InfoRequest, ClientError> {
        self.get(&format!("/work-items/runs/info-requests/{id}"))
            .await
    }

    /// Asks in a run.
    pub async fn ask(
        &self,
        run_id: i64,
        question: &NewInfoRequest,
    ) -> Result<InfoRequest, ClientError> {
        self.post(
            &format!("/work-items/runs/{run_id}/info-requests"),
            question,
        )
        .await
    }

    /// Answers an info request.
    pub async fn answer(&self, id: i64, answers: &Respond) -> Result<InfoRequest, ClientError> {
        self.post(
            &format!("/work-items/runs/info-requests/{id}/respond"),
            answers,
        )
        .await
    }
}
