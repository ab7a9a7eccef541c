//! The one error type of handlers and layers, and how it becomes a response.
//!
//! Every failure leaves as `application/problem+json`. An internal error is logged here with its
//! causes, and never shown to the caller.

use std::error::Error;
use std::fmt;

use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::Problem;

/// Whoever was told that the database is away may ask again after so long.
const BACK_AFTER_SECONDS: u64 = 2;

/// A refusal or failure on its way out: a problem, and the headers that belong to it.
#[derive(Debug)]
pub struct ApiError(Box<Parts>);

#[derive(Debug)]
struct Parts {
    problem: Problem,
    headers: HeaderMap,
}

impl ApiError {
    /// Our fault: logs `error` with its causes under the request's id, and tells the caller the id
    /// alone.
    pub fn internal(error: impl Error) -> Self {
        tracing::error!(error = %Causes(&error), "request failed");
        Self::unexplained()
    }

    /// Our fault, already logged.
    pub(super) fn unexplained() -> Self {
        Problem::internal(
            "the server failed to answer this request; its log has the cause under this request id",
        )
        .into()
    }

    /// The database does not answer. A request that was to change something may have been under way.
    pub fn database_away() -> Self {
        Self::away(
            "the database does not answer; the server goes on by itself when it does. If this request was to change \
             something, look whether it did before you repeat it; with an Idempotency-Key it can be repeated safely",
        )
    }

    /// The database was lost while it made durable what the request had changed.
    pub fn outcome_unknown() -> Self {
        let mut error = Self::away(
            "the connection to the database was lost during the commit, and whether it took place is not known: look before \
             you repeat the request; with an Idempotency-Key it can be repeated safely",
        );
        error.0.problem = error.0.problem.with("outcome", "unknown");
        error
    }

    fn away(detail: &str) -> Self {
        let problem = Problem::unavailable(detail).with("code", "database_unreachable");
        Self::from(problem).with_header(RETRY_AFTER, BACK_AFTER_SECONDS.into())
    }

    /// Adds a header to the response.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.insert(name, value);
        self
    }

    /// What the caller will read.
    #[must_use]
    pub fn problem(&self) -> &Problem {
        &self.0.problem
    }
}

impl From<Problem> for ApiError {
    fn from(problem: Problem) -> Self {
        Self(Box::new(Parts {
            problem,
            headers: HeaderMap::new(),
        }))
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.problem.fmt(f)
    }
}

impl Error for ApiError {}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let Parts { problem, headers } = *self.0;
        let mut response = render(&problem);
        response.headers_mut().extend(headers);
        // Kept beside the body, so that the outermost layer can add the request's id.
        response.extensions_mut().insert(problem);
        response
    }
}

/// Writes the request's id and path into a problem response; leaves every other response alone.
pub(super) fn stamp(mut response: Response, request_id: &str, path: &str) -> Response {
    let Some(mut problem) = response.extensions_mut().remove::<Problem>() else {
        return response;
    };
    problem
        .request_id
        .get_or_insert_with(|| request_id.to_owned());
    problem.instance.get_or_insert_with(|| path.to_owned());
    *response.body_mut() = render(&problem).into_body();
    response.headers_mut().remove(CONTENT_LENGTH);
    response
}

fn render(problem: &Problem) -> Response {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = serde_json::to_vec(problem).expect("invariant: a problem has string keys only");
    let content_type = HeaderValue::from_static(orch_api::problem::CONTENT_TYPE);
    (status, [(CONTENT_TYPE, content_type)], body).into_response()
}

/// An error and its causes on one line.
struct Causes<'a>(&'a dyn Error);

impl fmt::Display for Causes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}
