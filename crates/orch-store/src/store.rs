//! Opening the store, and handing out transactions: one writer, readers apart.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError};

use orch_core::audit::Head;
use orch_core::engine::NextIds;
use orch_core::entropy::Entropy;
use orch_core::rules::Rules;
use orch_core::time::Timestamp;
use tokio::sync::{Mutex, OwnedMutexGuard, mpsc, oneshot};

use crate::conn::Conn;
use crate::herald::{self, Herald};
use crate::log::{self, LogSink};
use crate::postgres::{Postgres, Turn};
use crate::quarantine::Quarantine;
use crate::schedule::Slots;
use crate::segment::{
    self, Quarantine as LogQuarantine, Quarantined, SegmentReader, SegmentWriter,
};
use crate::sqlite::{self, Sqlite};
use crate::vitals::Vitals;
use crate::writer::Envelope;
use crate::{
    Command, Database, Needs, Reply, Reservation, ServerNumber, Signals, StoreError, Tx, audit,
    writer,
};

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
/// Clocks that are further apart than this were set, and did not drift.
const CLOCK_STEP_US: i64 = 1_000_000;

/// How to open a store.
#[derive(Clone)]
pub struct Options {
    pub database: Database,
    pub rules: Arc<Rules>,
    pub clock: Clock,
    /// Seeds trace ids and jitter.
    pub seed: u64,
}

/// The connections.
#[derive(Clone)]
enum Pools {
    Sqlite(Sqlite),
    Postgres(Postgres),
}

/// The store. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    database: Arc<Database>,
    number: ServerNumber,
    pools: Pools,
    pub(crate) state: Arc<Mutex<WriterState>>,
    commands: mpsc::Sender<Envelope>,
    /// `None` where logs are rows.
    pub(crate) segments: Option<SegmentReader>,
    pub(crate) log_quarantine: LogQuarantine,
    /// What the installation's clock leads this process's by.
    clock_offset_us: Arc<AtomicI64>,
    pub(crate) head: Arc<std::sync::Mutex<Head>>,
    pub(crate) vitals: Arc<Vitals>,
    pub(crate) quarantine: Arc<Quarantine>,
    /// Ends the writer when it is dropped.
    writer: Arc<std::sync::Mutex<Option<oneshot::Sender<()>>>>,
    signals: Signals,
    /// Who knows the agents; nobody does where there is no dispatcher.
    pub(crate) slots: Arc<OnceLock<Arc<dyn Slots>>>,
    rules: Arc<Rules>,
    clock: Clock,
}

/// What the one writer keeps between transactions. Changed only after a commit.
pub(crate) struct WriterState {
    /// This process among the writers of a shared database.
    pub me: i64,
    /// Whether the installation's time was learned.
    anchored: bool,
    pub clock_lead_us: i64,
    pub head: Head,
    pub next: NextIds,
    pub entropy: Entropy,
    /// `None` while a sync is under way elsewhere, and once the store is closed.
    pub logs: Option<LogSink>,
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
        let mut log_quarantine = LogQuarantine::in_memory();
        let (pools, logs, segments) = match &options.database {
            Database::Sqlite { file, logs } => {
                // The log folder's lock comes first: a second server must not touch the database.
                let (writer, recovery) = SegmentWriter::open(logs, segment::Options::default())?;
                orch_failpoint::check("store.open.recovered").map_err(sqlx::Error::from)?;
                if !recovery.is_clean() {
                    tracing::warn!(recovery = ?recovery, "log files were repaired after an interruption");
                }
                log_quarantine = LogQuarantine::open(logs);
                for region in &recovery.quarantined {
                    log_quarantine.note(region);
                }
                let pools = Sqlite::open(file).await?;
                let mut conn = Conn::SqliteRead(pools.readers.acquire().await?);
                log::note_lost(&mut conn, &recovery, &log_quarantine).await?;
                drop(conn);
                let pools = Pools::Sqlite(pools);
                (
                    pools,
                    LogSink::Files(writer),
                    Some(SegmentReader::noting(logs, log_quarantine.clone())),
                )
            }
            Database::Postgres { url } => {
                let pools = Pools::Postgres(Postgres::open(url).await?);
                (pools, LogSink::Rows, None)
            }
        };
        let mut entropy = Entropy::seeded(options.seed);
        let me = (entropy.next_u64() >> 1).cast_signed();
        let signals = match &pools {
            Pools::Sqlite(_) => Signals::default(),
            Pools::Postgres(pools) => among_servers(me, pools),
        };
        let state = WriterState {
            me,
            anchored: false,
            clock_lead_us: 0,
            head: Head::EMPTY,
            next: NextIds {
                work_item: 1,
                entry: 1,
                run: 1,
            },
            entropy,
            logs: Some(logs),
            next_seq: HashMap::new(),
            stale: true,
        };
        let (commands, inbox) = mpsc::channel(QUEUED_COMMANDS);
        let head = Arc::new(std::sync::Mutex::new(state.head));
        let store = Self {
            head,
            vitals: Arc::default(),
            quarantine: Arc::default(),
            writer: Arc::default(),
            database: Arc::new(options.database),
            number: ServerNumber::of(me),
            pools,
            state: Arc::new(Mutex::new(state)),
            commands,
            segments,
            log_quarantine,
            clock_offset_us: Arc::default(),
            signals,
            slots: Arc::default(),
            rules: options.rules,
            clock: options.clock,
        };
        // Learns where the last writer stopped, before anybody asks.
        drop(store.begin("system").await?);
        let writer = store.spawn_writer(inbox)?;
        *store.writer.lock().unwrap_or_else(PoisonError::into_inner) = Some(writer);
        Ok(store)
    }

    /// The embedded database is written on a thread of its own, which may wait for the disk.
    fn spawn_writer(
        &self,
        inbox: mpsc::Receiver<Envelope>,
    ) -> Result<oneshot::Sender<()>, StoreError> {
        let (stop, stopped) = oneshot::channel();
        let running = writer::run(self.clone_for_writer(), inbox, stopped);
        match &self.pools {
            Pools::Sqlite(_) => {
                let runtime = tokio::runtime::Handle::current();
                std::thread::Builder::new()
                    .name("store-writer".to_owned())
                    .spawn(move || runtime.block_on(running))
                    .map_err(|source| StoreError::Io {
                        path: "a thread for the writer".to_owned(),
                        source,
                    })?;
            }
            Pools::Postgres(_) => drop(tokio::spawn(running)),
        }
        Ok(stop)
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
        if Reservation::current().is_some() {
            if self.commands.is_closed() {
                return Err(StoreError::Closed);
            }
            return writer::alone(self, actor, command).await;
        }
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

    /// Commands that the writer has not taken up.
    pub(crate) fn commands_waiting(&self) -> usize {
        self.commands.max_capacity() - self.commands.capacity()
    }

    /// Begins an ordinary transaction of `actor`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn begin(&self, actor: &str) -> Result<Tx, StoreError> {
        self.begin_asking(actor, None).await
    }

    /// The same, where it is known what will be loaded first.
    pub(crate) async fn begin_asking(
        &self,
        actor: &str,
        needs: Option<&Needs>,
    ) -> Result<Tx, StoreError> {
        let waiting = self.vitals.wait();
        let mut state = Arc::clone(&self.state).lock_owned().await;
        waiting.over();
        reopen_poisoned(&mut state, &self.log_quarantine)?;
        let (conn, asked) = match &self.pools {
            Pools::Sqlite(pools) => {
                let writing = Conn::SqliteInline(pools.writing.begin()?);
                (self.catch_up(&mut state, writing).await?, None)
            }
            Pools::Postgres(pools) => {
                let begun = pools.begin(needs).await?;
                self.learn(&mut state, &begun.turn);
                (begun.conn, begun.asked)
            }
        };
        *self.head.lock().unwrap_or_else(PoisonError::into_inner) = state.head;
        Ok(Tx::new(self.clone(), state, conn, asked, actor))
    }

    /// After a commit whose outcome is not known, what is kept in memory is read again.
    async fn catch_up(
        &self,
        state: &mut OwnedMutexGuard<WriterState>,
        mut conn: Conn,
    ) -> Result<Conn, StoreError> {
        if state.stale {
            state.head = audit::head(&mut conn).await?;
            state.next = sqlite::next_ids(&mut conn).await?;
            state.next_seq.clear();
            state.stale = false;
        }
        Ok(conn)
    }

    /// Learns what the server that had the turn before left.
    fn learn(&self, state: &mut OwnedMutexGuard<WriterState>, turn: &Turn) {
        state.head = turn.head();
        state.next = turn.next_ids();
        if state.stale || turn.owner != state.me {
            state.next_seq.clear();
            state.stale = false;
        }
        let installation = turn.installation_time().as_micros();
        let expected = self.now().as_micros();
        state.clock_lead_us = turn.clock_lead_us;
        if state.anchored && (installation - expected).abs() > CLOCK_STEP_US {
            // The database's clock was set. Leases go by a clock that was not.
            state.clock_lead_us += expected - installation;
        } else {
            let local = (self.clock)().as_micros();
            self.clock_offset_us
                .store(installation - local, Ordering::Relaxed);
            state.anchored = true;
        }
    }

    /// A connection that only reads what is committed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn read(&self) -> Result<Conn, StoreError> {
        Ok(match &self.pools {
            Pools::Sqlite(pools) => Conn::SqliteRead(pools.readers.acquire().await?),
            Pools::Postgres(pools) => Conn::PostgresRead(pools.readers.acquire().await?),
        })
    }

    /// A connection for a read of a few rows by their keys, which sees what is committed. On the
    /// embedded database it reads on this thread: not for what may look through many rows.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn peek(&self) -> Result<Conn, StoreError> {
        match &self.pools {
            Pools::Sqlite(pools) => Ok(Conn::SqliteInline(pools.peeking.peek()?)),
            Pools::Postgres(pools) => Ok(Conn::PostgresPiped(pools.peeking.lend().await?)),
        }
    }

    /// A connection to a database that other servers may use too; `None` where this is the only one.
    pub(crate) async fn read_shared(&self) -> Result<Option<Conn>, StoreError> {
        match &self.pools {
            Pools::Sqlite(_) => Ok(None),
            Pools::Postgres(_) => self.peek().await.map(Some),
        }
    }

    /// A transaction to hold a lock in; `None` where no other server could want it.
    pub(crate) async fn begin_lock(
        &self,
    ) -> Result<Option<sqlx::Transaction<'static, sqlx::Postgres>>, StoreError> {
        match &self.pools {
            Pools::Sqlite(_) => Ok(None),
            Pools::Postgres(pools) => Ok(Some(pools.locks.begin().await?)),
        }
    }

    /// The connections to a database that other servers may use too.
    /// Whether other servers may work on the same database.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.shared().is_some()
    }

    pub(crate) fn shared(&self) -> Option<&Postgres> {
        match &self.pools {
            Pools::Sqlite(_) => None,
            Pools::Postgres(pools) => Some(pools),
        }
    }

    /// What tells this server among those on its database.
    #[must_use]
    pub fn server_number(&self) -> ServerNumber {
        self.number
    }

    #[must_use]
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// What is damaged of the logs, as far as is known: named by file and offset.
    #[must_use]
    pub fn quarantined_logs(&self) -> Vec<Quarantined> {
        self.log_quarantine.list()
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
        let offset = self.clock_offset_us.load(Ordering::Relaxed);
        Timestamp::from_micros((self.clock)().as_micros() + offset)
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
            // A transaction that has begun keeps the state locked.
            let mut state = self.state.lock().await;
            state.logs = None;
            drop(state);
            drop(writer);
        }
        match &self.pools {
            Pools::Sqlite(pools) => {
                pools.readers.close().await;
                pools.writing.close();
                pools.peeking.close();
            }
            Pools::Postgres(pools) => pools.close().await,
        }
    }
}

/// Tells the other servers of commits, and hears of theirs, until the connections close.
fn among_servers(me: i64, pools: &Postgres) -> Signals {
    let herald = Arc::new(Herald::default());
    let signals = Signals::with_herald(Arc::clone(&herald));
    let home = pools.peeking.clone();
    tokio::spawn(async move { herald.tell(me, home).await });
    tokio::spawn(herald::listen(me, pools.readers.clone(), signals.clone()));
    signals
}

/// A failed write poisons the log files until they are opened again.
fn reopen_poisoned(
    state: &mut OwnedMutexGuard<WriterState>,
    quarantine: &LogQuarantine,
) -> Result<(), StoreError> {
    if let Some(LogSink::Files(segments)) = state.logs.as_mut()
        && segments.is_poisoned()
    {
        let recovery = segments.reopen()?;
        for region in &recovery.quarantined {
            quarantine.note(region);
        }
        tracing::warn!(
            ?recovery,
            "log files were opened again after a failed write"
        );
    }
    Ok(())
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Store").field(&self.database).finish()
    }
}
