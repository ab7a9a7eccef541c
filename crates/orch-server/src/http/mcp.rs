//! `/mcp`: the Model Context Protocol over HTTP.
//!
//! Each request's tools call this server's own API with the token that came with it, over loopback and
//! through the whole edge: what a caller may not do there it may not do here, and nothing decides twice.

use std::convert::Infallible;

use axum::Json;
use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use http_body_util::BodyExt as _;
use orch_api::client::Client;
use orch_api::problem::Problem;
use orch_core::ids::RunId;
use orch_mcp::{Judged, MOST_ARGUMENT_BYTES, Pace, Visitor, Who, judge};
use tokio_util::sync::CancellationToken;
use tower::service_fn;

use super::mcp_places::{Asker, Full, Place, Places};
use crate::app::App;
use crate::edge::{Access, ApiError, Area, RunBearer, bearer, read_whole};
use crate::vault::is_run_token;

const AGAIN_AFTER_SECONDS: u16 = 2;
/// A request's frame beside its arguments.
const FRAME_BYTES: usize = 64 * 1024;

/// The route; `own` is a client of this very server.
pub fn area(own: Client, stop: &CancellationToken) -> Area<App> {
    let inner = orch_mcp::http_service(stop.child_token());
    let places = Places::default();
    let service = service_fn(move |mut request: Request| {
        let (inner, own, places) = (inner.clone(), own.clone(), places.clone());
        async move {
            let visitor = match visitor(own, &request) {
                Ok(visitor) => visitor,
                Err(error) => return Ok::<Response, Infallible>(error.into_response()),
            };
            request.extensions_mut().insert(visitor);
            let (request, place) = match admitted(&places, request).await {
                Ok(admitted) => admitted,
                Err(answer) => return Ok(answer),
            };
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

fn busy(full: Full) -> ApiError {
    let detail = format!("{full}; try again in {AGAIN_AFTER_SECONDS} s");
    ApiError::from(Problem::unavailable(detail).with("code", "busy"))
        .with_header(RETRY_AFTER, AGAIN_AFTER_SECONDS.into())
}

/// A request with its place, where there is one: a call that waits moves to the places of those.
async fn admitted(places: &Places, request: Request) -> Result<(Request, Place), Response> {
    let asker = match request.extensions().get::<RunBearer>() {
        Some(bearer) => Asker::Run(RunId(bearer.run)),
        None => Asker::People,
    };
    let refused = |full| busy(full).into_response();
    let place = places.take(asker, Pace::Short).map_err(refused)?;
    let (request, pace) = judged(request).await?;
    let place = match pace {
        Pace::Short => place,
        Pace::Waits => places.take(asker, Pace::Waits).map_err(refused)?,
    };
    Ok((request, place))
}

/// A request whose body is a message of the protocol, or the answer to what is none.
async fn judged(request: Request) -> Result<(Request, Pace), Response> {
    if request.method() != Method::POST || !says_json(request.headers()) {
        return Ok((request, Pace::Short));
    }
    let (parts, body) = request.into_parts();
    let body = read_whole(body)
        .await
        .map_err(IntoResponse::into_response)?;
    match judge(&body) {
        Judged::Message(pace) => Ok((Request::from_parts(parts, Body::from(body)), pace)),
        Judged::Nothing => Err(StatusCode::ACCEPTED.into_response()),
        Judged::Fault(fault) => Err((StatusCode::BAD_REQUEST, Json(fault)).into_response()),
    }
}

fn says_json(headers: &HeaderMap) -> bool {
    let said = headers
        .get(CONTENT_TYPE)
        .and_then(|said| said.to_str().ok());
    let essence = said.and_then(|said| said.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
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
