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
use crate::blob::Pieces;
use crate::bulk::Cell;
use crate::conn::{Link, all, sql};
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
    let mut bytes = Bytes::default();
    let names = all!(
        source,
        (String,),
        sql!(postgres: "SELECT sha256 FROM blob ORDER BY sha256")
    )?;
    for (sha256,) in names {
        let carried = match path(folder, &sha256) {
            Some(path) => into_file(&path, &sha256, source).await?,
            None => false,
        };
        match carried {
            true => bytes.carried += 1,
            false => bytes.lost.push(sha256),
        }
        meter.one();
    }
    Ok(bytes)
}

/// Writes one content, which may stand in pieces; a file that is cut off, or does not hash to its
/// name, never has it.
async fn into_file(path: &Path, sha256: &str, source: &mut Conn) -> Result<bool, CarryError> {
    use std::io::Write as _;
    let failed = |source: std::io::Error| CarryError::Artifact {
        path: path.to_owned(),
        source,
    };
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(failed)?;
    let part = path.with_extension("carried.part");
    let mut file = std::fs::File::create(&part).map_err(failed)?;
    let (mut hash, mut pieces) = (Sha256::new(), Pieces::of(sha256));
    while let Some(piece) = pieces.next(source).await? {
        hash.update(&piece);
        file.write_all(&piece).map_err(failed)?;
    }
    if hex::encode(hash.finalize()) != sha256 {
        std::fs::remove_file(&part).map_err(failed)?;
        return Ok(false);
    }
    let keep = || {
        file.sync_all()?;
        std::fs::rename(&part, path)?;
        std::fs::File::open(folder)?.sync_all()
    };
    keep().map_err(failed)?;
    Ok(true)
}

/// Where bytes of a digest stand; a text that is none names no file.
fn path(folder: &Path, sha256: &str) -> Option<PathBuf> {
    let is_digest = sha256.len() == 64 && sha256.bytes().all(|b| b.is_ascii_hexdigit());
    is_digest.then(|| folder.join(&sha256[..2]).join(sha256))
}

fn digest(content: &[u8]) -> String {
    hex::encode(Sha256::digest(content))
}
