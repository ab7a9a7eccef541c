//! Opening the store: one writer, readers apart, write-ahead log, every commit synced.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::sync::{Arc, PoisonError};

use orch_core::audit::Head;
use orch_core::engine::NextIds;
use orch_core::entropy::Entropy;
use orch_core::rules::Rules;
use orch_core::time::Timestamp;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use tokio::sync::{Mutex, mpsc, oneshot};

use crate::conn::{Conn, one};
use crate::segment::{self, SegmentReader, SegmentWriter};
use crate::writer::Envelope;
use crate::{Command, Reply, Signals, StoreError, Tx, audit, writer};

/// Where the present time comes from.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// A command that the writer has.
pub struct Pending(oneshot::Receiver<Result<Reply, StoreError>>);

impl Pending {
    /// Waits until it is on disk.
    ///
    /// # Errors
    /// A refusal, or a failure of the store. Nothing was changed then.
    pub async fn answer(self) -> Result<Reply, StoreError> {
        self.0.await.map_err(|_| StoreError::Closed)?
    }
}

/// Commands that may wait for the writer; more wait in their callers.
const QUEUED_COMMANDS: usize = 4096;
const READERS: u32 = 4;

/// How to open a store.
#[derive(Clone)]
pub struct Options {
    /// The SQLite file.
    pub database: PathBuf,
    /// The folder of the log segments.
    pub logs: PathBuf,
    pub rules: Arc<Rules>,
    pub clock: Clock,
    /// Seeds trace ids and jitter.
    pub seed: u64,
}

/// The store. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    pub(crate) writers: SqlitePool,
    readers: SqlitePool,
    pub(crate) state: Arc<Mutex<WriterState>>,
    commands: mpsc::Sender<Envelope>,
    pub(crate) segments: SegmentReader,
    pub(crate) head: Arc<std::sync::Mutex<Head>>,
    writer: Arc<std::sync::Mutex<Option<tokio::task::JoinHandle<()>>>>,
    signals: Signals,
    rules: Arc<Rules>,
    clock: Clock,
}

/// What the one writer keeps between transactions. Changed only after a commit.
pub(crate) struct WriterState {
    pub head: Head,
    pub next: NextIds,
    pub entropy: Entropy,
    /// `None` while a sync is under way elsewhere.
    pub segments: Option<SegmentWriter>,
    /// The next line of runs that were logged to lately.
    pub next_seq: HashMap<i64, u64>,
    /// A commit failed: what stands above may not be what is stored.
    pub stale: bool,
}

impl Store {
    /// Opens or creates the database, brings its schema up to date and starts the writer.
    ///
    /// # Errors
    /// When a file cannot be opened, or the schema is newer than this program knows.
    pub async fn open(options: Options) -> Result<Self, StoreError> {
        // The log folder's lock comes first: a second server must not touch the database.
        let (segments, recovery) = SegmentWriter::open(&options.logs, segment::Options::default())?;
        if !recovery.is_clean() {
            tracing::warn!(recovery = ?recovery, "log files were repaired after an interruption");
        }
        let connect = connect_options(&options.database)?;
        let writers = SqlitePoolOptions::new()
            .max_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .connect_with(connect.clone())
            .await?;
        sqlx::migrate!("migrations/sqlite").run(&writers).await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .connect_with(connect.read_only(true))
            .await?;
        let mut conn = Conn::Read(writers.acquire().await?);
        let state = WriterState {
            head: audit::head(&mut conn).await?,
            next: next_ids(&mut conn).await?,
            entropy: Entropy::seeded(options.seed),
            segments: Some(segments),
            next_seq: HashMap::new(),
            stale: false,
        };
        drop(conn);
        let (commands, inbox) = mpsc::channel(QUEUED_COMMANDS);
        let head = Arc::new(std::sync::Mutex::new(state.head));
        let store = Self {
            head,
            writer: Arc::default(),
            writers,
            readers,
            state: Arc::new(Mutex::new(state)),
            commands,
            segments: SegmentReader::new(&options.logs),
            signals: Signals::default(),
            rules: options.rules,
            clock: options.clock,
        };
        let writer = tokio::spawn(writer::run(store.clone_for_writer(), inbox));
        *store.writer.lock().unwrap_or_else(PoisonError::into_inner) = Some(writer);
        Ok(store)
    }

    /// The writer's own handle: it must not keep its own inbox open.
    fn clone_for_writer(&self) -> Self {
        let (nobody, _) = mpsc::channel(1);
        Self {
            commands: nobody,
            ..self.clone()
        }
    }

    /// Sends a command to the writer and waits until it is on disk.
    ///
    /// # Errors
    /// A refusal, or a failure of the store. Nothing was changed then.
    pub async fn submit(&self, actor: &str, command: Command) -> Result<Reply, StoreError> {
        self.queue(actor, command).await?.answer().await
    }

    /// Hands a command to the writer. Commands are decided in the order in which they were
    /// handed over; waits only while the writer's queue is full.
    ///
    /// # Errors
    /// When the store is shutting down.
    pub async fn queue(&self, actor: &str, command: Command) -> Result<Pending, StoreError> {
        let (answer, receive) = oneshot::channel();
        let envelope = Envelope {
            actor: actor.to_owned(),
            command,
            answer,
        };
        self.commands
            .send(envelope)
            .await
            .map_err(|_| StoreError::Closed)?;
        Ok(Pending(receive))
    }

    /// Begins an ordinary transaction of `actor`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn begin(&self, actor: &str) -> Result<Tx, StoreError> {
        let mut state = Arc::clone(&self.state).lock_owned().await;
        if state.stale {
            let mut conn = Conn::Read(self.writers.acquire().await?);
            state.head = audit::head(&mut conn).await?;
            state.next = next_ids(&mut conn).await?;
            state.next_seq.clear();
            state.stale = false;
        }
        // A failed write poisons the files until they are opened again.
        if let Some(segments) = state
            .segments
            .as_mut()
            .filter(|segments| segments.is_poisoned())
        {
            let recovery = segments.reopen()?;
            tracing::warn!(
                ?recovery,
                "log files were opened again after a failed write"
            );
        }
        let conn = self.writers.begin_with("BEGIN IMMEDIATE").await?;
        Ok(Tx::new(self.clone(), state, Conn::Tx(conn), actor))
    }

    /// A connection that only reads what is committed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn read(&self) -> Result<Conn, StoreError> {
        Ok(Conn::Read(self.readers.acquire().await?))
    }

    #[must_use]
    pub fn signals(&self) -> &Signals {
        &self.signals
    }

    #[must_use]
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    pub(crate) fn rules_arc(&self) -> Arc<Rules> {
        Arc::clone(&self.rules)
    }

    #[must_use]
    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// The end of the audit chain, as committed.
    #[must_use]
    pub fn audit_head(&self) -> Head {
        *self.head.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the writer, waits for the transaction under way and closes the database and the log
    /// files.
    pub async fn close(&self) {
        let writer = self
            .writer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(writer) = writer {
            // The writer only ever waits for commands; one that it has begun keeps the state locked.
            let mut state = self.state.lock().await;
            state.segments = None;
            drop(state);
            writer.abort();
        }
        self.readers.close().await;
        self.writers.close().await;
    }
}

fn connect_options(database: &Path) -> Result<SqliteConnectOptions, StoreError> {
    if let Some(folder) = database.parent() {
        std::fs::create_dir_all(folder).map_err(|source| StoreError::Io {
            path: folder.display().to_string(),
            source,
        })?;
    }
    let options = SqliteConnectOptions::from_str("sqlite://")?
        .filename(database)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(std::time::Duration::from_secs(10))
        .pragma("cache_size", "-16384")
        .pragma("temp_store", "MEMORY")
        .pragma("mmap_size", "0")
        .statement_cache_capacity(256);
    Ok(options)
}

async fn next_ids(conn: &mut Conn) -> Result<NextIds, StoreError> {
    let (work_item, entry, run): (i64, i64, i64) = one!(
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
