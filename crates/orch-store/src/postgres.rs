//! The shared database: several servers, one writer at a time.
//!
//! Whoever writes locks the one row of `writer` first and finds there what the writer before it
//! left: the end of the audit chain, the next ids, the installation's clock. A server that hangs
//! inside a transaction is cut off by the database, so that the lock comes free.

use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use orch_core::audit::{GENESIS, Head};
use orch_core::engine::NextIds;
use orch_core::time::Timestamp;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};

use crate::ahead::{self, Asked};
use crate::conn::{Dialect, one, send, sql};
use crate::inline::row;
use crate::lookout::Lookout;
use crate::piped::{BY_KEYS, Home, Patience, Piped, PipedError, config};
use crate::{Conn, Needs, StoreError, reach, schema};

const READERS: u32 = 8;
/// Short reads at once; the connections are opened when they are wanted.
const PEEKING: usize = 8;
const LOCKS: u32 = 16;
/// Who asks whether it answers, and the health of the server.
const LOOKING: usize = 2;
/// What a server's connections call themselves.
pub(crate) const SERVER: &str = "codex-orchestrator";
const MAINTENANCE: &str = "codex-orchestrator migrate";
/// A server that stops inside a transaction loses it after this long.
const HUNG_TRANSACTION: &str = "5000";
/// A connection is to be had within this.
const ACQUIRE_WITHIN: Duration = Duration::from_secs(2);
/// A wait for the writer's turn ends with an error after this long.
const TURN_WITHIN: &str = "20000";

/// The connections to a shared database.
#[derive(Clone)]
pub(crate) struct Postgres {
    /// The one connection that writes.
    writing: Home,
    /// For reads of a few rows by their keys.
    pub(crate) peeking: Home,
    pub(crate) readers: PgPool,
    /// Each connection holds a lock while a request is under way.
    pub(crate) locks: PgPool,
    /// Knows whether it answers.
    pub(crate) lookout: Arc<Lookout>,
}

impl Postgres {
    /// Connects and brings the schema up to date, under a lock.
    pub(crate) async fn open(url: &str) -> Result<Self, StoreError> {
        let connect = PgConnectOptions::from_str(url)?
            .application_name(SERVER)
            .statement_cache_capacity(512)
            .options([
                ("idle_in_transaction_session_timeout", HUNG_TRANSACTION),
                ("lock_timeout", TURN_WITHIN),
                ("synchronous_commit", "on"),
                ("default_transaction_isolation", "read committed"),
            ]);
        reach::knock(&connect, reach::Patience::AStart).await?;
        // A dead connection must not be the answer to the first request after a restart.
        let readers = pool(READERS)
            .test_before_acquire(true)
            .connect_with(connect.clone())
            .await?;
        schema::bring_forward(&schema::POSTGRES, &mut *readers.acquire().await?).await?;
        orch_failpoint::check("store.migrate.shared").map_err(sqlx::Error::from)?;
        let by_keys = config(&connect.clone().options(BY_KEYS))?;
        // A request may take its time: what cuts hung writers off must not cut its lock off.
        let patient = connect.options([("idle_in_transaction_session_timeout", "0")]);
        let locks = pool(LOCKS).connect_lazy_with(patient);
        let lookout = Home::new(by_keys.clone(), LOOKING, Patience::None);
        Ok(Self {
            writing: Home::new(by_keys.clone(), 1, Patience::AWhile),
            peeking: Home::new(by_keys, PEEKING, Patience::AWhile),
            readers,
            locks,
            lookout: Arc::new(Lookout::new(lookout)),
        })
    }

    pub(crate) async fn close(&self) {
        self.writing.close();
        self.peeking.close();
        self.lookout.close();
        self.locks.close().await;
        self.readers.close().await;
    }
}

/// One connection for work without a server: it may take its time inside a transaction. The
/// schema is as it is.
pub(crate) async fn one_connection(url: &str) -> Result<PgPool, StoreError> {
    let connect = PgConnectOptions::from_str(url)?
        .application_name(MAINTENANCE)
        .options([
            ("idle_in_transaction_session_timeout", "0"),
            ("statement_timeout", "0"),
            ("lock_timeout", TURN_WITHIN),
            ("synchronous_commit", "on"),
            ("default_transaction_isolation", "read committed"),
        ]);
    reach::knock(&connect, reach::Patience::None).await?;
    Ok(pool(1).connect_with(connect).await?)
}

impl Postgres {
    /// Begins a writing transaction and waits for the writer's turn. The one connection may have died
    /// with the database: then a new one is tried before anybody is told. What is needed first is
    /// asked for on the way.
    pub(crate) async fn begin(&self, needs: Option<&Needs>) -> Result<Begun, StoreError> {
        match self.try_begin(needs).await {
            Err((error, Other::MayDoBetter)) => {
                tracing::debug!(%error, "the writing connection is dead: trying a new one");
                self.try_begin(needs).await.map_err(|(error, _)| error)
            }
            begun => begun.map_err(|(error, _)| error),
        }
    }

    async fn try_begin(&self, needs: Option<&Needs>) -> Result<Begun, (StoreError, Other)> {
        let lent = self.writing.lend().await;
        // It was tried for some seconds.
        let mut piped = lent.map_err(|error| (error.into(), Other::Will))?;
        piped.begin();
        match take_turn_asking(&mut piped, needs).await {
            Ok((turn, asked)) => Ok(Begun {
                conn: Conn::PostgresPiped(piped),
                turn,
                asked,
            }),
            Err(error) if piped.is_dead() => Err((error, Other::MayDoBetter)),
            Err(error) => Err((error, Other::Will)),
        }
    }
}

/// A writing transaction.
pub(crate) struct Begun {
    pub(crate) conn: Conn,
    pub(crate) turn: Turn,
    /// What was asked for already. It was looked up after the turn had come.
    pub(crate) asked: Option<Asked>,
}

/// Whether another connection may do better where one failed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Other {
    MayDoBetter,
    /// It will fail as well.
    Will,
}

fn pool(connections: u32) -> PgPoolOptions {
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_WITHIN)
        .test_before_acquire(false)
}

row! {
    /// What the writer before left.
    #[derive(Debug)]
    pub(crate) struct Turn {
        pub(crate) owner: i64,
        audit_seq: i64,
        audit_hash: Vec<u8>,
        next_work_item: i64,
        next_entry: i64,
        next_run: i64,
        pub(crate) clock_lead_us: i64,
        /// The database's own clock.
        pub(crate) database_us: i64,
    }
}

impl Turn {
    pub(crate) fn head(&self) -> Head {
        Head {
            seq: self.audit_seq,
            hash: self.audit_hash.as_slice().try_into().unwrap_or(GENESIS),
        }
    }

    pub(crate) fn next_ids(&self) -> NextIds {
        NextIds {
            work_item: self.next_work_item,
            entry: self.next_entry,
            run: self.next_run,
        }
    }

    /// The installation's time, as the servers before agreed on it.
    pub(crate) fn installation_time(&self) -> Timestamp {
        Timestamp::from_micros(self.database_us + self.clock_lead_us)
    }
}

const TAKE_TURN: Dialect = sql!(
    postgres: "SELECT owner, audit_seq, audit_hash, next_work_item, next_entry, next_run, clock_lead_us,
                      CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT) AS database_us
                 FROM writer WHERE id = 1 FOR UPDATE",
);

async fn take_turn_asking(
    piped: &mut Piped,
    needs: Option<&Needs>,
) -> Result<(Turn, Option<Asked>), StoreError> {
    let turn = piped.ask(TAKE_TURN.postgres, Vec::new()).await?;
    let asked = match needs {
        Some(needs) => ahead::ask(piped, needs).await?,
        None => None,
    };
    let turn = piped.answer(turn).await?.pop();
    Ok((turn.ok_or(PipedError::NoRow)?, asked))
}

/// Waits for the writer's turn. Ends with the transaction.
pub(crate) async fn take_turn(conn: &mut Conn) -> Result<Turn, StoreError> {
    one!(conn, Turn, TAKE_TURN)
}

/// Leaves word for the writer that comes after.
pub(crate) async fn leave_word(
    conn: &mut Conn,
    owner: i64,
    head: Head,
    next: NextIds,
    clock_lead_us: i64,
) -> Result<(), StoreError> {
    send!(
        conn,
        sql!(
            postgres: "UPDATE writer SET owner = $1, audit_seq = $2, audit_hash = $3, next_work_item = $4,
                              next_entry = $5, next_run = $6, clock_lead_us = $7 WHERE id = 1",
        ),
        owner,
        head.seq,
        head.hash.to_vec(),
        next.work_item,
        next.entry,
        next.run,
        clock_lead_us
    )?;
    Ok(())
}
