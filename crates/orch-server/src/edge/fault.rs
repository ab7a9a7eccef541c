//! Requests that no handler answers: no such path, another method, a panic, time running out.
//!
//! Each gets a problem response like any other; a panic is logged and its text kept from the caller.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::FutureExt as _;
use http::{Method, Uri};

use super::area::{Statement, TimeLimit};
use super::body::Awaited;
use super::stack::Edge;
use super::{ApiError, Problem};

/// Answers a path that is not one of ours.
pub(super) async fn no_such_path(uri: Uri) -> ApiError {
    let path: String = uri.path().chars().take(200).collect();
    Problem::not_found(format!(
        "there is nothing at `{path}`; /openapi.json lists what there is"
    ))
    .into()
}

/// Answers a method that the path does not have; the router adds the `Allow` header.
pub(super) async fn no_such_method(method: Method, uri: Uri) -> ApiError {
    let path: String = uri.path().chars().take(200).collect();
    Problem::method_not_allowed(format!(
        "`{path}` does not answer {method}; the Allow header lists what it answers"
    ))
    .into()
}

/// Turns a panic into a 500, so that the connection and its other requests live on.
pub(super) async fn contain_panic(request: Request, next: Next) -> Response {
    match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response,
        Err(panic) => {
            tracing::error!(panic = text_of(&*panic), "a handler panicked");
            ApiError::unexplained().into_response()
        }
    }
}

/// Gives up on a request whose response has not begun in time: 408 where the rest of its body is
/// what is missing, else 503. A stream that has begun goes on.
pub(super) async fn limit_time(
    State(edge): State<Arc<Edge>>,
    request: Request,
    next: Next,
) -> Response {
    let statement = request.extensions().get::<Statement>().copied();
    match statement.unwrap_or(Statement::STRICTEST).time {
        TimeLimit::Unlimited => next.run(request).await,
        TimeLimit::Default => {
            let limit = edge.config.request_timeout;
            let awaited = request.extensions().get::<Awaited>().cloned();
            match tokio::time::timeout(limit, next.run(request)).await {
                Ok(response) => response,
                Err(_) => {
                    let seconds = limit.as_secs_f64();
                    let problem = if awaited.is_some_and(|awaited| awaited.is()) {
                        Problem::body_timed_out(format!(
                            "the request's body did not arrive within {seconds} s; nothing was done"
                        ))
                    } else {
                        Problem::timed_out(format!(
                            "the request was not done within {seconds} s; \
                             look whether it took effect before you repeat it"
                        ))
                    };
                    ApiError::from(problem).into_response()
                }
            }
        }
    }
}

fn text_of(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a value that is no text")
}
