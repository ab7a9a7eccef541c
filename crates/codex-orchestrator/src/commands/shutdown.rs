//! Ending on SIGTERM and SIGINT: gracefully the first time, at once the second.

use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::exit::Exit;
use crate::failure::Failure;

/// Supervisors kill after 10 s; this leaves them nothing to kill.
const LONGEST: Duration = Duration::from_secs(9);

/// The signals that end the program.
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Catches the signals from now on.
    pub fn catch() -> Result<Self, Failure> {
        let catch = |kind| {
            signal(kind).map_err(|error| {
                Failure::new(Exit::Failed, "failed to catch signals").caused_by(&error)
            })
        };
        Ok(Self {
            terminate: catch(SignalKind::terminate())?,
            interrupt: catch(SignalKind::interrupt())?,
        })
    }

    /// Cancels `token` at the first signal; `None` when the second one came, or time ran out, before
    /// `work` ended.
    pub async fn ending<T>(
        mut self,
        token: CancellationToken,
        work: impl Future<Output = T>,
    ) -> Option<T> {
        tokio::pin!(work);
        tokio::select! {
            ended = &mut work => return Some(ended),
            () = self.next() => {}
        }
        tracing::info!("shutting down; another signal ends the program at once");
        token.cancel();
        tokio::select! {
            ended = &mut work => Some(ended),
            () = self.next() => None,
            () = tokio::time::sleep(LONGEST) => None,
        }
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// The program did not end in time, or was told not to wait.
pub fn cut_short() -> Failure {
    Failure::new(
        Exit::Failed,
        "ended before everything was put away; what was acknowledged is kept",
    )
}
