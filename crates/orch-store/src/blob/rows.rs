//! Bytes as rows of the database that several servers share: small ones in one row, others in pieces.
//!
//! Read back into a file without a name, so that they are checked before any of them is handed out.

use std::io::Write as _;
use std::path::PathBuf;

use super::content::Content;
use super::folder::blocking;
use super::spool::Spool;
use super::{BlobError, is_digest};
use crate::conn::{all, execute, optional, sql};
use crate::{Conn, Store, StoreError};

/// Bytes of one piece.
const PIECE: u64 = 4 * 1024 * 1024;

/// The rows, and a folder for files under way.
#[derive(Clone)]
pub struct Rows {
    store: Store,
    spool: Spool,
}

impl Rows {
    pub(super) fn new(store: Store, spool: PathBuf) -> Self {
        Self {
            store,
            spool: Spool::new(spool),
        }
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
        let mut pieces = Pieces::of(sha256);
        let first = pieces.next(&mut conn).await?;
        let mut piece = first.ok_or_else(|| BlobError::missing(sha256))?;
        let mut file = self.spool.unnamed()?;
        loop {
            file.write_all(&piece)
                .map_err(BlobError::io("write in", self.spool.folder()))?;
            match pieces.next(&mut conn).await? {
                Some(next) => piece = next,
                None => break,
            }
        }
        self.spool.checked(file, sha256).await
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

/// The bytes of one content in their order, row by row: what stands beside its name, then its parts.
pub(crate) struct Pieces<'n> {
    sha256: &'n str,
    /// The part that comes next; none before the first row.
    part: Option<i64>,
}

impl<'n> Pieces<'n> {
    pub(crate) const fn of(sha256: &'n str) -> Self {
        Self { sha256, part: None }
    }

    /// The next bytes; none behind the last, or where there is no such content.
    pub(crate) async fn next(&mut self, conn: &mut Conn) -> Result<Option<Vec<u8>>, StoreError> {
        let found = match self.part {
            None => optional!(
                conn,
                (Vec<u8>,),
                sql!(postgres: "SELECT bytes FROM blob WHERE sha256 = $1"),
                self.sha256
            )?,
            Some(number) => optional!(
                conn,
                (Vec<u8>,),
                sql!(postgres: "SELECT bytes FROM blob_part WHERE sha256 = $1 AND number = $2"),
                self.sha256,
                number
            )?,
        };
        self.part = Some(self.part.map_or(0, |number| number + 1));
        Ok(found.map(|(bytes,)| bytes))
    }
}

async fn piece(file: &std::path::Path, from: u64) -> Result<Vec<u8>, BlobError> {
    let path = file.to_owned();
    blocking(move || {
        super::content::piece(&path, from, PIECE).map_err(BlobError::io("read", &path))
    })
    .await
}

impl From<sqlx::Error> for BlobError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(StoreError::from(error))
    }
}
