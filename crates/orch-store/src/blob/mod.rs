//! The bytes of artifacts, by their SHA-256: kept once, whole or not at all, and checked on each read.
//!
//! Where they are is chosen once: a folder, rows of a database that several servers share, or a bucket.
//! What is read back and does not hash to its name is never handed out.

mod bucket;
mod content;
mod error;
mod folder;
mod rows;
mod spool;
mod upload;

#[cfg(test)]
pub(crate) mod contract;

use std::path::{Path, PathBuf};

pub use bucket::{Bucket, BucketAddress};
pub use content::Content;
pub use error::BlobError;
pub use folder::Folder;
pub(crate) use rows::Pieces;
pub use rows::Rows;
pub use upload::{Received, Uploads};

use crate::{Database, Store};

/// Where artifact bytes are, and where they are gathered.
#[derive(Clone)]
pub struct Blobs {
    place: Place,
    uploads: Uploads,
}

#[derive(Clone)]
enum Place {
    Files(Folder),
    Rows(Box<Rows>),
    Bucket(Bucket),
}

impl Blobs {
    /// The place that fits the store's database; `folder` is used where bytes are files.
    #[must_use]
    pub fn of(store: &Store, folder: &Path) -> Self {
        let place = match store.database() {
            Database::Sqlite { .. } => Place::Files(Folder::new(folder)),
            Database::Postgres { .. } => {
                let spool = folder.join(SPOOL);
                Place::Rows(Box::new(Rows::new(store.clone(), spool)))
            }
        };
        let uploads = Uploads::new(folder);
        Self { place, uploads }
    }

    /// A bucket, for the one installation that has this name; `folder` is for files under way.
    ///
    /// # Errors
    /// When the address is none.
    pub fn in_bucket(
        address: BucketAddress,
        installation: &str,
        folder: &Path,
    ) -> Result<Self, BlobError> {
        let bucket = Bucket::new(address, installation, folder.join(SPOOL))?;
        Ok(Self {
            place: Place::Bucket(bucket),
            uploads: Uploads::new(folder),
        })
    }

    /// Whether the place can be used now, where it is not the store's own.
    ///
    /// # Errors
    /// [`BlobError::Taken`] where it is another installation's; else when it cannot be reached.
    pub async fn look(&self) -> Result<(), BlobError> {
        match &self.place {
            Place::Files(_) | Place::Rows(_) => Ok(()),
            Place::Bucket(bucket) => bucket.look().await,
        }
    }

    /// Files that come in pieces.
    #[must_use]
    pub fn uploads(&self) -> &Uploads {
        &self.uploads
    }

    /// Keeps a file's bytes durably under their digest; the same bytes are kept once. The file may be
    /// gone afterwards.
    ///
    /// # Errors
    /// When the place fails; nothing stands under the name then.
    pub async fn keep(&self, sha256: &str, file: PathBuf) -> Result<(), BlobError> {
        match &self.place {
            Place::Files(folder) => folder.keep(sha256, file).await,
            Place::Rows(rows) => rows.keep(sha256, file).await,
            Place::Bucket(bucket) => bucket.keep(sha256, file).await,
        }
    }

    /// Opens bytes that hash to their name.
    ///
    /// # Errors
    /// [`BlobError::Missing`] and [`BlobError::Damaged`] by that name; else when the place fails.
    pub async fn open(&self, sha256: &str) -> Result<Content, BlobError> {
        match &self.place {
            Place::Files(folder) => folder.open(sha256).await,
            Place::Rows(rows) => rows.open(sha256).await,
            Place::Bucket(bucket) => bucket.open(sha256).await,
        }
    }

    /// Whether something stands under this name; it is not read.
    ///
    /// # Errors
    /// When the place fails.
    pub async fn has(&self, sha256: &str) -> Result<bool, BlobError> {
        match &self.place {
            Place::Files(folder) => folder.has(sha256),
            Place::Rows(rows) => rows.has(sha256).await,
            Place::Bucket(bucket) => bucket.has(sha256).await,
        }
    }

    /// All names, in no order.
    ///
    /// # Errors
    /// When the place fails.
    pub async fn list(&self) -> Result<Vec<String>, BlobError> {
        match &self.place {
            Place::Files(folder) => folder.list().await,
            Place::Rows(rows) => rows.list().await,
            Place::Bucket(bucket) => bucket.list().await,
        }
    }

    /// Removes bytes; those that are gone already are no error.
    ///
    /// # Errors
    /// When the place fails.
    pub async fn remove(&self, sha256: &str) -> Result<(), BlobError> {
        match &self.place {
            Place::Files(folder) => folder.remove(sha256).await,
            Place::Rows(rows) => rows.remove(sha256).await,
            Place::Bucket(bucket) => bucket.remove(sha256).await,
        }
    }
}

/// Files under way, beside the bytes that are kept.
const SPOOL: &str = "uploads";

/// Whether a text can be the name of bytes: 64 lower-case hex digits.
fn is_digest(text: &str) -> bool {
    text.len() == 64
        && text
            .bytes()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}
