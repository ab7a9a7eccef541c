//! What runs produced: rows in the database; their bytes are [`Blobs`](crate::blob::Blobs).

use orch_core::ids::{ArtifactId, RunId};
use orch_core::time::Timestamp;

use crate::conn::{all, one, optional};
use crate::inline::row;
use crate::stored::{Lenient, noun, stored};
use crate::{Conn, Found, StoreError};

row! {
    /// An artifact of a run.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Artifact {
        pub id: i64,
        pub run_id: i64,
        pub name: String,
        pub media_type: String,
        pub kind: String,
        pub size_bytes: i64,
        /// 64 hex digits.
        pub sha256: String,
        pub created_at: i64,
        /// The step that made it, from 1.
        pub step: Option<i64>,
        /// What the platform read in it, as JSON.
        pub report: Option<String>,
    }
}

stored!(Artifact, "artifact" by id => Artifact, json: report);

row! {
    /// A declared file that was not kept.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Omitted {
        pub id: i64,
        pub run_id: i64,
        pub path: String,
        pub reason: String,
        pub step: Option<i64>,
        pub created_at: i64,
    }
}

stored!(Omitted, "artifact_omitted" by id => Omitted);

/// Stores an artifact's row; its bytes must be on disk before. The id is not looked at.
///
/// # Errors
/// When the database fails.
pub async fn insert(conn: &mut Conn, new: &Artifact) -> Result<Artifact, StoreError> {
    one!(
        conn,
        Artifact,
        "INSERT INTO artifact (run_id, name, media_type, kind, size_bytes, sha256, created_at, step, report)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING *",
        new.run_id,
        new.name.as_str(),
        new.media_type.as_str(),
        new.kind.as_str(),
        new.size_bytes,
        new.sha256.as_str(),
        new.created_at,
        new.step,
        new.report.as_deref()
    )
}

/// One artifact.
///
/// # Errors
/// When the database fails.
pub async fn find(conn: &mut Conn, id: ArtifactId) -> Result<Option<Artifact>, StoreError> {
    noun::<Artifact>(optional!(
        conn,
        Lenient<Artifact>,
        "SELECT * FROM artifact WHERE id = $1",
        id.get()
    )?)
}

/// The artifacts of a run, oldest first.
///
/// # Errors
/// When the database fails.
pub async fn of_run(conn: &mut Conn, run: RunId) -> Result<Found<Artifact>, StoreError> {
    Ok(Found::of::<Artifact>(all!(
        conn,
        Lenient<Artifact>,
        "SELECT * FROM artifact WHERE run_id = $1 ORDER BY id",
        run.get()
    )?))
}

/// The artifact of a run that has this name and these bytes already.
///
/// # Errors
/// When the database fails.
pub async fn same(
    conn: &mut Conn,
    run: RunId,
    name: &str,
    sha256: &str,
) -> Result<Option<Artifact>, StoreError> {
    noun::<Artifact>(optional!(
        conn,
        Lenient<Artifact>,
        "SELECT * FROM artifact WHERE run_id = $1 AND name = $2 AND sha256 = $3 ORDER BY id LIMIT 1",
        run.get(),
        name,
        sha256
    )?)
}

/// How many artifacts a run has, and how many bytes.
///
/// # Errors
/// When the database fails.
pub async fn sums(conn: &mut Conn, run: RunId) -> Result<(i64, i64), StoreError> {
    one!(
        conn,
        (i64, i64),
        "SELECT count(*), CAST(coalesce(sum(size_bytes), 0) AS BIGINT) FROM artifact WHERE run_id = $1",
        run.get()
    )
}

/// Notes a file that was not kept. The id is not looked at.
///
/// # Errors
/// When the database fails.
pub async fn omit(conn: &mut Conn, new: &Omitted) -> Result<Omitted, StoreError> {
    one!(
        conn,
        Omitted,
        "INSERT INTO artifact_omitted (run_id, path, reason, step, created_at)
         VALUES ($1, $2, $3, $4, $5) RETURNING *",
        new.run_id,
        new.path.as_str(),
        new.reason.as_str(),
        new.step,
        new.created_at
    )
}

/// What was not kept of a run's declared files, oldest first.
///
/// # Errors
/// When the database fails.
pub async fn omitted(conn: &mut Conn, run: RunId) -> Result<Found<Omitted>, StoreError> {
    Ok(Found::of::<Omitted>(all!(
        conn,
        Lenient<Omitted>,
        "SELECT * FROM artifact_omitted WHERE run_id = $1 ORDER BY id LIMIT 1000",
        run.get()
    )?))
}

/// Whether an artifact has these bytes.
///
/// # Errors
/// When the database fails.
pub async fn is_referred_to(conn: &mut Conn, sha256: &str) -> Result<bool, StoreError> {
    let found = optional!(
        conn,
        (i64,),
        "SELECT id FROM artifact WHERE sha256 = $1 LIMIT 1",
        sha256
    )?;
    Ok(found.is_some())
}

/// Removes artifacts of runs that ended before; answers which, at most so many.
///
/// # Errors
/// When the database fails.
pub async fn forget_before(
    conn: &mut Conn,
    before: Timestamp,
    most: i64,
) -> Result<Vec<i64>, StoreError> {
    let rows = all!(
        conn,
        (i64,),
        "DELETE FROM artifact WHERE id IN
            (SELECT a.id FROM artifact a JOIN run r ON r.id = a.run_id WHERE r.finished_at < $1 ORDER BY a.id LIMIT $2)
         RETURNING id",
        before.as_micros(),
        most
    )?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}
