//! The embedded database: one writing connection, readers apart, write-ahead log, every commit
//! synced.

use std::path::Path;
use std::str::FromStr as _;
use std::time::Duration;

use orch_core::engine::NextIds;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};

use crate::conn::one;
use crate::inline::{Home, May};
use crate::{Conn, StoreError, schema};

const READERS: u32 = 4;

/// The connections of an embedded database.
#[derive(Clone)]
pub(crate) struct Sqlite {
    pub(crate) writing: Home,
    /// For reads of a few rows by their keys.
    pub(crate) peeking: Home,
    pub(crate) readers: SqlitePool,
}

impl Sqlite {
    /// Opens or creates the file and brings its schema up to date.
    pub(crate) async fn open(database: &Path) -> Result<Self, StoreError> {
        let pool_of_one = one_connection(database, Missing::Create).await?;
        orch_failpoint::check("store.migrate.before").map_err(sqlx::Error::from)?;
        schema::bring_forward(&schema::SQLITE, &mut *pool_of_one.acquire().await?).await?;
        pool_of_one.close().await;
        orch_failpoint::check("store.migrate.after").map_err(sqlx::Error::from)?;
        let writing = Home::open(database, May::Write)?;
        let readers = pool(READERS)
            .connect_with(options(database)?.read_only(true))
            .await?;
        let peeking = Home::open(database, May::Read)?;
        Ok(Self {
            writing,
            peeking,
            readers,
        })
    }
}

/// What to do about a file that is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    Create,
    Refuse,
}

/// The file by one connection, its schema as it is.
pub(crate) async fn one_connection(
    database: &Path,
    missing: Missing,
) -> Result<SqlitePool, StoreError> {
    let connect = match missing {
        Missing::Create => {
            make_private(database.parent())?;
            keep_private(database)?;
            options(database)?
        }
        Missing::Refuse => options(database)?.create_if_missing(false),
    };
    Ok(pool(1).connect_with(connect).await?)
}

/// The file by one connection that cannot write.
pub(crate) async fn only_reading(database: &Path) -> Result<SqlitePool, StoreError> {
    let connect = SqliteConnectOptions::from_str("sqlite://")?
        .filename(database)
        .read_only(true);
    Ok(pool(1).connect_with(connect).await?)
}

fn pool(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
}

/// Makes a folder that is missing, for its owner alone.
pub(crate) fn make_private(folder: Option<&Path>) -> Result<(), StoreError> {
    use std::os::unix::fs::DirBuilderExt as _;
    let Some(folder) = folder.filter(|folder| !folder.as_os_str().is_empty()) else {
        return Ok(());
    };
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|source| StoreError::Io {
            path: folder.display().to_string(),
            source,
        })
}

/// The file for its owner alone, whatever the folder lets others do. SQLite gives the files beside it the same rights.
fn keep_private(database: &Path) -> Result<(), StoreError> {
    use std::fs::{OpenOptions, Permissions, set_permissions};
    use std::io::ErrorKind;
    use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
    const OWNER_ALONE: u32 = 0o600;
    let failed = |source| StoreError::Io {
        path: database.display().to_string(),
        source,
    };
    let mut options = OpenOptions::new();
    options.append(true).create(true).mode(OWNER_ALONE);
    options.open(database).map_err(failed)?;
    for end in ["", "-wal", "-shm"] {
        let mut file = database.as_os_str().to_owned();
        file.push(end);
        match set_permissions(Path::new(&file), Permissions::from_mode(OWNER_ALONE)) {
            Ok(()) => {}
            // The log is not there, or the file is another's, who says who may read it.
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::NotFound | ErrorKind::PermissionDenied
                ) => {}
            Err(error) => return Err(failed(error)),
        }
    }
    Ok(())
}

fn options(database: &Path) -> Result<SqliteConnectOptions, StoreError> {
    let options = SqliteConnectOptions::from_str("sqlite://")?
        .filename(database)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(match orch_failpoint::has_fault("no_sync") {
            true => SqliteSynchronous::Off,
            false => SqliteSynchronous::Full,
        })
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(10))
        .pragma("cache_size", "-16384")
        .pragma("temp_store", "MEMORY")
        .pragma("mmap_size", "0")
        .statement_cache_capacity(512);
    Ok(options)
}

/// The ids that come after those that are stored.
pub(crate) async fn next_ids(conn: &mut Conn) -> Result<NextIds, StoreError> {
    let (work_item, entry, run) = one!(
        conn,
        (i64, i64, i64),
        "SELECT (SELECT coalesce(max(id), 0) + 1 FROM work_item),
                (SELECT coalesce(max(id), 0) + 1 FROM queue_entry),
                (SELECT coalesce(max(id), 0) + 1 FROM run)"
    )?;
    Ok(NextIds {
        work_item,
        entry,
        run,
    })
}

#[cfg(test)]
mod tests {
    use std::fs::{Permissions, metadata, set_permissions, write};
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_database_is_its_owners_alone_in_a_folder_that_others_may_read() {
        let folder = tempfile::tempdir().unwrap();
        set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        let mode = |path: &Path| metadata(path).unwrap().permissions().mode() & 0o777;
        let new = folder.path().join("new.db");
        keep_private(&new).unwrap();
        assert_eq!(mode(&new), 0o600);
        let [old, log] = ["old.db", "old.db-wal"].map(|name| folder.path().join(name));
        for file in [&old, &log] {
            write(file, "").unwrap();
            set_permissions(file, Permissions::from_mode(0o644)).unwrap();
        }
        keep_private(&old).unwrap();
        assert_eq!((mode(&old), mode(&log)), (0o600, 0o600));
    }
}
