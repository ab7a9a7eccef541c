//! What runs produced: rows in the database, bytes in files named by their SHA-256.

use std::path::{Path, PathBuf};

use orch_core::ids::{ArtifactId, RunId};
use orch_core::time::Timestamp;

use crate::conn::{all, execute, one, optional, sql};
use crate::inline::row;
use crate::stored::{Lenient, noun, stored};
use crate::{Conn, Database, Found, Store, StoreError};

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
    }
}

stored!(Artifact, "artifact" by id => Artifact);

/// Stores an artifact's row; its bytes must be on disk before. The id is not looked at.
///
/// # Errors
/// When the database fails.
pub async fn insert(conn: &mut Conn, new: &Artifact) -> Result<Artifact, StoreError> {
    one!(
        conn,
        Artifact,
        "INSERT INTO artifact (run_id, name, media_type, kind, size_bytes, sha256, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING *",
        new.run_id,
        new.name.as_str(),
        new.media_type.as_str(),
        new.kind.as_str(),
        new.size_bytes,
        new.sha256.as_str(),
        new.created_at
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

/// Where artifact bytes are: in files named by their digest, or, where several servers share a
/// database, in that.
#[derive(Clone)]
pub enum Blobs {
    Files(Folder),
    Rows(Box<Store>),
}

impl Blobs {
    /// The place that fits the store's database; `folder` is used where bytes are files.
    #[must_use]
    pub fn of(store: &Store, folder: &Path) -> Self {
        match store.database() {
            Database::Sqlite { .. } => Self::Files(Folder::new(folder)),
            Database::Postgres { .. } => Self::Rows(Box::new(store.clone())),
        }
    }

    /// Keeps bytes durably under their digest; the same bytes are kept once.
    ///
    /// # Errors
    /// When the disk or the database fails.
    pub async fn write(
        &self,
        sha256: &str,
        bytes: Vec<u8>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        match self {
            Self::Files(folder) => folder.write(sha256, bytes, now).await,
            Self::Rows(store) => {
                // Outside the writer's turn: nothing refers to the bytes yet.
                let mut conn = store.read().await?;
                execute!(
                    conn,
                    sql!(postgres: "INSERT INTO blob (sha256, bytes) VALUES ($1, $2) ON CONFLICT (sha256) DO NOTHING"),
                    sha256,
                    bytes
                )?;
                Ok(())
            }
        }
    }

    /// Opens an artifact's bytes.
    ///
    /// # Errors
    /// When they are gone or cannot be read.
    pub async fn open(&self, sha256: &str) -> Result<Bytes, StoreError> {
        match self {
            Self::Files(folder) => folder.open(sha256).await.map(Bytes::File),
            Self::Rows(store) => {
                let mut conn = store.read().await?;
                let (bytes,) = one!(
                    conn,
                    (Vec<u8>,),
                    sql!(postgres: "SELECT bytes FROM blob WHERE sha256 = $1"),
                    sha256
                )?;
                Ok(Bytes::Memory(bytes))
            }
        }
    }
}

/// An artifact's bytes: at most 16 MiB where they are in memory.
pub enum Bytes {
    File(tokio::fs::File),
    Memory(Vec<u8>),
}

/// The folder of artifact bytes.
#[derive(Clone, Debug)]
pub struct Folder(PathBuf);

impl Folder {
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self(folder.to_owned())
    }

    fn path(&self, sha256: &str) -> PathBuf {
        let shard = sha256.get(..2).unwrap_or("00");
        self.0.join(shard).join(sha256)
    }

    /// Writes bytes durably under their digest; the same bytes are stored once.
    ///
    /// # Errors
    /// When the disk fails.
    pub async fn write(
        &self,
        sha256: &str,
        bytes: Vec<u8>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let path = self.path(sha256);
        let failed = {
            let path = path.clone();
            move |source| StoreError::Io {
                path: path.display().to_string(),
                source,
            }
        };
        let write = move || -> std::io::Result<()> {
            use std::io::Write as _;
            if path.exists() {
                return Ok(());
            }
            let folder = path.parent().unwrap_or(Path::new("."));
            std::fs::create_dir_all(folder)?;
            let part = path.with_extension(format!("{}.part", now.as_micros()));
            let mut file = std::fs::File::create(&part)?;
            file.write_all(&bytes)?;
            file.sync_all()?;
            orch_failpoint::check("store.artifact.written")?;
            std::fs::rename(&part, &path)?;
            orch_failpoint::check("store.artifact.renamed")?;
            std::fs::File::open(folder)?.sync_all()
        };
        tokio::task::spawn_blocking(write)
            .await
            .map_err(|_| StoreError::Closed)?
            .map_err(failed)
    }

    /// Opens an artifact's bytes.
    ///
    /// # Errors
    /// When the file is gone or cannot be read.
    pub async fn open(&self, sha256: &str) -> Result<tokio::fs::File, StoreError> {
        let path = self.path(sha256);
        tokio::fs::File::open(&path)
            .await
            .map_err(|source| StoreError::Io {
                path: path.display().to_string(),
                source,
            })
    }
}
