//! `Idempotency-Key`: a POST that is sent again with the same key acts once and gets the same
//! answer. Kept for a day; a key that comes with another request is refused.
//!
//! The key is taken in the commit of the act and the answer is kept after it. Between the two the
//! server may end: then the repetition is refused, and told where to look. A repetition that comes while the first
//! request is under way waits for its answer, for a bounded time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::header::{CONTENT_TYPE, ETAG, LOCATION, RETRY_AFTER};
use http::{HeaderName, HeaderValue, Method, StatusCode};
use http_body_util::BodyExt as _;
use orch_store::Reservation;
use orch_store::idempotency::{self, Kept};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use tokio::sync::{Mutex as Turns, OwnedMutexGuard as Turn};

use crate::app::{App, AppError};
use crate::edge::{ApiError, Problem, read_whole};

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Larger answers are not kept.
const LARGEST_ANSWER: usize = 1024 * 1024;

/// So long a repetition waits for the request before it.
const PATIENCE: Duration = Duration::from_secs(10);
/// Requests with one key that are here at once; more are refused.
const MOST_OF_A_KEY: usize = 64;
const AGAIN_AFTER_SECONDS: u16 = 2;

/// Keys of which requests are under way.
#[derive(Clone, Default)]
pub struct UnderWay(Arc<Mutex<HashMap<String, Key>>>);

#[derive(Default)]
struct Key {
    turns: Arc<Turns<()>>,
    /// Requests that have their turn or wait for it.
    here: usize,
}

/// A request with a key; it has its turn until this is dropped.
struct Claimed {
    under_way: UnderWay,
    key: String,
    turn: Option<Turn<()>>,
}

impl UnderWay {
    /// The turn of a request: at once, or when those before it are answered; none where that takes too long.
    async fn claim(&self, key: &str) -> Option<Claimed> {
        let (mut claimed, turns) = self.join(key)?;
        let turn = tokio::time::timeout(PATIENCE, turns.lock_owned()).await;
        claimed.turn = Some(turn.ok()?);
        Some(claimed)
    }

    fn join(&self, key: &str) -> Option<(Claimed, Arc<Turns<()>>)> {
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = keys.entry(key.to_owned()).or_default();
        if entry.here >= MOST_OF_A_KEY {
            return None;
        }
        entry.here += 1;
        let claimed = Claimed {
            under_way: self.clone(),
            key: key.to_owned(),
            turn: None,
        };
        Some((claimed, Arc::clone(&entry.turns)))
    }
}

impl Drop for Claimed {
    fn drop(&mut self) {
        // Before the key may go: who comes after that finds another turn.
        self.turn = None;
        let mut keys = self
            .under_way
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = keys.get_mut(&self.key) {
            entry.here -= 1;
            if entry.here == 0 {
                keys.remove(&self.key);
            }
        }
    }
}

/// Answers a repeated request from what was kept.
pub async fn replay(
    State((app, under_way)): State<(App, UnderWay)>,
    request: Request,
    next: Next,
) -> Response {
    let key = match request.headers().get(&KEY) {
        Some(key) if request.method() == Method::POST => key.to_str().unwrap_or("").to_owned(),
        _ => return next.run(request).await,
    };
    // In a task of its own: a client that hangs up must not leave an act without its kept answer.
    let acting = tokio::spawn(async move {
        match replayed(&app, &under_way, &key, request, next).await {
            Ok(response) => response,
            Err(error) => error.into_response(),
        }
    });
    match acting.await {
        Ok(response) => response,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(error) => ApiError::internal(error).into_response(),
        },
    }
}

async fn replayed(
    app: &App,
    under_way: &UnderWay,
    key: &str,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    if key.is_empty() || key.len() > 255 {
        return Err(Problem::bad_request(
            "Idempotency-Key must be 1 to 255 visible ASCII characters",
        )
        .into());
    }
    let Some(_claimed) = under_way.claim(key).await else {
        return Err(still_under_way(""));
    };
    let Some(_alone) = orch_store::shared::exclusive(app.store(), key)
        .await
        .map_err(AppError::from)?
    else {
        return Err(still_under_way(" at another server"));
    };
    let (parts, body) = request.into_parts();
    let body = read_whole(body).await?;
    let mut hasher = Sha256::new();
    hasher.update(parts.uri.path_and_query().map_or("", |path| path.as_str()));
    hasher.update([0]);
    hasher.update(&body);
    let digest = hex::encode(hasher.finalize());
    let kept = {
        let mut conn = app.store().peek().await.map_err(AppError::from)?;
        idempotency::find(&mut conn, key)
            .await
            .map_err(AppError::from)?
    };
    if let Some(kept) = kept {
        if kept.request != digest {
            return Err(Problem::unprocessable(
                "this Idempotency-Key was used for another request",
            )
            .into());
        }
        return match kept.status {
            0 => Err(unknown_outcome(&kept).into()),
            _ => Ok(restored(kept)),
        };
    }
    let reservation = Reservation::new(key, &digest);
    let serving = next.run(Request::from_parts(parts, Body::from(body)));
    let response = Arc::clone(&reservation).hold(serving).await;
    if !response.status().is_success() {
        // A refusal: the same request may be right later. After a failure of ours the key stands
        // exactly where the act does.
        if response.status().is_client_error() && reservation.was_used() {
            forget(app, key).await;
        }
        return Ok(response);
    }
    orch_failpoint::pass("server.idempotency.acted");
    keep(app, key, digest, response).await
}

fn still_under_way(place: &str) -> ApiError {
    let detail = format!(
        "a request with this Idempotency-Key is under way{place}; try again in {AGAIN_AFTER_SECONDS} s: the same key gets its answer"
    );
    ApiError::from(Problem::conflict(detail).with("code", "under_way"))
        .with_header(RETRY_AFTER, AGAIN_AFTER_SECONDS.into())
}

fn unknown_outcome(kept: &Kept) -> Problem {
    let entries: Value = serde_json::from_str(&kept.headers).unwrap_or_default();
    let detail = format!(
        "a request with this Idempotency-Key was carried out, and its answer was not kept: it was too large, or the server \
         ended before. Look at what it did (audit entries {} to {}); to do it once more, use another key",
        entries["first"], entries["last"]
    );
    let problem = Problem::conflict(detail)
        .with("code", "outcome_unknown")
        .with("audit_first", entries["first"].clone())
        .with("audit_last", entries["last"].clone());
    match (entries["first"].as_i64(), entries["last"].as_i64()) {
        // The entries of the act name what it made.
        (Some(first), Some(last)) => {
            let (before, count) = (first - 1, last - first + 1);
            problem.with("next", format!("GET /audit?cursor={before}&limit={count}"))
        }
        _ => problem,
    }
}

async fn forget(app: &App, key: &str) {
    let forgotten = async {
        let mut tx = app.store().begin("system").await?;
        idempotency::forget(&mut tx.conn, key).await?;
        tx.commit().await
    };
    if let Err(error) = forgotten.await {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "an idempotency key was not given back"
        );
    }
}

async fn keep(
    app: &App,
    key: &str,
    request: String,
    response: Response,
) -> Result<Response, ApiError> {
    let (parts, body) = response.into_parts();
    let body: Bytes = body.collect().await.map_err(ApiError::internal)?.to_bytes();
    if body.len() <= LARGEST_ANSWER {
        let headers: Map<String, Value> = [CONTENT_TYPE, LOCATION, ETAG]
            .iter()
            .filter_map(|name| {
                Some((
                    name.to_string(),
                    parts.headers.get(name)?.to_str().ok()?.into(),
                ))
            })
            .collect();
        let answer = Kept {
            request,
            status: i64::from(parts.status.as_u16()),
            headers: Value::Object(headers).to_string(),
            body: body.to_vec(),
        };
        let kept = async {
            let mut tx = app.store().begin("system").await?;
            let now = tx.now();
            idempotency::keep(&mut tx.conn, key, &answer, now).await?;
            tx.commit().await
        };
        // The act stands, and whoever asked is told so; a repetition is told where to look.
        if let Err(error) = kept.await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "an answer was not kept"
            );
        }
    }
    Ok(Response::from_parts(parts, Body::from(body)))
}

fn restored(kept: Kept) -> Response {
    let status = u16::try_from(kept.status)
        .ok()
        .and_then(|code| StatusCode::from_u16(code).ok());
    let mut response = Response::new(Body::from(kept.body));
    *response.status_mut() = status.unwrap_or(StatusCode::OK);
    let headers: Map<String, Value> = serde_json::from_str(&kept.headers).unwrap_or_default();
    for (name, value) in headers {
        let (name, value) = (
            HeaderName::try_from(name),
            value.as_str().and_then(|v| HeaderValue::from_str(v).ok()),
        );
        if let (Ok(name), Some(value)) = (name, value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
        .headers_mut()
        .insert("idempotent-replayed", HeaderValue::from_static("true"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_repetition_waits_for_its_turn_and_for_no_longer_than_it_has_patience() {
        let under_way = UnderWay::default();
        let first = under_way.claim("k").await.unwrap();
        assert!(under_way.claim("another").await.is_some());
        assert!(under_way.claim("k").await.is_none());
        let waiting = under_way.claim("k");
        let ending = async {
            tokio::time::sleep(PATIENCE / 2).await;
            drop(first);
        };
        let (second, ()) = tokio::join!(waiting, ending);
        assert!(second.is_some());
        drop(second);
        assert!(under_way.0.lock().unwrap().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn too_many_requests_with_one_key_are_refused_at_once() {
        let under_way = UnderWay::default();
        let here: Vec<_> = (0..MOST_OF_A_KEY).map(|_| under_way.join("k")).collect();
        assert!(here.iter().all(Option::is_some));
        assert!(under_way.join("k").is_none());
        drop(here);
        assert!(under_way.join("k").is_some());
    }

    #[test]
    fn who_cannot_be_answered_again_is_told_where_to_look() {
        let kept = Kept {
            request: String::new(),
            status: 0,
            headers: r#"{"first":7,"last":9}"#.to_owned(),
            body: Vec::new(),
        };
        let problem = serde_json::to_value(unknown_outcome(&kept)).unwrap();
        assert_eq!(problem["code"], "outcome_unknown");
        assert_eq!(problem["next"], "GET /audit?cursor=6&limit=3");
    }
}
