//! `/mcp`: the Model Context Protocol over HTTP.
//!
//! Each request's tools call this server's own API with the token that came with it, over loopback and
//! through the whole edge: what a caller may not do there it may not do here, and nothing decides twice.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::header::{AUTHORIZATION, RETRY_AFTER};
use http::{HeaderMap, HeaderValue};
use http_body_util::BodyExt as _;
use orch_api::client::Client;
use orch_api::problem::Problem;
use orch_mcp::{MOST_ARGUMENT_BYTES, Visitor, Who};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tower::service_fn;

use crate::app::App;
use crate::edge::{Access, ApiError, Area, RunBearer, bearer};
use crate::vault::is_run_token;

/// Requests that are worked on at once; a call that waits for a person is one.
const MOST_AT_ONCE: usize = 128;
const AGAIN_AFTER_SECONDS: u16 = 2;
/// A request's frame beside its arguments.
const FRAME_BYTES: usize = 64 * 1024;

/// The route; `own` is a client of this very server.
pub fn area(own: Client, stop: &CancellationToken) -> Area<App> {
    let inner = orch_mcp::http_service(stop.child_token());
    let places = Arc::new(Semaphore::new(MOST_AT_ONCE));
    let service = service_fn(move |mut request: Request| {
        let (inner, own, places) = (inner.clone(), own.clone(), Arc::clone(&places));
        async move {
            let Ok(place) = places.try_acquire_owned() else {
                return Ok::<Response, Infallible>(busy().into_response());
            };
            let visitor = match visitor(own, &request) {
                Ok(visitor) => visitor,
                Err(error) => return Ok(error.into_response()),
            };
            request.extensions_mut().insert(visitor);
            let answer = inner.handle(request).await;
            // The place is given back when the last of the answer is sent, or nobody reads it any more.
            Ok(answer.map(|body| {
                Body::new(body.map_frame(move |frame| {
                    let _held = &place;
                    frame
                }))
            }))
        }
    });
    let limit = (MOST_ARGUMENT_BYTES + FRAME_BYTES) as u64;
    let statement = Access::User.or_any_run().untimed().body_up_to(limit);
    Area::new().service(statement, "/mcp", service)
}

fn busy() -> ApiError {
    let detail = format!(
        "{MOST_AT_ONCE} requests of the protocol are worked on, which is all that are at once; try again in {AGAIN_AFTER_SECONDS} s"
    );
    ApiError::from(Problem::unavailable(detail).with("code", "busy"))
        .with_header(RETRY_AFTER, AGAIN_AFTER_SECONDS.into())
}

fn visitor(own: Client, request: &Request) -> Result<Visitor, ApiError> {
    let (token, who) = match request.extensions().get::<RunBearer>() {
        Some(bearer) => {
            let who = Who::Run {
                run: Some(bearer.run),
                work_item: Some(bearer.work_item),
            };
            (presented(request.headers(), is_run_token), who)
        }
        None => (presented(request.headers(), |_| true), Who::User),
    };
    match own.with_token(token) {
        Ok(client) => Ok(Visitor { client, who }),
        Err(_) => {
            Err(Problem::bad_request("the token holds characters that no header carries").into())
        }
    }
}

/// The token that came with a request that was let in.
fn presented(headers: &HeaderMap, is_meant: impl Fn(&[u8]) -> bool) -> Option<&str> {
    let bearers = headers
        .get_all(AUTHORIZATION)
        .iter()
        .filter_map(|value: &HeaderValue| bearer(value.as_bytes()));
    let meant = bearers.into_iter().find(|bearer| is_meant(bearer))?;
    std::str::from_utf8(meant).ok()
}
