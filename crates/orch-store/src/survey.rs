//! What was found in projects' existing code; every import is a version.

use orch_core::ids::{ProjectId, SurveyId};
use orch_core::time::Timestamp;

use crate::conn::{all, one, optional};
use crate::inline::row;
use crate::stored::{Lenient, noun, stored};
use crate::{Conn, Found, StoreError};

row! {
    /// An import: where the code came from, and as JSON what was found in it.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Survey {
        pub id: i64,
        pub project_id: i64,
        pub source: String,
        pub name: String,
        pub reference: Option<String>,
        pub commit_id: Option<String>,
        pub sha256: Option<String>,
        pub content: String,
        pub created_by: String,
        pub created_at: i64,
    }
}

stored!(Survey, "survey" by id => Survey, json: content);

/// An import that is to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSurvey {
    /// `repository` or `archive`.
    pub source: &'static str,
    /// The repository's address, or the archive's name.
    pub name: String,
    pub reference: Option<String>,
    pub commit_id: Option<String>,
    /// Of the archive as it came, in hex.
    pub sha256: Option<String>,
    /// JSON.
    pub content: String,
}

/// Stores an import.
///
/// # Errors
/// When the database fails.
pub async fn insert(
    conn: &mut Conn,
    project: ProjectId,
    new: &NewSurvey,
    by: &str,
    now: Timestamp,
) -> Result<Survey, StoreError> {
    one!(
        conn,
        Survey,
        "INSERT INTO survey (project_id, source, name, reference, commit_id, sha256, content, created_by, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING *",
        project.get(),
        new.source,
        new.name.as_str(),
        new.reference.as_deref(),
        new.commit_id.as_deref(),
        new.sha256.as_deref(),
        new.content.as_str(),
        by,
        now.as_micros()
    )
}

/// One import of a project.
///
/// # Errors
/// When the database fails.
pub async fn find(
    conn: &mut Conn,
    project: ProjectId,
    id: SurveyId,
) -> Result<Option<Survey>, StoreError> {
    noun::<Survey>(optional!(
        conn,
        Lenient<Survey>,
        "SELECT * FROM survey WHERE project_id = $1 AND id = $2",
        project.get(),
        id.get()
    )?)
}

/// The newest import of a project.
///
/// # Errors
/// When the database fails.
pub async fn latest(conn: &mut Conn, project: ProjectId) -> Result<Option<Survey>, StoreError> {
    noun::<Survey>(optional!(
        conn,
        Lenient<Survey>,
        "SELECT * FROM survey WHERE project_id = $1 ORDER BY id DESC LIMIT 1",
        project.get()
    )?)
}

/// The imports of a project, oldest first, the newest `most` of them, without what was found.
///
/// # Errors
/// When the database fails.
pub async fn list(
    conn: &mut Conn,
    project: ProjectId,
    most: i64,
) -> Result<Found<Survey>, StoreError> {
    let mut rows = all!(
        conn,
        Lenient<Survey>,
        "SELECT id, project_id, source, name, reference, commit_id, sha256, CAST('{}' AS TEXT) AS content, created_by,
                created_at
         FROM survey WHERE project_id = $1 ORDER BY id DESC LIMIT $2",
        project.get(),
        most
    )?;
    rows.reverse();
    Ok(Found::of::<Survey>(rows))
}
