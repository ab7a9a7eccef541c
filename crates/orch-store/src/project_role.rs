//! Roles of projects in the database, as the text of their files.

use orch_core::ids::ProjectId;
use orch_core::time::Timestamp;

use crate::conn::{all, execute, one};
use crate::inline::row;
use crate::stored::{Lenient, nouns, stored};
use crate::{Conn, StoreError};

row! {
    /// A role that a project has in place of another, or beside the others.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct ProjectRole {
        pub id: i64,
        pub project_id: i64,
        pub name: String,
        pub content: String,
        pub updated_at: i64,
        pub updated_by: String,
    }
}

stored!(ProjectRole, "project_role" by id => ProjectRole);

/// The roles of a project, by name.
///
/// # Errors
/// When the database fails, or one cannot be read.
pub async fn of_project(
    conn: &mut Conn,
    project: ProjectId,
) -> Result<Vec<ProjectRole>, StoreError> {
    nouns::<ProjectRole>(all!(
        conn,
        Lenient<ProjectRole>,
        "SELECT * FROM project_role WHERE project_id = $1 ORDER BY name",
        project.get()
    )?)
}

/// Sets a role, whether the project has it or not.
///
/// # Errors
/// When the database fails.
pub async fn set(
    conn: &mut Conn,
    project: ProjectId,
    name: &str,
    content: &str,
    by: &str,
    now: Timestamp,
) -> Result<ProjectRole, StoreError> {
    one!(
        conn,
        ProjectRole,
        "INSERT INTO project_role (project_id, name, content, updated_at, updated_by) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (project_id, name) DO UPDATE SET content = excluded.content, updated_at = excluded.updated_at,
                                                     updated_by = excluded.updated_by RETURNING *",
        project.get(),
        name,
        content,
        now.as_micros(),
        by
    )
}

/// Takes a role away; tells whether the project had it.
///
/// # Errors
/// When the database fails.
pub async fn remove(conn: &mut Conn, project: ProjectId, name: &str) -> Result<bool, StoreError> {
    let gone = execute!(
        conn,
        "DELETE FROM project_role WHERE project_id = $1 AND name = $2",
        project.get(),
        name
    )?;
    Ok(gone > 0)
}
