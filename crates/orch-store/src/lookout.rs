//! Whether the shared database answers, asked only when something takes suspiciously long: a
//! request must not wait for a database that hangs, and one that is merely slow is waited for.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::conn::sql;
use crate::piped::{Home, PipedError};
use crate::{Conn, Store, StoreError};

/// Whoever waits for longer wants to know.
const SUSPICIOUS: Duration = Duration::from_millis(900);
/// The database answers within this, or it does not.
const ANSWERS_WITHIN: Duration = Duration::from_secs(1);
/// An answer is good for all who ask within this.
const FRESH: Duration = Duration::from_millis(250);

/// The shared database does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the database does not answer")]
pub struct Away;

impl Store {
    /// Does something, unless the shared database is found not to answer meanwhile.
    ///
    /// # Errors
    /// When it does not; what was begun is given up, and may have been done all the same.
    pub async fn unless_away<T>(&self, work: impl Future<Output = T>) -> Result<T, Away> {
        match self.shared() {
            None => Ok(work.await),
            Some(shared) => shared.lookout.unless_away(work).await,
        }
    }

    /// A connection for a sign of life, which is not waited for where the database takes none.
    pub(crate) async fn look(&self) -> Result<Conn, StoreError> {
        match self.shared() {
            None => self.read().await,
            Some(shared) => Ok(Conn::PostgresPiped(shared.lookout.home.lend().await?)),
        }
    }
}

/// Who asks.
pub(crate) struct Lookout {
    home: Home,
    /// When it was asked last, and what came of it. One asks at a time, for all.
    last: Mutex<Option<(Instant, Result<(), Away>)>>,
    is_away: AtomicBool,
}

impl Lookout {
    pub(crate) fn new(home: Home) -> Self {
        Self {
            home,
            last: Mutex::default(),
            is_away: AtomicBool::default(),
        }
    }

    pub(crate) fn close(&self) {
        self.home.close();
    }

    /// Does something, unless the database is found not to answer. While it is known to be away,
    /// it is asked first.
    async fn unless_away<T>(&self, work: impl Future<Output = T>) -> Result<T, Away> {
        if self.is_away.load(Ordering::Relaxed) {
            self.ask().await?;
        }
        let mut work = pin!(work);
        loop {
            if let Ok(done) = timeout(SUSPICIOUS, &mut work).await {
                return Ok(done);
            }
            let asked = tokio::select! {
                biased;
                done = &mut work => return Ok(done),
                asked = self.ask() => asked,
            };
            asked?;
        }
    }

    async fn ask(&self) -> Result<(), Away> {
        let mut last = self.last.lock().await;
        if let Some((at, said)) = *last
            && at.elapsed() < FRESH
        {
            return said;
        }
        let said = match timeout(ANSWERS_WITHIN, self.sign_of_life()).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => {
                tracing::debug!(%error, "the database gives no sign of life");
                Err(Away)
            }
            Err(_) => Err(Away),
        };
        self.is_away.store(said.is_err(), Ordering::Relaxed);
        *last = Some((Instant::now(), said));
        said
    }

    async fn sign_of_life(&self) -> Result<(), PipedError> {
        let text = sql!(postgres: "SELECT CAST(1 AS BIGINT) AS life");
        let mut piped = self.home.lend().await?;
        piped.execute(text.postgres, Vec::new()).await?;
        Ok(())
    }
}
