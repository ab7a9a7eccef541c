//! A request as server-sent events: `request`, `agent`, `delta`, `parked`, `end`.

use std::convert::Infallible;
use std::time::Duration;

use axum::response::sse::{Event as Sent, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use futures::stream;
use orch_api::types::orchestrate::Orchestration;
use serde::Serialize;
use serde_json::json;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::DropGuard;

use crate::app::orchestrate::{Begun, Event};

/// A quiet stream is kept open by a comment.
const WHILE_IDLE: Duration = Duration::from_secs(15);

/// What is still to be sent.
struct Rest {
    first: Option<Box<Orchestration>>,
    events: Receiver<Event>,
    /// Cancels the request when its reader goes away.
    guard: Option<DropGuard>,
}

/// The events of a request until its end.
pub fn events(begun: Begun) -> Response {
    let (first, events, guard) = begun.watched();
    let rest = Rest {
        first: Some(Box::new(first)),
        events,
        guard: Some(guard),
    };
    let sent = stream::unfold(Some(rest), |rest| async move { next(rest?).await });
    Sse::new(sent)
        .keep_alive(KeepAlive::new().interval(WHILE_IDLE))
        .into_response()
}

type Next = Option<(Result<Sent, Infallible>, Option<Rest>)>;

async fn next(mut rest: Rest) -> Next {
    if let Some(first) = rest.first.take() {
        return Some((Ok(event("request", &first)), Some(rest)));
    }
    loop {
        match rest.events.recv().await {
            Ok(Event::Agent(report)) => return Some((Ok(event("agent", &report)), Some(rest))),
            Ok(Event::Delta { key, text }) => {
                let piece = json!({"agent": key, "text": text});
                return Some((Ok(event("delta", &piece)), Some(rest)));
            }
            Ok(Event::Parked { key, seconds }) => {
                let parked = json!({"agent": key, "seconds": seconds});
                return Some((Ok(event("parked", &parked)), Some(rest)));
            }
            Ok(Event::End(whole)) => {
                rest.guard.take().map(DropGuard::disarm);
                return Some((Ok(event("end", &whole)), None));
            }
            // Pieces of text alone are lost: what counts comes with the end.
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => {
                let problem = json!({"detail": "the request ended and could not be stored; the server's log says why"});
                return Some((Ok(event("error", &problem)), None));
            }
        }
    }
}

fn event<T: Serialize>(name: &'static str, data: &T) -> Sent {
    let data = serde_json::to_string(data).expect("invariant: wire types serialise");
    Sent::default().event(name).data(data)
}
