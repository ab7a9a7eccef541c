//! Artifact bytes: files named by their SHA-256 on SQLite, rows of `blob` on PostgreSQL.
//!
//! Every digest is checked on the way. Bytes that are damaged or gone on the source are named, and
//! missing on the target as they were there.

use std::path::{Path, PathBuf};

use futures::TryStreamExt as _;
use sha2::{Digest as _, Sha256};

use super::CarryError;
use super::plan::BLOB;
use super::rows::Outgoing;
use super::side::Open;
use super::whole::Meter;
use crate::bulk::Cell;
use crate::conn::{Link, sql};
use crate::{Conn, StoreError};

/// What became of the bytes.
#[derive(Debug, Default)]
pub(super) struct Bytes {
    pub carried: i64,
    /// Digests whose bytes are not those that they name.
    pub lost: Vec<String>,
}

/// Copies what artifacts refer to into the table, or the table into files.
pub(super) async fn copy(
    source: &mut Open,
    target: &mut Open,
    meter: &mut Meter<'_>,
) -> Result<Bytes, CarryError> {
    if source.files.is_some() {
        into_rows(&source.artifacts, &mut source.conn, &mut target.conn, meter).await
    } else {
        into_files(&target.artifacts, &mut source.conn, meter).await
    }
}

async fn into_rows(
    folder: &Path,
    source: &mut Conn,
    target: &mut Conn,
    meter: &mut Meter<'_>,
) -> Result<Bytes, CarryError> {
    let Link::Sqlite(link) = source.link() else {
        unreachable!("invariant: artifact files are SQLite's");
    };
    let mut bytes = Bytes::default();
    let mut outgoing = Outgoing::new(BLOB, &["sha256", "bytes"]);
    let text = sql!("SELECT DISTINCT sha256 FROM artifact ORDER BY sha256");
    let mut rows = sqlx::query_as::<_, (String,)>(text).fetch(link);
    while let Some((sha256,)) = rows.try_next().await? {
        let path = path(folder, &sha256);
        let wanted = sha256.clone();
        let read = tokio::task::spawn_blocking(move || {
            let path = path.filter(|path| path.is_file())?;
            let content = std::fs::read(path).ok()?;
            (digest(&content) == wanted).then_some(content)
        })
        .await
        .map_err(|_| StoreError::Closed)?;
        match read {
            Some(content) => {
                outgoing.push([Cell::from(sha256), Cell::from(content)]);
                outgoing
                    .send_when_full(target)
                    .await
                    .map_err(CarryError::table(BLOB))?;
                bytes.carried += 1;
            }
            None => bytes.lost.push(sha256),
        }
        meter.one();
    }
    outgoing
        .send(target)
        .await
        .map_err(CarryError::table(BLOB))?;
    Ok(bytes)
}

async fn into_files(
    folder: &Path,
    source: &mut Conn,
    meter: &mut Meter<'_>,
) -> Result<Bytes, CarryError> {
    let Link::Postgres(link) = source.link() else {
        unreachable!("invariant: artifact rows are PostgreSQL's");
    };
    let mut bytes = Bytes::default();
    let mut rows =
        sqlx::query_as::<_, (String, Vec<u8>)>("SELECT sha256, bytes FROM blob ORDER BY sha256")
            .fetch(link);
    while let Some((sha256, content)) = rows.try_next().await? {
        match path(folder, &sha256).filter(|_| digest(&content) == sha256) {
            Some(path) => {
                let place = path.clone();
                tokio::task::spawn_blocking(move || write(&place, &content))
                    .await
                    .map_err(|_| StoreError::Closed)?
                    .map_err(|source| CarryError::Artifact { path, source })?;
                bytes.carried += 1;
            }
            None => bytes.lost.push(sha256),
        }
        meter.one();
    }
    Ok(bytes)
}

/// Where bytes of a digest stand; a text that is none names no file.
fn path(folder: &Path, sha256: &str) -> Option<PathBuf> {
    let is_digest = sha256.len() == 64 && sha256.bytes().all(|b| b.is_ascii_hexdigit());
    is_digest.then(|| folder.join(&sha256[..2]).join(sha256))
}

fn digest(content: &[u8]) -> String {
    hex::encode(Sha256::digest(content))
}

/// Writes durably; a file that is cut off never has the name.
fn write(path: &Path, content: &[u8]) -> std::io::Result<()> {
    use std::io::Write as _;
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let part = path.with_extension("carried.part");
    let mut file = std::fs::File::create(&part)?;
    file.write_all(content)?;
    file.sync_all()?;
    std::fs::rename(&part, path)?;
    std::fs::File::open(folder)?.sync_all()
}
