//! What was read in the files that came with a vision.

use orch_core::ids::VisionId;
use orch_core::time::Timestamp;

use crate::conn::{all, one};
use crate::inline::row;
use crate::stored::{Lenient, nouns, stored};
use crate::{Conn, StoreError};

row! {
    /// A file: what it was, and as JSON what was read in it.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Attachment {
        pub id: i64,
        pub vision_id: i64,
        pub name: String,
        pub media_type: String,
        pub size_bytes: i64,
        pub sha256: String,
        pub content: String,
        pub created_at: i64,
    }
}

stored!(Attachment, "vision_attachment" by id => Attachment, json: content);

/// A file that is to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAttachment {
    pub name: String,
    pub media_type: String,
    pub size_bytes: i64,
    pub sha256: String,
    /// JSON.
    pub content: String,
}

/// Stores what was read in a file.
///
/// # Errors
/// When the database fails.
pub async fn insert(
    conn: &mut Conn,
    vision: VisionId,
    new: &NewAttachment,
    now: Timestamp,
) -> Result<Attachment, StoreError> {
    one!(
        conn,
        Attachment,
        "INSERT INTO vision_attachment (vision_id, name, media_type, size_bytes, sha256, content, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING *",
        vision.get(),
        new.name.as_str(),
        new.media_type.as_str(),
        new.size_bytes,
        new.sha256.as_str(),
        new.content.as_str(),
        now.as_micros()
    )
}

/// The files of a vision, in their order.
///
/// # Errors
/// When the database fails, or a row cannot be read: requirements are never proposed from a part.
pub async fn of_vision(conn: &mut Conn, vision: VisionId) -> Result<Vec<Attachment>, StoreError> {
    nouns::<Attachment>(all!(
        conn,
        Lenient<Attachment>,
        "SELECT * FROM vision_attachment WHERE vision_id = $1 ORDER BY id",
        vision.get()
    )?)
}
