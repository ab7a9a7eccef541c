//! The outermost layer: every request has an id, a trace and a span, and every answer says so.
//!
//! Logs method, path, status and duration. Never the query, a header or a body: they carry secrets.

use std::time::Instant;

use axum::extract::{FromRequestParts, Request};
use axum::middleware::Next;
use axum::response::Response;
use http::request::Parts;
use http::{HeaderName, HeaderValue, StatusCode};
use tracing::Instrument as _;

use super::trace_context::TRACEPARENT;
use super::{ApiError, TraceContext, error};

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const LONGEST_ID: usize = 128;
const LONGEST_PATH: usize = 512;

/// The id of a request: the caller's, or one made here; an extractor of handlers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(String);

impl RequestId {
    /// 1 to 128 visible ASCII characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Takes the caller's id where it is 1 to 128 visible ASCII characters.
    fn accept(value: &HeaderValue) -> Option<Self> {
        let text = value.to_str().ok()?;
        let fits = (1..=LONGEST_ID).contains(&text.len());
        (fits && text.bytes().all(|byte| byte.is_ascii_graphic())).then(|| Self(text.to_owned()))
    }

    /// A UUID of version 4 out of random bytes.
    fn generate(random: [u8; 16]) -> Self {
        let bits = u128::from_be_bytes(random);
        let version = bits & !(0xf << 76) | (4 << 76);
        let uuid = version & !(0b11 << 62) | (0b10 << 62);
        let hex = format!("{uuid:032x}");
        Self(format!(
            "{}-{}-{}-{}-{}",
            &hex[..8],
            &hex[8..12],
            &hex[12..16],
            &hex[16..20],
            &hex[20..]
        ))
    }
}

impl<S: Sync> FromRequestParts<S> for RequestId {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        match parts.extensions.get::<Self>() {
            Some(id) => Ok(id.clone()),
            None => {
                tracing::error!("a handler asks for its request id outside of the edge");
                Err(ApiError::unexplained())
            }
        }
    }
}

/// Identifies the request, logs its outcome, and writes its id into the answer.
pub(super) async fn identify(mut request: Request, next: Next) -> Response {
    let (for_id, for_trace) = random();
    let id = request
        .headers()
        .get(X_REQUEST_ID)
        .and_then(RequestId::accept)
        .unwrap_or_else(|| RequestId::generate(for_id));
    let trace = TraceContext::from_headers(request.headers(), for_trace);
    let path: String = request.uri().path().chars().take(LONGEST_PATH).collect();
    let span = tracing::info_span!(
        "request",
        request.id = id.as_str(),
        trace.id = trace.trace_id,
        http.method = %request.method(),
        url.path = path,
    );
    request.extensions_mut().insert(id.clone());
    request.extensions_mut().insert(trace.clone());

    let started = Instant::now();
    let response = next.run(request).instrument(span.clone()).await;
    span.in_scope(|| log(response.status(), started));

    let mut response = error::stamp(response, id.as_str(), &path);
    let headers = response.headers_mut();
    for (name, value) in [(X_REQUEST_ID, id.0), (TRACEPARENT, trace.to_string())] {
        let value = HeaderValue::try_from(value)
            .expect("invariant: request ids and traces are visible ASCII");
        headers.insert(name, value);
    }
    response
}

fn log(status: StatusCode, started: Instant) {
    let latency_ms = started.elapsed().as_secs_f64() * 1000.0;
    let code = status.as_u16();
    if status.is_server_error() {
        tracing::warn!(http.status = code, latency_ms, "answered with a failure");
    } else if status.is_client_error() {
        tracing::info!(http.status = code, latency_ms, "refused");
    } else {
        tracing::debug!(http.status = code, latency_ms, "answered");
    }
}

fn random() -> ([u8; 16], [u8; 24]) {
    let mut both = [0; 40];
    getrandom::fill(&mut both).expect("invariant: the operating system gives random bytes");
    let (mut id, mut trace) = ([0; 16], [0; 24]);
    id.copy_from_slice(&both[..16]);
    trace.copy_from_slice(&both[16..]);
    (id, trace)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(text: &str) -> bool {
        RequestId::accept(&HeaderValue::from_bytes(text.as_bytes()).unwrap()).is_some()
    }

    #[test]
    fn a_callers_id_is_kept_when_it_is_short_and_visible() {
        assert!(accepted("a"));
        assert!(accepted(&"x".repeat(128)));
        for refused in ["", "two words", "tab\there", "naïve", &"x".repeat(129)] {
            assert!(!accepted(refused), "{refused}");
        }
    }

    #[test]
    fn a_generated_id_is_a_version_4_uuid() {
        let uuid = |byte| RequestId::generate([byte; 16]).0;
        assert_eq!(uuid(0x00), "00000000-0000-4000-8000-000000000000");
        assert_eq!(uuid(0xff), "ffffffff-ffff-4fff-bfff-ffffffffffff");
    }
}
