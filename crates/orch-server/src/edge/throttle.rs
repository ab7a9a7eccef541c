//! The rate limit applied to requests: who is counted, and what the client is told.
//!
//! A client is its peer address (IPv6: its /64 network). Forwarding headers are not believed.
//! Calls of gRPC routes are not counted, nor what the server asks itself. Public routes, health among them, are counted by each
//! server alone: they answer without a database.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderName, HeaderValue};
use orch_core::time::whole_seconds;
use orch_store::{Away, shared};

use super::area::{Access, Protocol, Statement};
use super::stack::Edge;
use super::{ApiError, Problem, Verdict};

const WINDOW_SECONDS: i64 = 60;
const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");

/// The client as the rate limit knows it; none where the transport has no address.
pub(super) type ClientKey = Option<IpAddr>;

/// Counts the request, or answers 429.
pub(super) async fn check(State(edge): State<Arc<Edge>>, request: Request, next: Next) -> Response {
    let is_counted = !is_grpc(&request) && !is_own(&edge, &request);
    let Some(limiter) = edge.limiter.as_ref().filter(|_| is_counted) else {
        return next.run(request).await;
    };
    let who = client(&request);
    let verdict = match limiter.check(&who, edge.config.clock.now()) {
        accepted @ Verdict::Accepted { .. } if is_public(&request) => accepted,
        Verdict::Accepted { remaining } => {
            match over_all_servers(&edge, who, limiter.limit(), remaining).await {
                Ok(verdict) => verdict,
                // The request would find out itself, and its client would have waited twice.
                Err(Away) => return ApiError::database_away().into_response(),
            }
        }
        refused @ Verdict::Refused { .. } => refused,
    };
    let (mut response, remaining) = match verdict {
        Verdict::Accepted { remaining } => (next.run(request).await, remaining),
        Verdict::Refused { retry_after } => {
            let whole = whole_seconds(retry_after);
            let limit = limiter.limit();
            let problem = Problem::too_many(format!(
                "this client has used its {limit} requests per minute; try again in {whole} s"
            ))
            .with("limit", limit)
            .with("retry_after_seconds", whole);
            let refusal = ApiError::from(problem).with_header(RETRY_AFTER, whole.into());
            (refusal.into_response(), 0)
        }
    };
    let headers = response.headers_mut();
    headers.insert(LIMIT, HeaderValue::from(limiter.limit()));
    headers.insert(REMAINING, HeaderValue::from(remaining));
    response
}

/// What this server accepts may have been used up at another one.
async fn over_all_servers(
    edge: &Edge,
    who: ClientKey,
    limit: u32,
    remaining: u32,
) -> Result<Verdict, Away> {
    let accepted = Verdict::Accepted { remaining };
    let Some(store) = &edge.config.store else {
        return Ok(accepted);
    };
    let who = who.map(|address| address.to_string()).unwrap_or_default();
    Ok(
        match shared::count_request(store, &who, WINDOW_SECONDS, limit.into()).await {
            Ok(Some(counted)) if counted.accepted == 0 => {
                let now = store.now().as_micros() / 1_000_000;
                let wait = (counted.oldest + WINDOW_SECONDS - now).clamp(1, WINDOW_SECONDS);
                Verdict::Refused {
                    retry_after: Duration::from_secs(wait.unsigned_abs()),
                }
            }
            Ok(Some(counted)) => Verdict::Accepted {
                remaining: remaining
                    .min(limit.saturating_sub(u32::try_from(counted.used).unwrap_or(limit))),
            },
            Ok(None) => accepted,
            Err(error) if error.is_away() => {
                tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    "a request could not be counted"
                );
                return Err(Away);
            }
            Err(error) => {
                // The limit protects the server; what else is wrong is the request's to find out.
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "requests are counted here alone"
                );
                accepted
            }
        },
    )
}

fn client(request: &Request) -> ClientKey {
    let ConnectInfo(peer) = request.extensions().get::<ConnectInfo<SocketAddr>>()?;
    Some(match peer.ip().to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => {
            let network = u128::from(address) >> 64 << 64;
            IpAddr::V6(network.into())
        }
    })
}

pub(super) fn is_public(request: &Request) -> bool {
    let route = request.extensions().get::<Statement>();
    route.is_some_and(|statement| statement.access == Access::Public)
}

/// Whether this server asks itself for somebody whose request was counted already.
fn is_own(edge: &Edge, request: &Request) -> bool {
    let given = request.headers().get(orch_api::client::INSIDE);
    given
        .zip(edge.config.inside.as_ref())
        .is_some_and(|(given, inside)| inside.matches(given.as_bytes()))
}

/// Both the route and the request must say so: a content type alone would be a way past the limit.
pub(super) fn is_grpc(request: &Request) -> bool {
    let route = request.extensions().get::<Statement>();
    let content_type = request.headers().get(CONTENT_TYPE);
    route.is_some_and(|statement| statement.protocol == Protocol::Grpc)
        && content_type.is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"))
}
