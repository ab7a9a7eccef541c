//! Approvals: asking for one, and deciding it.

use serde::Serialize;

use super::{Client, ClientError, Page, Paging};
use crate::types::approval::{Approval, DecideRun, ReasonBody};

#[derive(Serialize)]
struct ByStatus<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'a str>,
}

impl Client {
    /// Asks that a work item be approved before it runs.
    pub async fn request_approval(
        &self,
        work_item_id: i64,
        reason: &ReasonBody,
    ) -> Result<Approval, ClientError> {
        self.post(&format!("/work-items/{work_item_id}/approvals"), reason)
            .await
    }

    /// The approvals of a work item.
    pub async fn work_item_approvals(
        &self,
        work_item_id: i64,
    ) -> Result<Vec<Approval>, ClientError> {
        self.get(&format!("/work-items/{work_item_id}/approvals"))
            .await
    }

    /// A page of all approvals, or of those in one status.
    pub async fn approvals(
        &self,
        status: Option<&str>,
        paging: &Paging,
    ) -> Result<Page<Approval>, ClientError> {
        self.page("/work-items/approvals", &ByStatus { status }, paging)
            .await
    }

    /// One approval.
    pub async fn approval(&self, id: i64) -> Result<Approval, ClientError> {
        self.get(&format!("/work-items/approvals/{id}")).await
    }

    /// Approves.
    pub async fn approve(&self, id: i64, reason: &ReasonBody) -> Result<Approval, ClientError> {
        self.post(&format!("/work-items/approvals/{id}/approve"), reason)
            .await
    }

    /// Denies.
    pub async fn deny(&self, id: i64, reason: &ReasonBody) -> Result<Approval, ClientError> {
        self.post(&format!("/work-items/approvals/{id}/deny"), reason)
            .await
    }

    /// Decides the one pending approval of a run.
    pub async fn decide_run(
        &self,
        run_id: i64,
        decision: &DecideRun,
    ) -> Result<Approval, ClientError> {
        self.post(&format!("/runs/{run_id}/approve"), decision)
            .await
    }
}
