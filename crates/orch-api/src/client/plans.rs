//! Plans: versions, edits, differences, approval, and what a change of the requirements touches.

use reqwest::Method;
use serde::Serialize;

use super::{Client, ClientError, Order, Page, Paging};
use crate::types::plan::{
    ApprovePlan, ApprovedPlan, EditPlan, Plan, PlanDifference, PlanGraph, PlanImpact, PlanVersion,
    ProposePlan, Replan,
};

/// No graph is larger.
const LARGEST_DRAWING_BYTES: usize = 32 * 1024 * 1024;

#[derive(Serialize)]
struct Between {
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<i64>,
}

#[derive(Serialize)]
struct Format {
    format: &'static str,
}

impl Client {
    /// Proposes a plan for the approved requirements.
    pub async fn propose_plan(
        &self,
        project_id: i64,
        how: &ProposePlan,
    ) -> Result<Plan, ClientError> {
        let path = format!("/projects/{project_id}/tasks/plan");
        self.post_to_model(&path, how).await
    }

    /// The versions of a project's plan, oldest first.
    pub async fn plans(&self, project_id: i64) -> Result<Vec<PlanVersion>, ClientError> {
        self.get(&format!("/projects/{project_id}/plans")).await
    }

    /// The newest version; none where none was proposed.
    pub async fn newest_plan(&self, project_id: i64) -> Result<Option<PlanVersion>, ClientError> {
        let newest = Paging {
            order: Order::NewestFirst,
            limit: Some(1),
            cursor: None,
        };
        let path = format!("/projects/{project_id}/plans");
        let page: Page<PlanVersion> = self.page(&path, &(), &newest).await?;
        Ok(page.items.into_iter().next())
    }

    /// The version `id`, and where its work stands.
    pub async fn plan(&self, project_id: i64, id: i64) -> Result<Plan, ClientError> {
        self.get(&format!("/projects/{project_id}/plans/{id}"))
            .await
    }

    /// The graph of the version `id`.
    pub async fn plan_graph(&self, project_id: i64, id: i64) -> Result<PlanGraph, ClientError> {
        let path = format!("/projects/{project_id}/plans/{id}/graph");
        self.get_with(&path, &Format { format: "json" }).await
    }

    /// The graph of the version `id` as `text`, `mermaid` or `dot`.
    pub async fn plan_drawing(
        &self,
        project_id: i64,
        id: i64,
        format: &'static str,
    ) -> Result<String, ClientError> {
        let path = format!("/projects/{project_id}/plans/{id}/graph");
        let request = self.request(Method::GET, &path).query(&Format { format });
        let response = self.send(request).await?;
        let drawing = self.bytes(response, LARGEST_DRAWING_BYTES).await?;
        Ok(String::from_utf8_lossy(&drawing).into_owned())
    }

    /// Edits the version `id`, which is the newest: a new one is made.
    pub async fn edit_plan(
        &self,
        project_id: i64,
        id: i64,
        edits: &EditPlan,
    ) -> Result<Plan, ClientError> {
        let path = format!("/projects/{project_id}/plans/{id}/edits");
        self.post(&path, edits).await
    }

    /// What changed from `from`, or from the version that `id` was made from.
    pub async fn plan_difference(
        &self,
        project_id: i64,
        from: Option<i64>,
        id: i64,
    ) -> Result<PlanDifference, ClientError> {
        let path = format!("/projects/{project_id}/plans/{id}/diff");
        self.get_with(&path, &Between { from, to: None }).await
    }

    /// Approves the newest version.
    pub async fn approve_newest_plan(
        &self,
        project_id: i64,
        approval: &ApprovePlan,
    ) -> Result<ApprovedPlan, ClientError> {
        self.post(&format!("/projects/{project_id}/plans/approve"), approval)
            .await
    }

    /// Approves the version `id`.
    pub async fn approve_plan(
        &self,
        project_id: i64,
        id: i64,
        approval: &ApprovePlan,
    ) -> Result<ApprovedPlan, ClientError> {
        let path = format!("/projects/{project_id}/plans/{id}/approve");
        self.post(&path, approval).await
    }

    /// Makes the plan anew.
    pub async fn replan(&self, project_id: i64, how: &Replan) -> Result<Plan, ClientError> {
        self.post(&format!("/projects/{project_id}/plans/replan"), how)
            .await
    }

    /// What a change of the requirements touches: from the version that the plan serves to the one that is
    /// approved, where nothing else is named.
    pub async fn plan_impact(
        &self,
        project_id: i64,
        from: Option<i64>,
        to: Option<i64>,
    ) -> Result<PlanImpact, ClientError> {
        let path = format!("/projects/{project_id}/plans/impact");
        self.get_with(&path, &Between { from, to }).await
    }
}
