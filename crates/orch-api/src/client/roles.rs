//! Roles of projects, and what they remember.

use super::{Client, ClientError};
use crate::types::role::{NewRoleNote, ProjectRole, RoleNote, SetProjectRole};

impl Client {
    /// The roles that hold in a project.
    pub async fn project_roles(&self, project_id: i64) -> Result<Vec<ProjectRole>, ClientError> {
        self.get(&format!("/projects/{project_id}/roles")).await
    }

    /// One of them.
    pub async fn project_role(
        &self,
        project_id: i64,
        name: &str,
    ) -> Result<ProjectRole, ClientError> {
        self.get(&path(project_id, name)).await
    }

    /// Sets a project's role.
    pub async fn set_project_role(
        &self,
        project_id: i64,
        name: &str,
        new: &SetProjectRole,
    ) -> Result<ProjectRole, ClientError> {
        self.put(&path(project_id, name), new).await
    }

    /// Takes a project's role away.
    pub async fn reset_project_role(&self, project_id: i64, name: &str) -> Result<(), ClientError> {
        self.delete(&path(project_id, name)).await
    }

    /// What a role remembers in a project.
    pub async fn role_notes(
        &self,
        project_id: i64,
        name: &str,
    ) -> Result<Vec<RoleNote>, ClientError> {
        self.get(&format!("{}/memory", path(project_id, name)))
            .await
    }

    /// Has a role remember something.
    pub async fn add_role_note(
        &self,
        project_id: i64,
        name: &str,
        new: &NewRoleNote,
    ) -> Result<RoleNote, ClientError> {
        self.post(&format!("{}/memory", path(project_id, name)), new)
            .await
    }

    /// Has a role forget a note.
    pub async fn remove_role_note(
        &self,
        project_id: i64,
        name: &str,
        note: i64,
    ) -> Result<(), ClientError> {
        self.delete(&format!("{}/memory/{note}", path(project_id, name)))
            .await
    }
}

fn path(project_id: i64, name: &str) -> String {
    let name: String = form_urlencoded::byte_serialize(name.as_bytes()).collect();
    format!("/projects/{project_id}/roles/{name}")
}
