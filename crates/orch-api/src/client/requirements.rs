//! Proposed and approved requirements.

use super::{Client, ClientError};
use crate::types::requirements::Requirements;

impl Client {
    /// Proposes requirements from the project's current vision.
    pub async fn propose_requirements(&self, project_id: i64) -> Result<Requirements, ClientError> {
        self.act(&format!("/projects/{project_id}/requirements/propose"))
            .await
    }

    /// Approves the version that is proposed now.
    pub async fn approve_current_requirements(
        &self,
        project_id: i64,
    ) -> Result<Requirements, ClientError> {
        self.act(&format!("/projects/{project_id}/requirements/approve"))
            .await
    }

    /// Approves the version `id`.
    pub async fn approve_requirements(
        &self,
        project_id: i64,
        id: i64,
    ) -> Result<Requirements, ClientError> {
        self.act(&format!("/projects/{project_id}/requirements/{id}/approve"))
            .await
    }

    /// The versions of a project's requirements, oldest first.
    pub async fn requirements(&self, project_id: i64) -> Result<Vec<Requirements>, ClientError> {
        self.get(&format!("/projects/{project_id}/requirements"))
            .await
    }
}
