//! Bounds on request bodies, and the promise that a refused sender still reads its refusal.
//!
//! A body is cut off at its route's limit. What a handler leaves unread is read and thrown away in
//! the background, within bounds: letting go of unread data resets the connection (in HTTP/2 the
//! stream), and the client would lose the response that says why.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::StreamExt as _;
use http::header::{CONNECTION, CONTENT_LENGTH, EXPECT};
use http::{HeaderValue, StatusCode, Version};
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt as _;

use super::area::{BodyLimit, Protocol, Statement};
use super::stack::Edge;
use super::{ApiError, Problem};

/// Most that is read of a body nobody wants.
const LINGER_BYTES: usize = 256 * 1024 * 1024;
/// Longest that is waited for it.
const LINGER_TIME: Duration = Duration::from_secs(10);

/// A body went over its route's limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the body is larger than {limit_bytes} bytes, the most this route accepts")]
pub struct BodyTooLarge {
    pub limit_bytes: u64,
}

impl From<BodyTooLarge> for ApiError {
    fn from(error: BodyTooLarge) -> Self {
        Problem::too_large(error.to_string())
            .with("limit_bytes", error.limit_bytes)
            .into()
    }
}

/// The whole of a body, within its route's bound.
///
/// # Errors
/// When it is larger, or breaks off.
pub async fn read_whole(body: Body) -> Result<Bytes, ApiError> {
    let error = match body.collect().await {
        Ok(body) => return Ok(body.to_bytes()),
        Err(error) => error,
    };
    let mut source: Option<&dyn std::error::Error> = Some(&error);
    while let Some(cause) = source {
        if let Some(too_large) = cause.downcast_ref::<BodyTooLarge>() {
            return Err((*too_large).into());
        }
        source = cause.source();
    }
    Err(Problem::bad_request("the request's body broke off before its end").into())
}

/// Whether somebody waits for the rest of a request's body; an extension of the request.
#[derive(Clone, Debug, Default)]
pub(super) struct Awaited(Arc<AtomicBool>);

impl Awaited {
    /// Whether the sender is what holds the request up.
    pub fn is(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// What becomes of a body that nobody read to its end.
#[derive(Clone, Copy)]
enum Unread {
    /// Read on, so that the response is not lost.
    Linger,
    /// `Expect: 100-continue`: the client sends nothing before the first read.
    LingerOnceBegun,
    /// A call's stream of messages may never end; its protocol expects to be reset.
    Drop,
}

/// Puts the route's bound around the body of the request.
pub(super) async fn bound(State(edge): State<Arc<Edge>>, request: Request, next: Next) -> Response {
    let limit_bytes = limit_bytes(&edge, &request);
    let http1 = request.version() < Version::HTTP_2;
    let statement = request.extensions().get::<Statement>();
    let unread = match statement.unwrap_or(&Statement::STRICTEST).protocol {
        Protocol::Grpc => Unread::Drop,
        Protocol::Http if request.headers().contains_key(EXPECT) => Unread::LingerOnceBegun,
        Protocol::Http => Unread::Linger,
    };
    let awaited = Awaited::default();
    let mut request = request.map(|inner| {
        Body::new(Bounded {
            inner,
            limit_bytes,
            read_bytes: 0,
            unread,
            awaited: awaited.clone(),
        })
    });
    request.extensions_mut().insert(awaited);
    let mut response = next.run(request).await;
    let cut_short = [StatusCode::PAYLOAD_TOO_LARGE, StatusCode::REQUEST_TIMEOUT];
    if http1 && cut_short.contains(&response.status()) {
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(CONNECTION, close);
    }
    response
}

/// Answers at once, unread, a body that is announced as too large.
pub(super) async fn refuse_announced(
    State(edge): State<Arc<Edge>>,
    mut request: Request,
    next: Next,
) -> Response {
    let announced = request
        .headers()
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    match (announced, limit_bytes(&edge, &request)) {
        (Some(length), Some(limit_bytes)) if length > limit_bytes => {
            ApiError::from(BodyTooLarge { limit_bytes }).into_response()
        }
        _ => {
            // This module's bound is the route's own; the framework's would undercut it.
            DefaultBodyLimit::apply(DefaultBodyLimit::disable(), &mut request);
            next.run(request).await
        }
    }
}

/// The bound that the request's route states, in bytes.
fn limit_bytes(edge: &Edge, request: &Request) -> Option<u64> {
    let statement = request.extensions().get::<Statement>();
    match statement.unwrap_or(&Statement::STRICTEST).body {
        BodyLimit::Default => Some(edge.config.body_limit_bytes),
        BodyLimit::Bytes(bytes) => Some(bytes),
        BodyLimit::Unlimited => None,
    }
}

/// A request body that ends in an error at its limit and lingers when dropped unread.
struct Bounded {
    inner: Body,
    limit_bytes: Option<u64>,
    read_bytes: u64,
    unread: Unread,
    awaited: Awaited,
}

impl HttpBody for Bounded {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::BoxError>>> {
        let polled = Pin::new(&mut self.inner).poll_frame(cx);
        self.awaited.0.store(polled.is_pending(), Ordering::Relaxed);
        let frame = match std::task::ready!(polled) {
            None => return Poll::Ready(None),
            Some(Err(error)) => {
                self.unread = Unread::Drop;
                return Poll::Ready(Some(Err(error.into())));
            }
            Some(Ok(frame)) => frame,
        };
        if let (Some(data), Some(limit_bytes)) = (frame.data_ref(), self.limit_bytes) {
            self.read_bytes = self.read_bytes.saturating_add(data.len() as u64);
            if self.read_bytes > limit_bytes {
                return Poll::Ready(Some(Err(BodyTooLarge { limit_bytes }.into())));
            }
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for Bounded {
    fn drop(&mut self) {
        let wanted = match self.unread {
            Unread::Linger => true,
            Unread::LingerOnceBegun => self.read_bytes > 0,
            Unread::Drop => false,
        } && !self.inner.is_end_stream();
        if let (true, Ok(runtime)) = (wanted, tokio::runtime::Handle::try_current()) {
            runtime.spawn(linger(std::mem::take(&mut self.inner)));
        }
    }
}

async fn linger(body: Body) {
    let drain = async {
        let mut data = body.into_data_stream();
        let mut read_bytes = 0;
        while let Some(Ok(chunk)) = data.next().await {
            read_bytes += chunk.len();
            if read_bytes > LINGER_BYTES {
                break;
            }
        }
    };
    // Running out of time and coming to an end are the same here: the body is let go.
    let _ = tokio::time::timeout(LINGER_TIME, drain).await;
}
