//! Versions of proposed requirements in the database.

use orch_core::ids::{ProjectId, RequirementsId, VisionId};
use orch_core::time::Timestamp;

use crate::conn::{all, execute, listing, one, optional};
use crate::inline::row;
use crate::stored::{Lenient, noun, stored};
use crate::{Conn, Found, Page, StoreError};

row! {
    /// A version: `status` is proposed, approved or superseded; `items` is a JSON array of items with id,
    /// kind, text and priority; `document` holds what belongs to the version beside them. What is absent
    /// is so in versions of programs before this one.
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
        pub parent_id: Option<i64>,
        pub author: Option<String>,
        pub reason: Option<String>,
        pub digest: Option<String>,
        pub document: Option<String>,
    }
}

stored!(Requirements, "requirements" by id => Requirements, json: items document);

impl Requirements {
    #[must_use]
    pub fn id(&self) -> RequirementsId {
        RequirementsId(self.id)
    }
}

/// A version that is to be stored.
#[derive(Clone, Debug)]
pub struct NewVersion<'a> {
    pub project: ProjectId,
    pub vision: VisionId,
    /// The version that it was made from.
    pub parent: Option<RequirementsId>,
    pub author: &'a str,
    pub reason: Option<&'a str>,
    /// As Markdown.
    pub draft: &'a str,
    /// A JSON array.
    pub items: &'a str,
    /// A JSON object.
    pub document: &'a str,
    /// 64 hex digits.
    pub digest: &'a str,
}

/// Stores a version as proposed; older undecided ones are superseded by it.
///
/// # Errors
/// When the database fails.
pub async fn insert(
    conn: &mut Conn,
    new: &NewVersion<'_>,
    now: Timestamp,
) -> Result<Requirements, StoreError> {
    execute!(
        conn,
        "UPDATE requirements SET status = 'superseded' WHERE project_id = $1 AND status = 'proposed'",
        new.project.get()
    )?;
    one!(
        conn,
        Requirements,
        "INSERT INTO requirements (project_id, vision_id, status, draft, items, created_at, parent_id, author, reason, digest, document)
         VALUES ($1, $2, 'proposed', $3, $4, $5, $6, $7, $8, $9, $10) RETURNING *",
        new.project.get(),
        new.vision.get(),
        new.draft,
        new.items,
        now.as_micros(),
        new.parent.map(RequirementsId::get),
        new.author,
        new.reason,
        new.digest,
        new.document
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

/// The version that is approved now: what is planned and built follows it.
///
/// # Errors
/// When the database fails.
pub async fn approved(
    conn: &mut Conn,
    project: ProjectId,
) -> Result<Option<Requirements>, StoreError> {
    noun::<Requirements>(optional!(
        conn,
        Lenient<Requirements>,
        "SELECT * FROM requirements WHERE project_id = $1 AND status = 'approved' ORDER BY id DESC LIMIT 1",
        project.get()
    )?)
}

/// The newest version of each project, by project; a page's ids are those of projects.
///
/// # Errors
/// When the database fails.
pub async fn newest_by_project(
    conn: &mut Conn,
    page: Page,
) -> Result<Found<Requirements>, StoreError> {
    let sql = listing!(
        page,
        "SELECT r.* FROM requirements r
          WHERE r.id = (SELECT max(n.id) FROM requirements n WHERE n.project_id = r.project_id)",
        "r.project_id",
        "$1",
        "$2"
    );
    let rows = all!(conn, Lenient<Requirements>, sql, page.after, page.limit)?;
    Ok(Found::of::<Requirements>(rows))
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
