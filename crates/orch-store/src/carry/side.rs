//! The two databases, opened for the one long transaction on each.

use std::path::{Path, PathBuf};

use super::CarryError;
use super::catalogue;
use super::plan::LOG_CHUNK;
use crate::conn::{Conn, execute, one, sql};
use crate::segment::{self, SegmentReader, SegmentWriter};
use crate::{Database, StoreError, postgres, schema, sqlite};

/// A database, and where an installation on SQLite keeps artifact bytes.
#[derive(Clone, Debug)]
pub struct Side {
    pub database: Database,
    pub artifacts: PathBuf,
}

/// The log folder of the SQLite side, locked.
pub(super) struct Files {
    pub writer: SegmentWriter,
    pub reader: SegmentReader,
    pub folder: PathBuf,
}

impl Files {
    fn open(folder: &Path) -> Result<Self, StoreError> {
        let (writer, _) = SegmentWriter::open(folder, segment::Options::default())?;
        Ok(Self {
            writer,
            reader: SegmentReader::new(folder),
            folder: folder.to_owned(),
        })
    }
}

/// A side that is open, in its transaction.
pub(super) struct Open {
    pub conn: Conn,
    /// `None` where log lines are rows.
    pub files: Option<Files>,
    pub artifacts: PathBuf,
}

/// Opens the source: current, unused, and kept from changing.
pub(super) async fn source(side: &Side) -> Result<Open, CarryError> {
    let failed = |source| CarryError::Source {
        database: side.database.to_string(),
        source,
    };
    let (mut conn, files) = match &side.database {
        Database::Sqlite { file, logs } => {
            if !file.is_file() {
                return Err(CarryError::NoSource { file: file.clone() });
            }
            let had_logs = logs.is_dir();
            let files = had_logs
                .then(|| Files::open(logs))
                .transpose()
                .map_err(failed)?;
            let mut conn = begin_sqlite(file, sqlite::Missing::Refuse)
                .await
                .map_err(failed)?;
            schema::require_current(&mut conn).await.map_err(failed)?;
            let chunks = catalogue::count(&mut conn, LOG_CHUNK).await?;
            if !had_logs && chunks > 0 {
                let folder = logs.clone();
                return Err(CarryError::NoLogs { folder, chunks });
            }
            let files = match files {
                Some(files) => files,
                None => Files::open(logs).map_err(failed)?,
            };
            (conn, Some(files))
        }
        Database::Postgres { url } => {
            let mut conn = begin_postgres(url).await.map_err(failed)?;
            execute!(
                conn,
                sql!(postgres: "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            )
            .map_err(failed)?;
            (conn, None)
        }
    };
    if files.is_none() {
        schema::require_current(&mut conn).await.map_err(failed)?;
        // No server can write before the end.
        postgres::take_turn(&mut conn).await.map_err(failed)?;
        let (servers,) = one!(
            conn,
            (i64,),
            sql!(
                postgres: "SELECT count(*) FROM pg_stat_activity
                            WHERE datname = current_database() AND application_name = CAST($1 AS TEXT)",
            ),
            postgres::SERVER
        )?;
        if servers > 0 {
            return Err(CarryError::InUse { servers });
        }
    }
    Ok(Open {
        conn,
        files,
        artifacts: side.artifacts.clone(),
    })
}

/// Opens the target, its schema brought forward.
pub(super) async fn target(side: &Side) -> Result<Open, CarryError> {
    let failed = |source| CarryError::Target {
        database: side.database.to_string(),
        source,
    };
    schema::migrate(&side.database).await.map_err(failed)?;
    let (conn, files) = match &side.database {
        Database::Sqlite { file, logs } => {
            let files = Files::open(logs).map_err(failed)?;
            let conn = begin_sqlite(file, sqlite::Missing::Refuse)
                .await
                .map_err(failed)?;
            (conn, Some(files))
        }
        Database::Postgres { url } => {
            let mut conn = begin_postgres(url).await.map_err(failed)?;
            postgres::take_turn(&mut conn).await.map_err(failed)?;
            (conn, None)
        }
    };
    Ok(Open {
        conn,
        files,
        artifacts: side.artifacts.clone(),
    })
}

async fn begin_sqlite(file: &Path, missing: sqlite::Missing) -> Result<Conn, StoreError> {
    let pool = sqlite::one_connection(file, missing).await?;
    Ok(Conn::SqliteTx(pool.begin_with("BEGIN IMMEDIATE").await?))
}

async fn begin_postgres(url: &str) -> Result<Conn, StoreError> {
    let pool = postgres::one_connection(url).await?;
    Ok(Conn::PostgresTx(pool.begin().await?))
}
