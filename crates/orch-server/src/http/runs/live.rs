//! Following a run's log: WebSocket, and SSE with `Last-Event-ID`.

use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, close_code};
use axum::response::{IntoResponse as _, Response};
use http::HeaderMap;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use orch_api::problem::Problem;
use orch_core::ids::RunId;
use orch_core::run::Run;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::routes;

use super::super::view;
use super::flow::{self, Beside};
use super::logs::shown;
use crate::app::follow::{Follower, Render, Seen, Until};
use crate::app::{App, AppError, checks, run};
use crate::edge::{Access, ApiError, Area, Path, Query, Upgrade};

pub fn area() -> Area<App> {
    Area::new()
        .route(Access::User.untimed(), routes!(stream))
        .route(Access::User.untimed(), routes!(socket))
}

/// A reader that takes nothing for so long is dropped; it can come back where it was.
const SLOW_READER: Duration = Duration::from_secs(60);
/// Readers only listen: a message of theirs is not longer than this.
const HEARD_BYTES: usize = 4096;
/// How often a quiet socket is pinged.
const PING: Duration = Duration::from_secs(20);

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct FollowQuery {
    /// The number of the first line wanted.
    #[param(minimum = 0)]
    from: Option<u64>,
    /// WebSocket: `text` (the default) or `json`. Server-sent events are JSON.
    format: Option<String>,
}

/// Follow a run's log as server-sent events
///
/// `line` events carry a log entry, with its number as id; one `end` event carries the run. A
/// reader that comes back with `Last-Event-ID` misses nothing.
#[utoipa::path(get, path = "/work-items/runs/{id}/logs/stream", tag = "runs", params(("id" = i64, Path), FollowQuery), responses(
    (status = 200, body = String, content_type = "text/event-stream"),
    (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn stream(
    State(app): State<App>,
    Path(id): Path<i64>,
    Query(query): Query<FollowQuery>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    checks::choice("format", query.format.as_deref(), &[("json", ())])?;
    let last = headers
        .get("last-event-id")
        .map(|value| value.to_str().unwrap_or(""));
    let from = match last {
        None | Some("") => query.from.unwrap_or(0),
        Some(last) => {
            let seq: u64 = last.parse().map_err(|_| {
                let shown: String = last.chars().take(40).collect();
                AppError::wrong(
                    "Last-Event-ID",
                    format!("`{shown}`"),
                    "the number of a line",
                )
            })?;
            seq.saturating_add(1)
        }
    };
    let follower = Follower::start(&app, RunId(id), from, Until::Over, &EVENTS).await?;
    let headers = [
        (CONTENT_TYPE, "text/event-stream"),
        (CACHE_CONTROL, "no-cache"),
    ];
    let beside = Beside {
        while_idle: Some(b":\n\n"),
        at_the_end: Some(event_at_the_end),
    };
    Ok((headers, flow::body(follower, beside)).into_response())
}

/// A line as an event.
static EVENTS: Render = Render {
    name: "event",
    line: |numbered, out| {
        let id = numbered.seq;
        out.extend_from_slice(format!("event: line\nid: {id}\ndata: ").as_bytes());
        write_json(out, &view::log_entry(numbered));
        out.extend_from_slice(b"\n\n");
    },
};

fn event_at_the_end(run: &Run) -> Vec<u8> {
    let mut out = b"event: end\ndata: ".to_vec();
    write_json(&mut out, &view::run(run));
    out.extend_from_slice(b"\n\n");
    out
}

fn write_json<T: serde::Serialize>(out: &mut Vec<u8>, value: &T) {
    serde_json::to_writer(out, value).expect("invariant: wire types serialise");
}

/// A line as a message of its own.
static MESSAGES: Render = Render {
    name: "message",
    line: |numbered, out| out.extend_from_slice(shown(&numbered.line.message).as_bytes()),
};

/// A log entry as a message of its own.
static ENTRIES: Render = Render {
    name: "entry",
    line: |numbered, out| write_json(out, &view::log_entry(numbered)),
};

/// Follow a run's log over a WebSocket
///
/// A text message for each line; with `format=json` a log entry. The socket closes with the run.
#[utoipa::path(get, path = "/work-items/runs/{id}/logs/ws", tag = "runs", params(("id" = i64, Path), FollowQuery), responses(
    (status = 101, description = "The socket is open"),
    (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn socket(
    State(app): State<App>,
    Path(id): Path<i64>,
    Query(query): Query<FollowQuery>,
    Upgrade(upgrade): Upgrade,
) -> Result<Response, ApiError> {
    let forms = [("text", &MESSAGES), ("json", &ENTRIES)];
    let render = checks::choice("format", query.format.as_deref(), &forms)?.unwrap_or(&MESSAGES);
    run::show(&app, RunId(id)).await?;
    let from = query.from.unwrap_or(0);
    let upgrade = upgrade
        .read_buffer_size(HEARD_BYTES)
        .write_buffer_size(0)
        .max_message_size(HEARD_BYTES);
    Ok(upgrade.on_upgrade(move |socket| async move {
        let follower = Follower::start(&app, RunId(id), from, Until::Over, render);
        if let Ok(follower) = follower.await {
            follow(socket, follower).await;
        }
    }))
}

async fn follow(mut socket: WebSocket, mut follower: Follower) {
    loop {
        let seen = tokio::select! {
            seen = follower.next() => seen,
            heard = socket.recv() => match heard {
                // Followers only listen; what they say is not looked at.
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => continue,
            },
            () = tokio::time::sleep(PING) => {
                if !send(&mut socket, Message::Ping(Vec::new().into())).await {
                    return;
                }
                continue;
            }
        };
        match seen {
            Ok(Seen::Lines(piece, from)) => {
                for line in piece.lines_from(from) {
                    let text = Utf8Bytes::try_from(line).expect("invariant: lines are text");
                    if !send(&mut socket, Message::Text(text)).await {
                        return;
                    }
                }
            }
            Ok(Seen::End(run)) => {
                let frame = CloseFrame {
                    code: close_code::NORMAL,
                    reason: run.status().into(),
                };
                send(&mut socket, Message::Close(Some(frame))).await;
                return;
            }
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "following a log failed"
                );
                let frame = CloseFrame {
                    code: close_code::ERROR,
                    reason: "the log cannot be read".into(),
                };
                send(&mut socket, Message::Close(Some(frame))).await;
                return;
            }
        }
    }
}

/// Whether the reader took it.
async fn send(socket: &mut WebSocket, message: Message) -> bool {
    matches!(
        tokio::time::timeout(SLOW_READER, socket.send(message)).await,
        Ok(Ok(()))
    )
}
