//! Projects, their quotas and their visions.

use super::{Client, ClientError, Page, Paging};
use crate::types::project::{NewProject, Project, Quota, SetQuota, UpdateProject};
use crate::types::vision::{FirstVision, NewVision, Vision};

impl Client {
    /// Creates a project.
    pub async fn create_project(&self, project: &NewProject) -> Result<Project, ClientError> {
        self.post("/projects", project).await
    }

    /// A page of the projects.
    pub async fn projects(&self, paging: &Paging) -> Result<Page<Project>, ClientError> {
        self.page("/projects", &(), paging).await
    }

    /// One project.
    pub async fn project(&self, id: i64) -> Result<Project, ClientError> {
        self.get(&format!("/projects/{id}")).await
    }

    /// Changes a project; what is absent stays.
    pub async fn update_project(
        &self,
        id: i64,
        change: &UpdateProject,
    ) -> Result<Project, ClientError> {
        self.patch(&format!("/projects/{id}"), change).await
    }

    /// A project's quota and what is used of it.
    pub async fn quota(&self, project_id: i64) -> Result<Quota, ClientError> {
        self.get(&format!("/projects/{project_id}/quota")).await
    }

    /// Sets a project's quota.
    pub async fn set_quota(&self, project_id: i64, quota: &SetQuota) -> Result<Quota, ClientError> {
        self.post(&format!("/projects/{project_id}/quota"), quota)
            .await
    }

    /// Submits a version of a project's vision.
    pub async fn submit_vision(
        &self,
        project_id: i64,
        vision: &NewVision,
    ) -> Result<Vision, ClientError> {
        self.post(&format!("/projects/{project_id}/vision"), vision)
            .await
    }

    /// Creates a project for a vision; where that is refused, there is no project either.
    pub async fn submit_first_vision(&self, vision: &FirstVision) -> Result<Vision, ClientError> {
        self.post("/visions", vision).await
    }

    /// The current version of a project's vision.
    pub async fn vision(&self, project_id: i64) -> Result<Vision, ClientError> {
        self.get(&format!("/projects/{project_id}/vision")).await
    }

    /// The versions of a project's vision, oldest first.
    pub async fn visions(&self, project_id: i64) -> Result<Vec<Vision>, ClientError> {
        self.get(&format!("/projects/{project_id}/visions")).await
    }
}
