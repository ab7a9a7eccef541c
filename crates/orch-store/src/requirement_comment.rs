//! Comments on versions of requirements, and on their items.

use orch_core::ids::{ProjectId, RequirementsId};
use orch_core::time::Timestamp;

use crate::conn::{all, one};
use crate::inline::row;
use crate::stored::{Lenient, stored};
use crate::{Conn, Found, StoreError};

/// The most comments that are listed.
pub const MOST_LISTED: i64 = 10_000;

row! {
    /// A comment; on the whole version where it names no item.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Comment {
        pub id: i64,
        pub project_id: i64,
        pub requirements_id: i64,
        pub item: Option<String>,
        pub author: String,
        pub content: String,
        pub created_at: i64,
    }
}

stored!(Comment, "requirement_comment" by id => Comment);

/// Stores a comment.
///
/// # Errors
/// When the database fails.
pub async fn insert(
    conn: &mut Conn,
    project: ProjectId,
    version: RequirementsId,
    item: Option<&str>,
    author: &str,
    content: &str,
    now: Timestamp,
) -> Result<Comment, StoreError> {
    one!(
        conn,
        Comment,
        "INSERT INTO requirement_comment (project_id, requirements_id, item, author, content, created_at)
         VALUES ($1, $2, $3, $4, $5, $6) RETURNING *",
        project.get(),
        version.get(),
        item,
        author,
        content,
        now.as_micros()
    )
}

/// The comments made on a version and on those before it, oldest first: items keep their ids, so what was
/// said about one goes on to be about it.
///
/// # Errors
/// When the database fails.
pub async fn up_to(
    conn: &mut Conn,
    project: ProjectId,
    version: RequirementsId,
) -> Result<Found<Comment>, StoreError> {
    Ok(Found::of::<Comment>(all!(
        conn,
        Lenient<Comment>,
        "SELECT * FROM requirement_comment WHERE project_id = $1 AND requirements_id <= $2 ORDER BY id LIMIT $3",
        project.get(),
        version.get(),
        MOST_LISTED
    )?))
}
