//! `Idempotency-Key`: a POST that is sent again with the same key acts once and gets the same
//! answer. Kept for a day; a key that comes with another request is refused.
//!
//! The key is taken in the commit of the act and the answer is kept after it. Between the two the
//! server may end: then the repetition is refused, and told where to look.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::header::{CONTENT_TYPE, ETAG, LOCATION};
use http::{HeaderName, HeaderValue, Method, StatusCode};
use http_body_util::BodyExt as _;
use orch_store::Reservation;
use orch_store::idempotency::{self, Kept};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use crate::app::{App, AppError};
use crate::edge::{ApiError, Problem, read_whole};

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Larger answers are not kept.
const LARGEST_ANSWER: usize = 1024 * 1024;

/// Keys whose first request is under way.
#[derive(Clone, Default)]
pub struct UnderWay(Arc<Mutex<HashSet<String>>>);

/// A key that is under way until this is dropped.
struct Claimed(UnderWay, String);

impl UnderWay {
    fn claim(&self, key: &str) -> Option<Claimed> {
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        keys.insert(key.to_owned())
            .then(|| Claimed(self.clone(), key.to_owned()))
    }
}

impl Drop for Claimed {
    fn drop(&mut self) {
        let mut keys = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        keys.remove(&self.1);
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
    let Some(_claimed) = under_way.claim(key) else {
        return Err(Problem::conflict(
            "a request with this Idempotency-Key is under way; try again",
        )
        .into());
    };
    let Some(_alone) = orch_store::shared::exclusive(app.store(), key)
        .await
        .map_err(AppError::from)?
    else {
        return Err(Problem::conflict(
            "a request with this Idempotency-Key is under way at another server; try again",
        )
        .into());
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

fn unknown_outcome(kept: &Kept) -> Problem {
    let entries: Value = serde_json::from_str(&kept.headers).unwrap_or_default();
    let detail = format!(
        "a request with this Idempotency-Key was carried out, and its answer was not kept: it was too large, or the server \
         ended before. Look at what it did (audit entries {} to {}); to do it once more, use another key",
        entries["first"], entries["last"]
    );
    Problem::conflict(detail)
        .with("code", "outcome_unknown")
        .with("audit_first", entries["first"].clone())
        .with("audit_last", entries["last"].clone())
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
