//! Following a run's log: WebSocket, and SSE with `Last-Event-ID`.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use http::HeaderMap;
use orch_api::problem::Problem;
use orch_core::ids::RunId;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::routes;

use super::super::view;
use super::logs::shown;
use crate::app::log::{Follower, Seen};
use crate::app::{App, AppError, checks, run};
use crate::edge::{Access, ApiError, Area, Path, Query, Upgrade};

pub fn area() -> Area<App> {
    Area::new()
        .route(Access::User.untimed(), routes!(stream))
        .route(Access::User.untimed(), routes!(socket))
}

/// A reader that takes nothing for so long is dropped; it can come back where it was.
const SLOW_READER: Duration = Duration::from_secs(60);
/// How often a quiet socket is pinged.
const PING: Duration = Duration::from_secs(20);

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
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
                AppError::invalid(
                    "Last-Event-ID",
                    format!(
                        "is `{}`; expected the number of a line",
                        last.chars().take(40).collect::<String>()
                    ),
                )
            })?;
            seq.saturating_add(1)
        }
    };
    let follower = Follower::start(&app, RunId(id), from).await?;
    let events = futures::stream::unfold(Some(follower), |follower| async move {
        let mut follower = follower?;
        let (events, more) = match follower.next().await {
            Ok(Some(Seen::Lines(lines))) => {
                let events = lines.into_iter().map(|numbered| {
                    let id = numbered.seq.to_string();
                    Event::default()
                        .event("line")
                        .id(id)
                        .data(json(&view::log_entry(numbered)))
                });
                (events.collect::<Vec<_>>(), Some(follower))
            }
            Ok(Some(Seen::End(run))) => (
                vec![Event::default().event("end").data(json(&view::run(&run)))],
                None,
            ),
            Ok(None) => return None,
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "following a log failed"
                );
                return None;
            }
        };
        Some((
            futures::stream::iter(events.into_iter().map(Ok::<_, Infallible>)),
            more,
        ))
    });
    let events = futures::StreamExt::flatten(events);
    Ok(Sse::new(events)
        .keep_alive(KeepAlive::new().interval(Duration::from_secs(15)))
        .into_response())
}

fn json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("invariant: wire types serialise")
}

/// How lines go over a WebSocket.
#[derive(Clone, Copy)]
enum Form {
    Text,
    Json,
}

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
    let forms = [("text", Form::Text), ("json", Form::Json)];
    let form = checks::choice("format", query.format.as_deref(), &forms)?.unwrap_or(Form::Text);
    run::show(&app, RunId(id)).await?;
    let from = query.from.unwrap_or(0);
    Ok(upgrade.on_upgrade(move |socket| async move {
        if let Ok(follower) = Follower::start(&app, RunId(id), from).await {
            follow(socket, follower, form).await;
        }
    }))
}

async fn follow(mut socket: WebSocket, mut follower: Follower, form: Form) {
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
            Ok(Some(Seen::Lines(lines))) => {
                for numbered in lines {
                    let text = match form {
                        Form::Text => shown(&numbered.line.message).into_owned(),
                        Form::Json => json(&view::log_entry(numbered)),
                    };
                    if !send(&mut socket, Message::Text(text.into())).await {
                        return;
                    }
                }
            }
            Ok(Some(Seen::End(run))) => {
                let frame = CloseFrame {
                    code: close_code::NORMAL,
                    reason: run.status().into(),
                };
                send(&mut socket, Message::Close(Some(frame))).await;
                return;
            }
            Ok(None) => return,
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
