//! Connections to the embedded database whose statements run on the thread that asks.
//!
//! A statement that touches some rows takes microseconds; a hand-over to another thread and back
//! would take longer. So the one that writes, and reads of a few rows by their keys, go this way;
//! what may read many rows goes through the pool of readers. Only the end of a transaction waits
//! for the disk: [`Tx::commit`](crate::Tx::commit) sees to it that no thread of the runtime does.

use std::any::TypeId;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{CachedStatement, Connection, OpenFlags, Row, Statement, ToSql};

use crate::{PipedError, StoreError};

/// Statements that stay prepared.
const PREPARED: usize = 512;
/// How long a transaction waits for another process that writes.
const BUSY: Duration = Duration::from_secs(10);
/// Connections that stay open while nobody uses them.
const KEPT: usize = 8;
/// Pages in the write-ahead log before they are carried over: a page that changes often is then
/// carried once for many commits.
const CHECKPOINT_PAGES: i64 = 4_000;

/// What a connection may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum May {
    Read,
    Write,
}

/// Where connections of a kind wait while nobody uses them.
#[derive(Clone, Debug)]
pub(crate) struct Home {
    file: Arc<Path>,
    may: May,
    idle: Arc<Mutex<Idle>>,
}

#[derive(Debug)]
enum Idle {
    Open(Vec<Opened>),
    Closed,
}

/// A connection with what is known of its statements.
#[derive(Debug)]
struct Opened {
    connection: Connection,
    shapes: Shapes,
}

/// By the place of the text, which is a constant, and what its rows are read into.
type Shapes = HashMap<(usize, usize, TypeId), Arc<Shape>>;

/// Where a statement takes its values, and where its columns are: looked up by name once.
#[derive(Debug)]
struct Shape {
    /// The value, counted from 0, for each place.
    values: Vec<usize>,
    /// The place of each column that is wanted.
    columns: Vec<usize>,
}

impl Home {
    /// Opens a file whose schema is current.
    pub(crate) fn open(file: &Path, may: May) -> Result<Self, StoreError> {
        let home = Self {
            file: Arc::from(file),
            may,
            idle: Arc::new(Mutex::new(Idle::Open(Vec::new()))),
        };
        home.take_back(home.connect()?);
        Ok(home)
    }

    fn connect(&self) -> Result<Opened, StoreError> {
        let mut flags = OpenFlags::SQLITE_OPEN_NO_MUTEX;
        flags |= match self.may {
            May::Read => OpenFlags::SQLITE_OPEN_READ_ONLY,
            May::Write => OpenFlags::SQLITE_OPEN_READ_WRITE,
        };
        let connection = Connection::open_with_flags(&self.file, flags)?;
        connection.busy_timeout(BUSY)?;
        connection.set_prepared_statement_cache_capacity(PREPARED);
        // Plans do not depend on the values given: else statements are prepared anew for each.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        connection.pragma_update(None, "mmap_size", 0)?;
        if self.may == May::Write {
            let synchronous = match orch_failpoint::has_fault("no_sync") {
                true => "OFF",
                false => "FULL",
            };
            connection.pragma_update(None, "journal_mode", "WAL")?;
            connection.pragma_update(None, "synchronous", synchronous)?;
            connection.pragma_update(None, "foreign_keys", true)?;
            connection.pragma_update(None, "cache_size", -16_384)?;
            connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
        }
        Ok(Opened {
            connection,
            shapes: Shapes::new(),
        })
    }

    fn lend(&self) -> Result<Inline, StoreError> {
        let idle = match &mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner) {
            Idle::Open(idle) => idle.pop(),
            Idle::Closed => return Err(StoreError::Closed),
        };
        let opened = match idle {
            Some(opened) => opened,
            None => self.connect()?,
        };
        // From here on, dropping it brings the connection home.
        Ok(Inline {
            opened: Some(opened),
            home: self.clone(),
        })
    }

    /// Begins a transaction that reads, all of it from one moment. It takes the file's lock once,
    /// where each statement of its own would take and give it.
    ///
    /// # Errors
    /// When the store was closed, or the database fails.
    pub(crate) fn peek(&self) -> Result<Inline, StoreError> {
        let mut inline = self.lend()?;
        inline.run("BEGIN")?;
        Ok(inline)
    }

    /// Begins a transaction that may write.
    ///
    /// # Errors
    /// When the store was closed, another process writes for too long, or the database fails.
    pub(crate) fn begin(&self) -> Result<Inline, StoreError> {
        let mut inline = self.lend()?;
        inline.run("BEGIN IMMEDIATE")?;
        Ok(inline)
    }

    /// Closes the connections; one that is lent is closed when it comes home.
    pub(crate) fn close(&self) {
        *self.idle.lock().unwrap_or_else(PoisonError::into_inner) = Idle::Closed;
    }

    fn take_back(&self, opened: Opened) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if let Idle::Open(connections) = &mut *idle
            && connections.len() < KEPT
        {
            connections.push(opened);
        }
    }
}

/// A connection, inside a transaction or only reading. Dropping it changes nothing.
#[derive(Debug)]
pub struct Inline {
    opened: Option<Opened>,
    home: Home,
}

impl Inline {
    fn opened(&mut self) -> &mut Opened {
        self.opened
            .as_mut()
            .expect("invariant: a transaction has its connection until it is dropped")
    }

    /// Makes durable what was written. Waits for the disk.
    pub(crate) fn commit(mut self) -> Result<(), StoreError> {
        Ok(run(&self.opened().connection, "COMMIT")?)
    }

    fn run(&mut self, text: &str) -> rusqlite::Result<()> {
        run(&self.opened().connection, text)
    }

    /// Runs a statement; answers how many rows it touched.
    pub(crate) fn execute(
        &mut self,
        text: &'static str,
        values: &[&dyn ToSql],
    ) -> rusqlite::Result<u64> {
        let (mut statement, _) = self.opened().prepare::<(i64,)>(text, values)?;
        Ok(statement.raw_execute()? as u64)
    }

    /// Runs a statement once for each row of `width` values.
    pub(crate) fn execute_each<V: ToSql>(
        &mut self,
        text: &str,
        width: usize,
        values: &[V],
    ) -> rusqlite::Result<()> {
        let mut statement = self.opened().connection.prepare_cached(text)?;
        let places = statement.parameter_count();
        for row in values.chunks_exact(width) {
            for (at, value) in row.iter().take(places).enumerate() {
                statement.raw_bind_parameter(at + 1, value)?;
            }
            statement.raw_execute()?;
        }
        Ok(())
    }

    pub(crate) fn fetch_all<T: FromRow>(
        &mut self,
        text: &'static str,
        values: &[&dyn ToSql],
    ) -> rusqlite::Result<Vec<T>> {
        let (mut statement, shape) = self.opened().prepare::<T>(text, values)?;
        let mut rows = statement.raw_query();
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            all.push(T::read(row, &shape.columns)?);
        }
        Ok(all)
    }

    pub(crate) fn fetch_optional<T: FromRow>(
        &mut self,
        text: &'static str,
        values: &[&dyn ToSql],
    ) -> rusqlite::Result<Option<T>> {
        let (mut statement, shape) = self.opened().prepare::<T>(text, values)?;
        let mut rows = statement.raw_query();
        rows.next()?
            .map(|row| T::read(row, &shape.columns))
            .transpose()
    }

    pub(crate) fn fetch_one<T: FromRow>(
        &mut self,
        text: &'static str,
        values: &[&dyn ToSql],
    ) -> rusqlite::Result<T> {
        self.fetch_optional(text, values)?
            .ok_or(rusqlite::Error::QueryReturnedNoRows)
    }
}

impl Opened {
    /// A statement with its values, ready to run.
    fn prepare<T: FromRow>(
        &mut self,
        text: &'static str,
        values: &[&dyn ToSql],
    ) -> rusqlite::Result<(CachedStatement<'_>, Arc<Shape>)> {
        let mut statement = self.connection.prepare_cached(text)?;
        let name = (text.as_ptr().addr(), text.len(), TypeId::of::<T>());
        let shape = match self.shapes.entry(name) {
            Entry::Occupied(known) => Arc::clone(known.get()),
            Entry::Vacant(unknown) => {
                let columns = T::COLUMNS.iter().map(|name| statement.column_index(name));
                let shape = Shape {
                    values: places_of_values(&statement),
                    columns: columns.collect::<rusqlite::Result<_>>()?,
                };
                Arc::clone(unknown.insert(Arc::new(shape)))
            }
        };
        for (place, named) in shape.values.iter().enumerate() {
            let missing = || rusqlite::Error::InvalidParameterCount(values.len(), named + 1);
            let value = values.get(*named).ok_or_else(missing)?;
            statement.raw_bind_parameter(place + 1, value)?;
        }
        Ok((statement, shape))
    }
}

/// `$2` is the second value: SQLite itself counts names in the order in which it meets them.
fn places_of_values(statement: &Statement<'_>) -> Vec<usize> {
    let named = |place| {
        let name = statement.parameter_name(place)?.strip_prefix('$')?;
        name.parse::<usize>().ok()?.checked_sub(1)
    };
    (1..=statement.parameter_count())
        .map(|place| named(place).unwrap_or(place - 1))
        .collect()
}

impl Drop for Inline {
    fn drop(&mut self) {
        let Some(opened) = self.opened.take() else {
            return;
        };
        if !opened.connection.is_autocommit()
            && let Err(error) = run(&opened.connection, "ROLLBACK")
        {
            tracing::error!(%error, "a transaction could not be taken back");
        }
        self.home.take_back(opened);
    }
}

/// Runs a statement that takes and answers nothing.
fn run(connection: &Connection, text: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(text)?.execute([]).map(drop)
}

/// What a row is read into: a struct by its fields' names, a tuple by place.
pub(crate) trait FromRow: Sized + Send + 'static {
    /// The columns by name; none where they are read by place.
    const COLUMNS: &'static [&'static str];

    /// `places` are those of the columns.
    fn read(row: &Row<'_>, places: &[usize]) -> rusqlite::Result<Self>;

    /// The same where PostgreSQL answers.
    fn places_in(columns: &[tokio_postgres::Column]) -> Result<Vec<usize>, PipedError> {
        let place = |name: &&'static str| {
            let place = columns.iter().position(|column| column.name() == *name);
            place.ok_or(PipedError::NoColumn(name))
        };
        Self::COLUMNS.iter().map(place).collect()
    }

    fn read_piped(
        row: &tokio_postgres::Row,
        places: &[usize],
    ) -> Result<Self, tokio_postgres::Error>;
}

macro_rules! by_place {
    ($($value:ident at $place:literal),+) => {
        impl<$($value),+> FromRow for ($($value,)+)
        where
            $($value: rusqlite::types::FromSql + for<'a> tokio_postgres::types::FromSql<'a> + Send + 'static),+
        {
            const COLUMNS: &'static [&'static str] = &[];

            fn read(row: &Row<'_>, _: &[usize]) -> rusqlite::Result<Self> {
                Ok(($(row.get::<_, $value>($place)?,)+))
            }

            fn read_piped(
                row: &tokio_postgres::Row,
                _: &[usize],
            ) -> Result<Self, tokio_postgres::Error> {
                Ok(($(row.try_get::<_, $value>($place)?,)+))
            }
        }
    };
}

by_place!(A at 0);
by_place!(A at 0, B at 1);
by_place!(A at 0, B at 1, C at 2);
by_place!(A at 0, B at 1, C at 2, D at 3);
by_place!(A at 0, B at 1, C at 2, D at 3, E at 4, F at 5);

/// Declares what a row is read into, on every kind of connection.
macro_rules! row {
    (
        $(#[$meta:meta])*
        $seen:vis struct $name:ident {
            $($(#[$about:meta])* $field_seen:vis $field:ident: $type:ty),* $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(sqlx::FromRow)]
        $seen struct $name {
            $($(#[$about])* $field_seen $field: $type,)*
        }

        impl $crate::inline::FromRow for $name {
            const COLUMNS: &'static [&'static str] = &[$(stringify!($field)),*];

            fn read(row: &rusqlite::Row<'_>, places: &[usize]) -> rusqlite::Result<Self> {
                let mut places = places.iter();
                let mut place = || *places.next().expect("invariant: each column has its place");
                Ok(Self { $($field: row.get::<_, $type>(place())?,)* })
            }

            fn read_piped(
                row: &tokio_postgres::Row,
                places: &[usize],
            ) -> Result<Self, tokio_postgres::Error> {
                let mut places = places.iter();
                let mut place = || *places.next().expect("invariant: each column has its place");
                Ok(Self { $($field: row.try_get::<_, $type>(place())?,)* })
            }
        }
    };
}

pub(crate) use row;
