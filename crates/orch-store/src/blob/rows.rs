//! Bytes as rows of the database that several servers share: small ones in one row, others in pieces.
//!
//! Read back into a file without a name, so that they are checked before any of them is handed out.

use std::fs::File;
use std::io::{Read as _, Seek as _, Write as _};
use std::path::PathBuf;

use super::content::{Content, digest};
use super::folder::blocking;
use super::{BlobError, is_digest};
use crate::conn::{all, execute, optional, sql};
use crate::{Store, StoreError};

/// Bytes of one piece.
const PIECE: u64 = 4 * 1024 * 1024;

/// The rows, and a folder for files under way.
#[derive(Clone)]
pub struct Rows {
    store: Store,
    spool: PathBuf,
}

impl Rows {
    pub(super) fn new(store: Store, spool: PathBuf) -> Self {
        Self { store, spool }
    }

    pub(super) async fn keep(&self, sha256: &str, file: PathBuf) -> Result<(), BlobError> {
        if !is_digest(sha256) {
            return Err(BlobError::Name(sha256.to_owned()));
        }
        let path = file.clone();
        let size = blocking(move || {
            let size = std::fs::metadata(&path).map(|found| found.len());
            size.map_err(BlobError::io("read", &path))
        })
        .await?;
        // Outside the writer's turn: nothing refers to the bytes yet.
        let mut conn = self.store.read().await?;
        let pieces = match size <= PIECE {
            true => 0,
            false => size.div_ceil(PIECE),
        };
        for number in 0..pieces {
            let bytes = piece(&file, number * PIECE).await?;
            execute!(
                conn,
                sql!(postgres: "INSERT INTO blob_part (sha256, number, bytes) VALUES ($1, $2, $3)
                                ON CONFLICT (sha256, number) DO UPDATE SET bytes = excluded.bytes"),
                sha256,
                i64::try_from(number).unwrap_or(i64::MAX),
                bytes
            )?;
        }
        let bytes = match pieces {
            0 => piece(&file, 0).await?,
            _ => Vec::new(),
        };
        // The name comes last: what has it is whole.
        execute!(
            conn,
            sql!(postgres: "INSERT INTO blob (sha256, bytes) VALUES ($1, $2)
                            ON CONFLICT (sha256) DO UPDATE SET bytes = excluded.bytes"),
            sha256,
            bytes
        )?;
        let _ = std::fs::remove_file(file);
        Ok(())
    }

    pub(super) async fn open(&self, sha256: &str) -> Result<Content, BlobError> {
        let mut conn = self.store.read().await?;
        let found = optional!(
            conn,
            (Vec<u8>,),
            sql!(postgres: "SELECT bytes FROM blob WHERE sha256 = $1"),
            sha256
        )?;
        let (first,) = found.ok_or_else(|| BlobError::missing(sha256))?;
        let mut file = self.unnamed()?;
        let mut pieces = first;
        for number in 0_i64.. {
            file.write_all(&pieces)
                .map_err(BlobError::io("write in", &self.spool))?;
            let next = optional!(
                conn,
                (Vec<u8>,),
                sql!(postgres: "SELECT bytes FROM blob_part WHERE sha256 = $1 AND number = $2"),
                sha256,
                number
            )?;
            let Some((next,)) = next else { break };
            pieces = next;
        }
        let spool = self.spool.clone();
        let sha256 = sha256.to_owned();
        blocking(move || {
            let (found, size_bytes) =
                digest(&mut file).map_err(BlobError::io("read in", &spool))?;
            match found == sha256 {
                true => Ok(Content { file, size_bytes }),
                false => Err(BlobError::Damaged { sha256, found }),
            }
        })
        .await
    }

    /// A file that goes with its last reader.
    fn unnamed(&self) -> Result<File, BlobError> {
        use std::os::unix::fs::OpenOptionsExt as _;
        let attempt = || BlobError::io("make a file in", &self.spool);
        std::fs::create_dir_all(&self.spool).map_err(attempt())?;
        let mut options = std::fs::OpenOptions::new();
        options.read(true).write(true).mode(0o600);
        for attempt_number in 0..100_u32 {
            let name = format!(".read-{}-{attempt_number}", std::process::id());
            let path = self.spool.join(name);
            match options.create_new(true).open(&path) {
                Ok(file) => {
                    std::fs::remove_file(&path).map_err(attempt())?;
                    return Ok(file);
                }
                // Somebody else's, for a moment.
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(attempt()(error)),
            }
        }
        Err(attempt()(std::io::ErrorKind::AlreadyExists.into()))
    }

    pub(super) async fn list(&self) -> Result<Vec<String>, BlobError> {
        let mut conn = self.store.read().await?;
        let rows = all!(conn, (String,), sql!(postgres: "SELECT sha256 FROM blob"))?;
        Ok(rows.into_iter().map(|(sha256,)| sha256).collect())
    }

    pub(super) async fn has(&self, sha256: &str) -> Result<bool, BlobError> {
        let mut conn = self.store.read().await?;
        let found = optional!(
            conn,
            (String,),
            sql!(postgres: "SELECT sha256 FROM blob WHERE sha256 = $1"),
            sha256
        )?;
        Ok(found.is_some())
    }

    pub(super) async fn remove(&self, sha256: &str) -> Result<(), BlobError> {
        let mut conn = self.store.read().await?;
        execute!(
            conn,
            sql!(postgres: "DELETE FROM blob WHERE sha256 = $1"),
            sha256
        )?;
        execute!(
            conn,
            sql!(postgres: "DELETE FROM blob_part WHERE sha256 = $1"),
            sha256
        )?;
        Ok(())
    }
}

async fn piece(file: &std::path::Path, from: u64) -> Result<Vec<u8>, BlobError> {
    let path = file.to_owned();
    blocking(move || {
        let read = || {
            let mut file = File::open(&path)?;
            file.seek(std::io::SeekFrom::Start(from))?;
            let mut bytes = Vec::new();
            file.take(PIECE).read_to_end(&mut bytes)?;
            Ok::<_, std::io::Error>(bytes)
        };
        read().map_err(BlobError::io("read", &path))
    })
    .await
}

impl From<sqlx::Error> for BlobError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(StoreError::from(error))
    }
}
