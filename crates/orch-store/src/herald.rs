//! Wake-ups between servers: what one committed, the others hear of through LISTEN and NOTIFY.
//!
//! Notified after the commit and apart from it, many runs in one: a NOTIFY inside a writing
//! transaction would make the database serialise the commits. What gets lost is found by the timers.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use orch_core::ids::RunId;
use serde::{Deserialize, Serialize};
use sqlx::postgres::{PgListener, PgPool};
use tokio::sync::Notify;

use crate::conn::sql;
use crate::piped::{Home, PipedError, Value};
use crate::shared::ALIVE;
use crate::{Key, ServerNumber, Signals};

const CHANNEL: &str = "orch_committed";
/// A payload holds 8,000 bytes at most.
const RUNS_AT_ONCE: usize = 300;
/// A table's name and a key: of agents a name of up to 128 characters.
const ROWS_AT_ONCE: usize = 10;
/// More runs than this at once are told of as "any".
const MOST_RUNS: usize = 3000;
/// Between one notice and the next.
const PAUSE: Duration = Duration::from_millis(5);
/// After a failure of the database.
const AGAIN: Duration = Duration::from_millis(500);

/// What a server has to tell, until it is told.
#[derive(Default)]
pub(crate) struct Herald {
    news: Mutex<News>,
    some: Notify,
    /// Since when nothing could be told.
    failing: Mutex<Option<std::time::Instant>>,
}

#[derive(Default)]
struct News {
    runs: BTreeSet<RunId>,
    schedule: Schedule,
    unreadable: BTreeSet<(&'static str, Key)>,
}

/// Whether work may have become startable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Schedule {
    #[default]
    AsBefore,
    Changed,
}

#[derive(Serialize, Deserialize)]
struct Message {
    from: i64,
    /// `None` stands for any.
    runs: Option<Vec<i64>>,
    schedule: Schedule,
    /// Rows that cannot be read. Servers before it left it out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    unreadable: Vec<(String, Key)>,
}

impl Herald {
    pub(crate) fn runs(&self, ids: &[RunId]) {
        if !ids.is_empty() {
            self.news().runs.extend(ids);
            self.some.notify_one();
        }
    }

    pub(crate) fn schedule(&self) {
        self.news().schedule = Schedule::Changed;
        self.some.notify_one();
    }

    pub(crate) fn unreadable(&self, rows: BTreeSet<(&'static str, Key)>) {
        self.news().unreadable.extend(rows);
        self.some.notify_one();
    }

    /// For how long nothing could be told.
    pub(crate) fn failing_for(&self) -> Option<Duration> {
        let failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        failing.map(|since| since.elapsed())
    }

    fn note<T, E>(&self, told: &Result<T, E>) {
        let mut failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        *failing = match told {
            Ok(_) => None,
            Err(_) => failing.or_else(|| Some(std::time::Instant::now())),
        };
    }

    fn news(&self) -> std::sync::MutexGuard<'_, News> {
        self.news.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the other servers, until the connections close.
    pub(crate) async fn tell(&self, me: i64, home: Home) {
        while !home.is_closed() {
            self.some.notified().await;
            let News {
                runs,
                schedule,
                unreadable,
            } = std::mem::take(&mut *self.news());
            let ids: Vec<i64> = runs.iter().map(|run| run.get()).collect();
            let parts: Vec<Option<&[i64]>> = if ids.len() > MOST_RUNS {
                vec![None]
            } else if ids.is_empty() {
                vec![Some(&[])]
            } else {
                ids.chunks(RUNS_AT_ONCE).map(Some).collect()
            };
            let of_runs = parts.into_iter().map(|runs| Message {
                from: me,
                runs: runs.map(<[i64]>::to_vec),
                schedule,
                unreadable: Vec::new(),
            });
            let unreadable: Vec<_> = unreadable.into_iter().collect();
            let of_rows = unreadable.chunks(ROWS_AT_ONCE).map(|rows| Message {
                from: me,
                runs: Some(Vec::new()),
                schedule: Schedule::AsBefore,
                unreadable: rows
                    .iter()
                    .map(|(table, key)| ((*table).to_owned(), key.clone()))
                    .collect(),
            });
            for message in of_runs.chain(of_rows) {
                let payload =
                    serde_json::to_string(&message).expect("invariant: numbers serialise");
                let told = notify(&home, payload).await;
                self.note(&told);
                if let Err(error) = told {
                    tracing::debug!(%error, "the other servers were not woken");
                }
            }
            // What is committed meanwhile is told of at once.
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// A notice needs not survive a crash of the database, which none of its listeners does: no disk is
/// waited for.
async fn notify(home: &Home, payload: String) -> Result<(), PipedError> {
    let text = sql!(
        postgres: "SELECT set_config('synchronous_commit', 'off', true), pg_notify($1, $2)",
    );
    let values = vec![Value::from(CHANNEL), Value::from(payload)];
    home.lend().await?.execute(text.postgres, values).await?;
    Ok(())
}

/// Hears what other servers committed, until the pool closes.
pub(crate) async fn listen(me: i64, pool: PgPool, signals: Signals) {
    while !pool.is_closed() {
        if let Err(error) = hear(me, &pool, &signals).await {
            tracing::debug!(%error, "not listening for other servers' commits");
            tokio::time::sleep(AGAIN).await;
        }
    }
}

async fn hear(me: i64, pool: &PgPool, signals: &Signals) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    // It lives as long as this connection does.
    sqlx::query("SELECT pg_advisory_lock_shared($1, $2)")
        .bind(ALIVE)
        .bind(ServerNumber::of(me).lock())
        .execute(&mut listener)
        .await?;
    listener.listen(CHANNEL).await?;
    // What was told before, or while the connection was away, was missed.
    signals.woken_from_elsewhere(None);
    signals.wake_scheduler_here();
    while let Some(heard) = listener.try_recv().await? {
        let Ok(message) = serde_json::from_str::<Message>(heard.payload()) else {
            continue;
        };
        if message.from == me {
            continue;
        }
        let runs = message
            .runs
            .map(|runs| runs.into_iter().map(RunId).collect());
        if !message.unreadable.is_empty() {
            signals.unreadable_heard(message.unreadable);
        }
        signals.woken_from_elsewhere(runs);
        if message.schedule == Schedule::Changed {
            signals.wake_scheduler_here();
        }
    }
    Ok(())
}
