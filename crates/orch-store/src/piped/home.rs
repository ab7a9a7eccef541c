//! Where connections of a kind wait while nobody uses them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tokio_postgres::Config;

use super::error::PipedError;
use super::transaction::Piped;
use super::wire::Wire;

/// A connection is to be had within this.
const WITHIN: Duration = Duration::from_secs(10);
/// The same for whoever only asks whether the database answers.
const ASKED_WITHIN: Duration = Duration::from_secs(1);
/// A database that takes a connection and says nothing for so long hangs: it is not waited for.
pub(super) const GREETS_WITHIN: Duration = Duration::from_secs(2);
/// Between attempts to connect, at first and at last.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LAST_PAUSE: Duration = Duration::from_secs(1);

/// What whoever lends a connection does where the database takes none.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Patience {
    /// Waits a while for one that is about to start.
    AWhile,
    /// Takes the first answer.
    None,
}

impl Patience {
    const fn within(self) -> Duration {
        match self {
            Self::AWhile => WITHIN,
            Self::None => ASKED_WITHIN,
        }
    }
}

/// Connections of a kind. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Home(Arc<Inner>);

struct Inner {
    config: Config,
    patience: Patience,
    /// The last one back is the first one out, so that few are used.
    idle: Mutex<Vec<Wire>>,
    free: Arc<Semaphore>,
}

/// A place for a connection; whoever has it may use or open one.
pub(super) struct Place {
    home: Home,
    _permit: OwnedSemaphorePermit,
}

impl Home {
    /// For at most `connections` at once. Opens none.
    pub(crate) fn new(config: Config, connections: usize, patience: Patience) -> Self {
        Self(Arc::new(Inner {
            config,
            patience,
            idle: Mutex::default(),
            free: Arc::new(Semaphore::new(connections)),
        }))
    }

    /// Lends a connection whose statements each stand for themselves.
    ///
    /// # Errors
    /// When none is free or can be opened within some seconds, or the store was closed.
    pub(crate) async fn lend(&self) -> Result<Piped, PipedError> {
        let within = self.0.patience.within();
        let mut failed = None;
        let lent = timeout(within, async {
            let permit = Arc::clone(&self.0.free).acquire_owned().await;
            let place = Place {
                home: self.clone(),
                _permit: permit.map_err(|_| PipedError::Closed)?,
            };
            let wire = match self.live() {
                Some(wire) => wire,
                None => self.connect(&mut failed).await?,
            };
            Ok(Piped::new(wire, place))
        });
        match lent.await {
            Ok(lent) => lent,
            Err(_) => Err(PipedError::NoConnection {
                within,
                source: failed.map(Box::new),
            }),
        }
    }

    /// Opens one. A database that is about to start, or to start again, is waited for.
    async fn connect(&self, failed: &mut Option<PipedError>) -> Result<Wire, PipedError> {
        let mut pause = FIRST_PAUSE;
        loop {
            let connecting = timeout(GREETS_WITHIN, Wire::connect(&self.0.config));
            let connected = match connecting.await {
                Ok(connected) => connected.map_err(PipedError::from),
                Err(_) => Err(PipedError::NoConnection {
                    within: GREETS_WITHIN,
                    source: None,
                }),
            };
            match connected {
                Err(error) if error.may_pass() && self.0.patience == Patience::AWhile => {
                    tracing::debug!(%error, "the database does not answer: trying again");
                    *failed = Some(error);
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LAST_PAUSE);
                }
                connected => return connected,
            }
        }
    }

    /// One that waits here and whose other end is there, as far as this end knows.
    fn live(&self) -> Option<Wire> {
        loop {
            let wire = self.idle().pop();
            let mut wire = wire?;
            wire.nudge();
            if !wire.is_dead() {
                return Some(wire);
            }
            tracing::debug!("a connection to the database had ended");
        }
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Wire>> {
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.0.free.is_closed()
    }

    /// Closes the connections; one that is lent is closed when it comes home.
    pub(crate) fn close(&self) {
        self.0.free.close();
        self.idle().clear();
    }
}

impl Place {
    /// Opens another connection in place of one that ended.
    pub(super) async fn reconnect(&self) -> Result<Wire, PipedError> {
        let within = self.home.0.patience.within();
        let mut failed = None;
        match timeout(within, self.home.connect(&mut failed)).await {
            Ok(wire) => wire,
            Err(_) => Err(PipedError::NoConnection {
                within,
                source: failed.map(Box::new),
            }),
        }
    }

    pub(super) fn take_back(&self, wire: Wire) {
        let mut idle = self.home.idle();
        if !self.home.is_closed() {
            idle.push(wire);
        }
    }
}
