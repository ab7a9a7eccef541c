//! What roles remember in projects: short notes, bounded in number and age.

use orch_core::ids::ProjectId;
use orch_core::time::Timestamp;

use crate::conn::{all, execute, one};
use crate::inline::row;
use crate::stored::{Lenient, nouns, stored};
use crate::{Conn, StoreError};

row! {
    /// A note: `origin` is person or role.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Note {
        pub id: i64,
        pub project_id: i64,
        pub role: String,
        pub content: String,
        pub author: String,
        pub origin: String,
        pub created_at: i64,
    }
}

stored!(Note, "role_memory" by id => Note);

/// A note that is to be kept.
#[derive(Clone, Debug)]
pub struct NewNote<'a> {
    pub project: ProjectId,
    pub role: &'a str,
    pub content: &'a str,
    pub author: &'a str,
    /// person or role.
    pub origin: &'a str,
}

/// Keeps a note.
///
/// # Errors
/// When the database fails.
pub async fn insert(
    conn: &mut Conn,
    new: &NewNote<'_>,
    now: Timestamp,
) -> Result<Note, StoreError> {
    one!(
        conn,
        Note,
        "INSERT INTO role_memory (project_id, role, content, author, origin, created_at)
         VALUES ($1, $2, $3, $4, $5, $6) RETURNING *",
        new.project.get(),
        new.role,
        new.content,
        new.author,
        new.origin,
        now.as_micros()
    )
}

/// The newest `limit` notes of a role that were made `since` then, oldest first.
///
/// # Errors
/// When the database fails, or one cannot be read.
pub async fn of_role(
    conn: &mut Conn,
    project: ProjectId,
    role: &str,
    since: Timestamp,
    limit: i64,
) -> Result<Vec<Note>, StoreError> {
    let mut notes = nouns::<Note>(all!(
        conn,
        Lenient<Note>,
        "SELECT * FROM role_memory WHERE project_id = $1 AND role = $2 AND created_at >= $3 ORDER BY id DESC LIMIT $4",
        project.get(),
        role,
        since.as_micros(),
        limit
    )?)?;
    notes.reverse();
    Ok(notes)
}

/// Forgets a note; tells whether there was one.
///
/// # Errors
/// When the database fails.
pub async fn remove(
    conn: &mut Conn,
    project: ProjectId,
    role: &str,
    id: i64,
) -> Result<bool, StoreError> {
    let gone = execute!(
        conn,
        "DELETE FROM role_memory WHERE id = $1 AND project_id = $2 AND role = $3",
        id,
        project.get(),
        role
    )?;
    Ok(gone > 0)
}

/// Forgets all of a role but the newest `keep` notes. Tells how many.
///
/// # Errors
/// When the database fails.
pub async fn forget_beyond(
    conn: &mut Conn,
    project: ProjectId,
    role: &str,
    keep: i64,
) -> Result<u64, StoreError> {
    execute!(
        conn,
        "DELETE FROM role_memory WHERE project_id = $1 AND role = $2 AND id NOT IN
                (SELECT id FROM role_memory WHERE project_id = $1 AND role = $2 ORDER BY id DESC LIMIT $3)",
        project.get(),
        role,
        keep
    )
}

/// Forgets what was noted before. Tells how many.
///
/// # Errors
/// When the database fails.
pub async fn forget_before(conn: &mut Conn, then: Timestamp) -> Result<u64, StoreError> {
    execute!(
        conn,
        "DELETE FROM role_memory WHERE created_at < $1",
        then.as_micros()
    )
}
