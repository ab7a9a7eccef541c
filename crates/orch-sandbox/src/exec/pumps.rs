//! Carrying the outputs of a command on while something else is waited for.

use std::{future::pending, pin::Pin, time::Duration};

use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::ExecError;

/// How long the sink may take for what is left once a command is cancelled.
const AFTER_CANCEL: Duration = Duration::from_secs(2);

/// Whether both outputs were read to their ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pumped {
    Whole,
    InPart,
}

/// What carries the outputs; it goes on only while one of these is awaited.
pub(super) struct Pumps<F> {
    all: Pin<Box<F>>,
    pumped: Option<Result<(), ExecError>>,
}

impl<F: Future<Output = Result<(), ExecError>>> Pumps<F> {
    pub(super) fn new(all: F) -> Self {
        Self {
            all: Box::pin(all),
            pumped: None,
        }
    }

    async fn go_on(&mut self) {
        if self.pumped.is_none() {
            self.pumped = Some(self.all.as_mut().await);
        }
    }

    /// Carries on until something else is over.
    pub(super) async fn beside<T>(&mut self, other: impl Future<Output = T>) -> T {
        let go_on = async {
            self.go_on().await;
            pending().await
        };
        tokio::select! {
            biased;
            over = other => over,
            () = go_on => unreachable!("invariant: it goes on for ever"),
        }
    }

    async fn finish(&mut self) -> Result<(), ExecError> {
        self.go_on().await;
        // An error is told once.
        self.pumped.replace(Ok(())).unwrap_or(Ok(()))
    }

    pub(super) async fn finish_within(&mut self, limit: Duration) -> Result<Pumped, ExecError> {
        match timeout(limit, self.finish()).await {
            Ok(finished) => finished.map(|()| Pumped::Whole),
            Err(_) => Ok(Pumped::InPart),
        }
    }

    /// Waits for the sink as long as it takes, unless the caller has lost interest.
    pub(super) async fn finish_unless(
        &mut self,
        cancel: &CancellationToken,
    ) -> Result<(), ExecError> {
        let lost_interest = async {
            cancel.cancelled().await;
            sleep(AFTER_CANCEL).await;
        };
        tokio::select! {
            biased;
            finished = self.finish() => finished,
            () = lost_interest => {
                tracing::warn!("the output of a cancelled step was cut off: its log took too long");
                Ok(())
            }
        }
    }
}
