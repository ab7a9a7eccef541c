//! Visions in the database; every submission is a version.

use orch_core::ids::{ProjectId, VisionId};
use orch_core::time::Timestamp;

use crate::conn::{all, one, optional};
use crate::inline::row;
use crate::stored::{Lenient, noun, stored};
use crate::{Conn, Found, StoreError};

row! {
    /// A version of a project's vision.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Vision {
        pub id: i64,
        pub project_id: i64,
        pub content: String,
        pub created_at: i64,
    }
}

stored!(Vision, "vision" by id => Vision);

impl Vision {
    #[must_use]
    pub fn id(&self) -> VisionId {
        VisionId(self.id)
    }
}

/// Stores a version.
///
/// # Errors
/// When the database fails.
pub async fn insert(
    conn: &mut Conn,
    project: ProjectId,
    content: &str,
    now: Timestamp,
) -> Result<Vision, StoreError> {
    one!(
        conn,
        Vision,
        "INSERT INTO vision (project_id, content, created_at) VALUES ($1, $2, $3) RETURNING *",
        project.get(),
        content,
        now.as_micros()
    )
}

/// The newest version.
///
/// # Errors
/// When the database fails.
pub async fn latest(conn: &mut Conn, project: ProjectId) -> Result<Option<Vision>, StoreError> {
    noun::<Vision>(optional!(
        conn,
        Lenient<Vision>,
        "SELECT * FROM vision WHERE project_id = $1 ORDER BY id DESC LIMIT 1",
        project.get()
    )?)
}

/// All versions, oldest first.
///
/// # Errors
/// When the database fails.
pub async fn list(conn: &mut Conn, project: ProjectId) -> Result<Found<Vision>, StoreError> {
    Ok(Found::of::<Vision>(all!(
        conn,
        Lenient<Vision>,
        "SELECT * FROM vision WHERE project_id = $1 ORDER BY id",
        project.get()
    )?))
}
