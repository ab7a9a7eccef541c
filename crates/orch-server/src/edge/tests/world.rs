//! A small server behind the edge, and one way to ask it.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::handler::HandlerWithoutStateExt as _;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tower::ServiceExt as _;
use utoipa_axum::routes;

use super::super::{
    Access, AllowedHosts, Area, Caller, EdgeConfig, JsonBody, MonotonicClock, OptionalJson, Path,
    Query, RequestId, TraceContext, Upgrade, apply, query_bool,
};

/// A clock that stands until it is moved.
#[derive(Debug, Default)]
pub struct StoppedClock(Mutex<Duration>);

impl StoppedClock {
    pub fn advance(&self, by: Duration) {
        *self.0.lock().unwrap() += by;
    }
}

impl MonotonicClock for StoppedClock {
    fn now(&self) -> Duration {
        *self.0.lock().unwrap()
    }
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Note {
    #[serde(default)]
    reason: String,
}

#[derive(Debug, Deserialize)]
struct Flags {
    #[serde(default, deserialize_with = "query_bool")]
    success: bool,
}

#[utoipa::path(get, path = "/projects", responses((status = 200)))]
async fn list(caller: Caller) -> String {
    caller.name
}

#[utoipa::path(post, path = "/projects", responses((status = 201)))]
async fn create(JsonBody(note): JsonBody<Note>) -> (StatusCode, axum::Json<Note>) {
    (StatusCode::CREATED, axum::Json(note))
}

async fn count(body: axum::body::Bytes) -> String {
    body.len().to_string()
}

fn panic_with(text: &str) {
    panic!("{text}");
}

/// The routes that the tests ask.
pub fn area() -> Area {
    let get = Method::GET;
    let post = Method::POST;
    Area::new()
        .route(Access::User, routes!(list, create))
        .plain(
            Access::Public,
            get.clone(),
            "/health",
            |caller: Caller| async { caller.name },
        )
        .plain(
            Access::Agent,
            get.clone(),
            "/items/{id}",
            |Path(id): Path<i64>| async move { id.to_string() },
        )
        .plain(
            Access::Agent,
            post.clone(),
            "/items/{id}/approvals",
            |OptionalJson(note): OptionalJson<Note>| async { note.reason },
        )
        .plain(
            Access::Agent,
            post.clone(),
            "/complete",
            |Query(flags): Query<Flags>| async move { flags.success.to_string() },
        )
        .plain(
            Access::Agent.body_up_to(3 * 1024 * 1024),
            post.clone(),
            "/artifacts",
            count,
        )
        .plain(Access::User, get.clone(), "/panic", || async {
            panic_with("the inside");
        })
        .plain(
            Access::User,
            get.clone(),
            "/never",
            std::future::pending::<()>,
        )
        .plain(Access::User.untimed(), get.clone(), "/slow", || {
            tokio::time::sleep(Duration::from_secs(120))
        })
        .plain(
            Access::User,
            get.clone(),
            "/who",
            |id: RequestId, trace: TraceContext| async move {
                format!("{} {}", id.as_str(), trace.trace_id)
            },
        )
        .plain(Access::User, get.clone(), "/page", || async {
            ([("content-security-policy", "default-src 'self'")], "page")
        })
        .plain(Access::User, get, "/ws", |Upgrade(socket): Upgrade| async {
            socket.on_upgrade(|_| async {})
        })
        .service(
            Access::Agent.grpc(),
            "/orch.v1.Agent/{*call}",
            count.into_service(),
        )
}

pub fn config() -> EdgeConfig {
    EdgeConfig::new(AllowedHosts::new("127.0.0.1", "orch.example").unwrap())
}

/// A config with a rate limit and its clock.
pub fn limited(per_minute: u32) -> (EdgeConfig, Arc<StoppedClock>) {
    let clock = Arc::new(StoppedClock::default());
    let config = EdgeConfig {
        rate_per_minute: NonZeroU32::new(per_minute),
        clock: clock.clone(),
        ..config()
    };
    (config, clock)
}

/// A request with the headers given as `name: value`; `host: localhost` is added where none is.
pub fn ask(method: &str, path: &str, headers: &[&str], body: impl Into<Body>) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path);
    for header in headers {
        let (name, value) = header.split_once(": ").unwrap();
        request = request.header(name, value);
    }
    if !headers.iter().any(|header| header.starts_with("host: ")) {
        request = request.header("host", "localhost:18080");
    }
    request.body(body.into()).unwrap()
}

pub fn from_peer(mut request: Request<Body>, peer: &str) -> Request<Body> {
    let peer: SocketAddr = peer.parse().unwrap();
    request.extensions_mut().insert(ConnectInfo(peer));
    request
}

/// An answer, read whole.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// The problem as JSON, once its id is known to be there and taken out.
    pub fn problem(&self) -> Value {
        assert_eq!(self.header("content-type"), "application/problem+json");
        let mut problem: Value = serde_json::from_str(&self.text).unwrap();
        let id = problem
            .as_object_mut()
            .unwrap()
            .remove("request_id")
            .unwrap();
        assert_eq!(id, self.header("x-request-id"));
        assert_eq!(problem["status"], self.status);
        problem
    }

    /// Status and the last segment of the problem's type.
    pub fn refusal(&self) -> (u16, String) {
        let problem = self.problem();
        let slug = problem["type"].as_str().unwrap().replace("/problems/", "");
        (self.status, slug)
    }
}

pub async fn send(server: &Router, request: Request<Body>) -> Answer {
    let response = server.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    Answer {
        status: parts.status.as_u16(),
        headers: parts.headers,
        text: String::from_utf8(bytes.to_vec()).unwrap(),
    }
}

/// The answer of a fresh server.
pub async fn answer(config: &EdgeConfig, request: Request<Body>) -> Answer {
    send(&apply(area(), config), request).await
}
