//! Versions of proposed requirements in the database.

use orch_core::ids::{ProjectId, RequirementsId, VisionId};
use orch_core::time::Timestamp;

use crate::conn::{all, execute, one, optional};
use crate::inline::row;
use crate::stored::{Lenient, noun, stored};
use crate::{Conn, Found, StoreError};

row! {
    /// A proposal: `status` is proposed, approved or superseded; `items` is a JSON array.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Requirements {
        pub id: i64,
        pub project_id: i64,
        pub vision_id: i64,
        pub status: String,
        pub draft: String,
        pub items: String,
        pub created_at: i64,
        pub approved_at: Option<i64>,
        pub approved_by: Option<String>,
    }
}

stored!(Requirements, "requirements" by id => Requirements, json: items);

/// Stores a proposal; older undecided ones are superseded by it.
///
/// # Errors
/// When the database fails.
pub async fn insert(
    conn: &mut Conn,
    project: ProjectId,
    vision: VisionId,
    draft: &str,
    items: &str,
    now: Timestamp,
) -> Result<Requirements, StoreError> {
    execute!(
        conn,
        "UPDATE requirements SET status = 'superseded' WHERE project_id = $1 AND status = 'proposed'",
        project.get()
    )?;
    one!(
        conn,
        Requirements,
        "INSERT INTO requirements (project_id, vision_id, status, draft, items, created_at)
         VALUES ($1, $2, 'proposed', $3, $4, $5) RETURNING *",
        project.get(),
        vision.get(),
        draft,
        items,
        now.as_micros()
    )
}

/// Approves a proposal; the version approved before is superseded by it.
///
/// # Errors
/// When the database fails.
pub async fn approve(
    conn: &mut Conn,
    project: ProjectId,
    id: RequirementsId,
    by: &str,
    now: Timestamp,
) -> Result<Requirements, StoreError> {
    execute!(
        conn,
        "UPDATE requirements SET status = 'superseded' WHERE project_id = $1 AND status = 'approved' AND id <> $2",
        project.get(),
        id.get()
    )?;
    one!(
        conn,
        Requirements,
        "UPDATE requirements SET status = 'approved', approved_at = $2, approved_by = $3
          WHERE id = $1 RETURNING *",
        id.get(),
        now.as_micros(),
        by
    )
}

/// One version of a project.
///
/// # Errors
/// When the database fails.
pub async fn find(
    conn: &mut Conn,
    project: ProjectId,
    id: RequirementsId,
) -> Result<Option<Requirements>, StoreError> {
    noun::<Requirements>(optional!(
        conn,
        Lenient<Requirements>,
        "SELECT * FROM requirements WHERE id = $1 AND project_id = $2",
        id.get(),
        project.get()
    )?)
}

/// The newest version that is proposed or approved.
///
/// # Errors
/// When the database fails.
pub async fn current(
    conn: &mut Conn,
    project: ProjectId,
) -> Result<Option<Requirements>, StoreError> {
    noun::<Requirements>(optional!(
        conn,
        Lenient<Requirements>,
        "SELECT * FROM requirements WHERE project_id = $1 ORDER BY id DESC LIMIT 1",
        project.get()
    )?)
}

/// All versions, oldest first.
///
/// # Errors
/// When the database fails.
pub async fn list(conn: &mut Conn, project: ProjectId) -> Result<Found<Requirements>, StoreError> {
    Ok(Found::of::<Requirements>(all!(
        conn,
        Lenient<Requirements>,
        "SELECT * FROM requirements WHERE project_id = $1 ORDER BY id",
        project.get()
    )?))
}
