//! A log as the body of an answer: one piece under way at a time.
//!
//! The next piece is only looked for once the connection has let go of the last, so what a reader
//! costs does not grow with how far it falls behind.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use orch_core::run::Run;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::app::AppError;
use crate::app::follow::{Follower, Seen};

/// A reader that waits is told so often that the connection lives.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Bytes that hold a place until the connection is done with them.
struct UnderWay {
    bytes: Bytes,
    _place: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for UnderWay {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// What is written beside the lines.
#[derive(Clone, Copy, Default)]
pub(super) struct Beside {
    /// While nothing comes.
    pub while_idle: Option<&'static [u8]>,
    /// Once the run is over.
    pub at_the_end: Option<fn(&Run) -> Vec<u8>>,
}

struct Flow {
    /// `None` behind the end.
    follower: Option<Follower>,
    place: Arc<Semaphore>,
    beside: Beside,
}

/// The log from where the follower stands.
pub(super) fn body(follower: Follower, beside: Beside) -> Body {
    let flow = Flow {
        follower: Some(follower),
        place: Arc::new(Semaphore::new(1)),
        beside,
    };
    Body::from_stream(futures::stream::unfold(flow, |mut flow| async move {
        let next = flow.next().await.transpose()?;
        Some((next, flow))
    }))
}

impl Flow {
    async fn next(&mut self) -> Result<Option<Bytes>, AppError> {
        let Some(follower) = &mut self.follower else {
            return Ok(None);
        };
        let Ok(place) = Arc::clone(&self.place).acquire_owned().await else {
            return Ok(None);
        };
        let seen = match self.beside.while_idle {
            Some(sign) => match tokio::time::timeout(KEEP_ALIVE, follower.next()).await {
                Ok(seen) => seen,
                Err(_) => return Ok(Some(Bytes::from_static(sign))),
            },
            None => follower.next().await,
        };
        let bytes = match seen {
            Ok(Seen::Lines(piece, from)) => piece.bytes_from(from),
            Ok(Seen::End(run)) => {
                self.follower = None;
                match self.beside.at_the_end {
                    Some(written) => Bytes::from(written(&run)),
                    None => return Ok(None),
                }
            }
            Err(error) => {
                self.follower = None;
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "reading a log failed"
                );
                return Err(error);
            }
        };
        Ok(Some(Bytes::from_owner(UnderWay {
            bytes,
            _place: place,
        })))
    }
}
