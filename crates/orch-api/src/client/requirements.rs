//! Proposed and approved requirements: versions, edits, differences, comments.

use serde::Serialize;

use super::{Client, ClientError, Order, Page, Paging};
use crate::types::requirements::{
    ApproveRequirements, EditRequirements, NewRequirementComment, ProposeRequirements,
    RequirementComment, Requirements, RequirementsDifference, RequirementsStatus,
};

#[derive(Serialize)]
struct From {
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<i64>,
}

impl Client {
    /// Proposes requirements from the project's current vision.
    pub async fn propose_requirements(
        &self,
        project_id: i64,
        how: &ProposeRequirements,
    ) -> Result<Requirements, ClientError> {
        let path = format!("/projects/{project_id}/requirements/propose");
        self.post_to_model(&path, how).await
    }

    /// Approves the version that is proposed now.
    pub async fn approve_current_requirements(
        &self,
        project_id: i64,
        approval: &ApproveRequirements,
    ) -> Result<Requirements, ClientError> {
        let path = format!("/projects/{project_id}/requirements/approve");
        self.post(&path, approval).await
    }

    /// Approves the version `id`.
    pub async fn approve_requirements(
        &self,
        project_id: i64,
        id: i64,
        approval: &ApproveRequirements,
    ) -> Result<Requirements, ClientError> {
        let path = format!("/projects/{project_id}/requirements/{id}/approve");
        self.post(&path, approval).await
    }

    /// The versions of a project's requirements, oldest first.
    pub async fn requirements(&self, project_id: i64) -> Result<Vec<Requirements>, ClientError> {
        self.get(&format!("/projects/{project_id}/requirements"))
            .await
    }

    /// The newest version; none where none was proposed.
    pub async fn newest_requirements(
        &self,
        project_id: i64,
    ) -> Result<Option<Requirements>, ClientError> {
        let newest = Paging {
            order: Order::NewestFirst,
            limit: Some(1),
            cursor: None,
        };
        let path = format!("/projects/{project_id}/requirements");
        let page: Page<Requirements> = self.page(&path, &(), &newest).await?;
        Ok(page.items.into_iter().next())
    }

    /// The version that is approved; none where none is, or where it is long ago.
    pub async fn approved_requirements(
        &self,
        project_id: i64,
    ) -> Result<Option<Requirements>, ClientError> {
        let newest = Paging {
            order: Order::NewestFirst,
            limit: Some(20),
            cursor: None,
        };
        let path = format!("/projects/{project_id}/requirements");
        let page: Page<Requirements> = self.page(&path, &(), &newest).await?;
        let mut versions = page.items.into_iter();
        Ok(versions.find(|version| version.status == RequirementsStatus::Approved))
    }

    /// The version `id`.
    pub async fn requirements_version(
        &self,
        project_id: i64,
        id: i64,
    ) -> Result<Requirements, ClientError> {
        self.get(&format!("/projects/{project_id}/requirements/{id}"))
            .await
    }

    /// Edits the version `id`, which is the newest: a new one is made.
    pub async fn edit_requirements(
        &self,
        project_id: i64,
        id: i64,
        edits: &EditRequirements,
    ) -> Result<Requirements, ClientError> {
        let path = format!("/projects/{project_id}/requirements/{id}/edits");
        self.post(&path, edits).await
    }

    /// What changed from `from`, or from the version that `id` was made from.
    pub async fn requirements_difference(
        &self,
        project_id: i64,
        from: Option<i64>,
        id: i64,
    ) -> Result<RequirementsDifference, ClientError> {
        let path = format!("/projects/{project_id}/requirements/{id}/diff");
        self.get_with(&path, &From { from }).await
    }

    /// Comments on the version `id`, or on one of its items.
    pub async fn comment_requirements(
        &self,
        project_id: i64,
        id: i64,
        comment: &NewRequirementComment,
    ) -> Result<RequirementComment, ClientError> {
        let path = format!("/projects/{project_id}/requirements/{id}/comments");
        self.post(&path, comment).await
    }

    /// The comments on the version `id` and on those before it, oldest first.
    pub async fn requirement_comments(
        &self,
        project_id: i64,
        id: i64,
    ) -> Result<Vec<RequirementComment>, ClientError> {
        self.get(&format!(
            "/projects/{project_id}/requirements/{id}/comments"
        ))
        .await
    }
}
