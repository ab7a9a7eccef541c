//! The version of a database's schema: brought forward under a lock, never back.
//!
//! A database that a newer program wrote, or whose migrations were edited, is refused before
//! anything is read from it.

use sqlx::migrate::{AppliedMigration, Migrate, Migrator};
use sqlx::pool::PoolConnection;

use crate::conn::{Conn, all, one, sql};
use crate::segment::{self, SegmentWriter};
use crate::{Database, StoreError, postgres, sqlite};

pub(crate) static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");
pub(crate) static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");

/// Where the migrations that were applied are noted.
const TABLE: &str = "_sqlx_migrations";

/// Why a database's schema cannot be used. Version 0 is a database without a schema.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    #[error(
        "the database's schema is version {database}, and this program knows versions up to {program}: \
         a newer program wrote it"
    )]
    Newer { database: i64, program: i64 },
    #[error(
        "migration {version} of the database is not the one of this program: the database's schema is version \
         {database}, this program's {program}, and one of the two was edited"
    )]
    Edited {
        version: i64,
        database: i64,
        program: i64,
    },
    #[error(
        "the database's schema is version {database}, this program needs version {program}, and the database was not \
         brought forward"
    )]
    Older { database: i64, program: i64 },
}

impl SchemaError {
    /// What to do about it.
    #[must_use]
    pub const fn next_step(&self) -> &'static str {
        match self {
            Self::Newer { .. } => {
                "start the program's newer version, or restore the backup from before the upgrade: there is no way back"
            }
            Self::Edited { .. } => {
                "start the program that made the database, or restore a backup; schemas are not changed by hand"
            }
            Self::Older { .. } => {
                "bring it forward with `codex-orchestrator migrate`, after a backup"
            }
        }
    }
}

/// From which version to which a schema was brought; 0 is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Moved {
    pub from: i64,
    pub to: i64,
}

/// The versions of a database and of this program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The newest migration that was applied; 0 where there is none.
    pub database: i64,
    /// The newest migration that this program knows.
    pub program: i64,
    /// The migrations that are still to come.
    pub pending: Vec<(i64, String)>,
    /// Why this program cannot use the database.
    pub fault: Option<SchemaError>,
}

/// The newest version that a program's migrations lead to.
fn newest(migrator: &Migrator) -> i64 {
    migrator.iter().map(|m| m.version).max().unwrap_or(0)
}

/// Compares what was applied with what this program knows.
fn compare(migrator: &Migrator, applied: &[AppliedMigration]) -> Status {
    let database = applied.iter().map(|m| m.version).max().unwrap_or(0);
    let program = newest(migrator);
    let known = |version| migrator.iter().find(|m| m.version == version);
    let edited = applied
        .iter()
        .find(|m| known(m.version).is_none_or(|known| known.checksum != m.checksum));
    let fault = edited.map(|edited| match database > program {
        true => SchemaError::Newer { database, program },
        false => SchemaError::Edited {
            version: edited.version,
            database,
            program,
        },
    });
    let pending = migrator
        .iter()
        .filter(|m| applied.iter().all(|applied| applied.version != m.version))
        .map(|m| (m.version, m.description.to_string()))
        .collect();
    Status {
        database,
        program,
        pending,
        fault,
    }
}

/// Brings a schema forward while no other program does; answers from where to where.
pub(crate) async fn bring_forward<C: Migrate + Send>(
    migrator: &Migrator,
    conn: &mut C,
) -> Result<Moved, StoreError> {
    conn.lock().await?;
    let moved = apply_pending(migrator, conn).await;
    let unlocked = conn.unlock().await;
    let moved = moved?;
    unlocked?;
    Ok(moved)
}

async fn apply_pending<C: Migrate + Send>(
    migrator: &Migrator,
    conn: &mut C,
) -> Result<Moved, StoreError> {
    conn.ensure_migrations_table(TABLE).await?;
    let applied = conn.list_applied_migrations(TABLE).await?;
    let status = compare(migrator, &applied);
    if let Some(fault) = status.fault {
        return Err(fault.into());
    }
    for migration in migrator.iter() {
        if applied.iter().all(|m| m.version != migration.version) {
            conn.apply(TABLE, migration).await?;
        }
    }
    Ok(Moved {
        from: status.database,
        to: status.program,
    })
}

/// Brings the schema of a database forward; a missing SQLite file is made.
///
/// # Errors
/// When the schema is newer than this program knows, or edited; when a server uses the SQLite
/// file; when the database fails.
pub async fn migrate(database: &Database) -> Result<Moved, StoreError> {
    match database {
        Database::Sqlite { file, logs } => {
            sqlite::make_private(logs.parent())?;
            // Held until the end: no server may run on the file meanwhile.
            let (_lock, _) = SegmentWriter::open(logs, segment::Options::default())?;
            let pool = sqlite::one_connection(file, sqlite::Missing::Create).await?;
            let moved = bring_forward(&SQLITE, &mut *pool.acquire().await?).await;
            pool.close().await;
            moved
        }
        Database::Postgres { url } => {
            let pool = postgres::one_connection(url).await?;
            let moved = bring_forward(&POSTGRES, &mut *pool.acquire().await?).await;
            pool.close().await;
            moved
        }
    }
}

/// Compares the versions of a database and of this program, and changes neither.
///
/// # Errors
/// When the database fails. A missing SQLite file counts as one without a schema.
pub async fn status(database: &Database) -> Result<Status, StoreError> {
    match database {
        Database::Sqlite { file, .. } if !file.exists() => Ok(compare(&SQLITE, &[])),
        Database::Sqlite { file, .. } => {
            let pool = sqlite::one_connection(file, sqlite::Missing::Refuse).await?;
            let status = of_connection(&mut Conn::SqliteRead(pool.acquire().await?)).await;
            pool.close().await;
            status
        }
        Database::Postgres { url } => {
            let pool = postgres::one_connection(url).await?;
            let conn: PoolConnection<_> = pool.acquire().await?;
            let status = of_connection(&mut Conn::PostgresRead(conn)).await;
            pool.close().await;
            status
        }
    }
}

/// The versions of a database that is open.
pub(crate) async fn of_connection(conn: &mut Conn) -> Result<Status, StoreError> {
    let migrator = match conn {
        Conn::SqliteInline(_) | Conn::SqliteTx(_) | Conn::SqliteRead(_) => &SQLITE,
        Conn::PostgresPiped(_) | Conn::PostgresTx(_) | Conn::PostgresRead(_) => &POSTGRES,
    };
    let (tables,) = one!(
        conn,
        (i64,),
        sql!(
            sqlite: "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = '_sqlx_migrations'",
            postgres: "SELECT CAST(CASE WHEN to_regclass('_sqlx_migrations') IS NULL THEN 0 ELSE 1 END AS BIGINT)",
        )
    )?;
    if tables == 0 {
        return Ok(compare(migrator, &[]));
    }
    let applied = all!(
        conn,
        (i64, Vec<u8>),
        "SELECT version, checksum FROM _sqlx_migrations ORDER BY version"
    )?;
    let applied: Vec<_> = applied
        .into_iter()
        .map(|(version, checksum)| AppliedMigration {
            version,
            checksum: checksum.into(),
        })
        .collect();
    Ok(compare(migrator, &applied))
}

/// Refuses a database whose schema is not exactly this program's.
pub(crate) async fn require_current(conn: &mut Conn) -> Result<(), StoreError> {
    let status = of_connection(conn).await?;
    if let Some(fault) = status.fault {
        return Err(fault.into());
    }
    if !status.pending.is_empty() {
        let Status {
            database, program, ..
        } = status;
        return Err(SchemaError::Older { database, program }.into());
    }
    Ok(())
}
