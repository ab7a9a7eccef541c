//! Adding to and paging through a run's log.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::HeaderName;
use http::header::CONTENT_TYPE;
use orch_api::problem::Problem;
use orch_api::types::log::{AppendLog, LogAppended, LogEntry, LogPage};
use orch_core::ids::RunId;
use orch_store::log::{Count, Side, Wanted};
use orch_store::segment::{LogLine, Stream};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::routes;

use super::super::view;
use super::flow::{self, Beside};
use super::{EpochQuery, agreed};
use crate::app::follow::{Follower, Render, Until};
use crate::app::{App, AppError, log as app_log, run, secret};
use crate::edge::{Access, ApiError, Area, Caller, JsonBody, Path, Proof, Query};

pub fn area() -> Area<App> {
    Area::new().route(Access::Agent.untimed().or_its_run(), routes!(append, read))
}

/// Lines of a page when no limit is given.
const DEFAULT_LIMIT: usize = 1000;
/// The most lines of a page.
const MOST_LINES: usize = 10_000;
/// Longer lines are split into partial ones of at most so many bytes.
const LONGEST_LINE: usize = 64 * 1024;

/// Add lines to a run's log
#[utoipa::path(post, path = "/work-items/runs/{id}/logs", tag = "runs", params(("id" = i64, Path), EpochQuery), request_body = AppendLog, responses(
    (status = 200, body = LogAppended), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn append(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<i64>,
    Query(query): Query<EpochQuery>,
    JsonBody(body): JsonBody<AppendLog>,
) -> Result<Json<LogAppended>, ApiError> {
    let stream = match body.stream.as_deref() {
        None | Some("stdout") => Stream::Stdout,
        Some("stderr") => Stream::Stderr,
        Some("event") => Stream::Event,
        Some("system") => Stream::System,
        Some(other) => {
            let expected = "stdout, stderr, event or system";
            return Err(AppError::wrong("stream", format!("`{other}`"), expected).into());
        }
    };
    // What the agent and the server say of a run is not the run's to say.
    if caller.proof == Proof::RunToken && matches!(stream, Stream::Event | Stream::System) {
        let message = "a run's token writes to `stdout` and `stderr` alone; leave `stream` out";
        return Err(AppError::forbidden("run_token", message).into());
    }
    let texts: Vec<String> = match (body.line, body.lines) {
        (Some(line), None) => vec![line],
        (None, Some(lines)) => lines,
        (Some(_), Some(_)) => {
            return Err(AppError::invalid("line", "and `lines` exclude each other").into());
        }
        (None, None) => return Err(AppError::invalid("line", "or `lines` is required").into()),
    };
    let texts = match caller.proof {
        Proof::RunToken => {
            let hidden = secret::redactor_of(&app, RunId(id)).await?;
            let text = texts.join("\n");
            let bytes = text.len();
            let hiding = move || hidden.redact(&text).into_owned();
            vec![app.texts().text(bytes, hiding).await]
        }
        Proof::None | Proof::SingleUser | Proof::Token => texts,
    };
    let at_us = app.store().now().as_micros();
    let lines: Vec<LogLine> = texts
        .iter()
        .flat_map(|text| text.strip_suffix('\n').unwrap_or(text).split('\n'))
        .flat_map(|line| split(line, at_us, stream, body.step))
        .collect();
    let epoch = agreed("epoch", query.epoch, body.epoch)?;
    if lines.is_empty() {
        run::show(&app, RunId(id))
            .await?
            .check_logger(epoch, app.store().now())
            .map_err(AppError::from)?;
        return Ok(Json(LogAppended {
            appended: 0,
            first_seq: 0,
        }));
    }
    let appended = lines.len();
    let first_seq = app_log::append(&app, &caller.name, RunId(id), epoch, lines).await?;
    Ok(Json(LogAppended {
        appended,
        first_seq,
    }))
}

/// A line in pieces that can be stored; all but the last are partial.
fn split(line: &str, at_us: i64, stream: Stream, step: Option<u32>) -> Vec<LogLine> {
    let mut pieces = Vec::new();
    let mut rest = line.strip_suffix('\r').unwrap_or(line);
    loop {
        let cut = if rest.len() <= LONGEST_LINE {
            rest.len()
        } else {
            rest.floor_char_boundary(LONGEST_LINE)
        };
        let (piece, after) = rest.split_at(cut);
        pieces.push(LogLine {
            at_us,
            stream,
            step,
            partial: !after.is_empty(),
            message: piece.to_owned(),
        });
        if after.is_empty() {
            return pieces;
        }
        rest = after;
    }
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct LogQuery {
    /// `text` (the default) or `json`.
    format: Option<String>,
    /// Only lines that contain this, in any case.
    q: Option<String>,
    /// The most lines; 1 to 10,000.
    #[param(minimum = 1, maximum = 10000)]
    limit: Option<usize>,
    /// Skips so many (matching) lines.
    #[param(minimum = 0)]
    offset: Option<u64>,
    /// Only lines with this number or a higher one: `next` of the page before. Nothing is counted
    /// beyond the page then.
    #[param(minimum = 0)]
    from: Option<u64>,
    /// The last so many (matching) lines, 1 to 10,000; excludes `limit`.
    #[param(minimum = 1, maximum = 10000)]
    tail: Option<usize>,
    /// Only lines with a lower number: with `tail`, `next` of the page before.
    #[param(minimum = 0)]
    before: Option<u64>,
}

impl LogQuery {
    /// Whether all of the log is asked for, or all from a line on.
    fn is_whole(&self) -> bool {
        self.q.is_none() && self.limit.is_none() && self.tail.is_none() && self.before.is_none()
    }

    fn wanted(&self, default: usize) -> Result<Wanted<'_>, AppError> {
        if self.tail.is_some() && self.limit.is_some() {
            return Err(AppError::invalid("tail", "and `limit` exclude each other"));
        }
        for (name, number) in [("limit", self.limit), ("tail", self.tail)] {
            if let Some(number) = number.filter(|number| !(1..=MOST_LINES).contains(number)) {
                return Err(AppError::wrong(name, number, format!("1 to {MOST_LINES}")));
            }
        }
        let offset = self.offset.unwrap_or(0);
        let limit = self.tail.or(self.limit).unwrap_or(default);
        Ok(Wanted {
            from: self.from.unwrap_or(0),
            before: self.before,
            side: match self.tail {
                Some(_) => Side::Last,
                None => Side::First,
            },
            count: match (self.tail, self.from) {
                (None, None) => Count::All,
                (Some(_), _) | (_, Some(_)) => Count::Page,
            },
            ..Wanted::first(self.q.as_deref(), offset, limit)
        })
    }
}

/// Read a run's log
///
/// As text: all of it, or the lines that `q`, `limit`, `offset`, `from`, `tail` and `before` choose,
/// 10,000 at most. As JSON: a page. A page holds 8 MiB of text at most, and a search looks for 2
/// seconds at most; where there is more, `next` tells where to go on.
#[utoipa::path(get, path = "/work-items/runs/{id}/logs", tag = "runs", params(("id" = i64, Path), LogQuery), responses(
    (status = 200, content((LogPage = "application/json"), (String = "text/plain"))),
    (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn read(
    State(app): State<App>,
    Path(id): Path<i64>,
    Query(query): Query<LogQuery>,
) -> Result<Response, ApiError> {
    let id = RunId(id);
    match query.format.as_deref() {
        Some("json") => {
            let found = app_log::page(&app, id, query.wanted(DEFAULT_LIMIT)?).await?;
            let (next, counted_to) = (found.next, found.counted_to);
            let removed_before = found.removed_before;
            let entries: Vec<LogEntry> = found.lines.into_iter().map(view::log_entry).collect();
            let lines: Vec<String> = entries.iter().map(|entry| entry.message.clone()).collect();
            Ok(Json(LogPage {
                total: found.total,
                returned: lines.len(),
                lines,
                entries,
                next,
                removed_before,
                counted_to,
            })
            .into_response())
        }
        None | Some("text") if query.is_whole() => {
            let from = query.from.unwrap_or(0);
            let from = from.saturating_add(query.offset.unwrap_or(0));
            text(&app, id, from).await
        }
        None | Some("text") => {
            let found = app_log::page(&app, id, query.wanted(MOST_LINES)?).await?;
            let mut text = String::new();
            for numbered in found.lines {
                push_line(&mut text, &numbered.line);
            }
            let mut response = plain(Body::from(text));
            if let Some(next) = found.next {
                response.headers_mut().insert(NEXT_LINE, next.into());
            }
            Ok(response)
        }
        Some(other) => Err(AppError::wrong("format", format!("`{other}`"), "text or json").into()),
    }
}

/// `next` of a page that is text.
const NEXT_LINE: HeaderName = HeaderName::from_static("x-next-line");

/// The whole log, streamed piece by piece.
async fn text(app: &App, id: RunId, from: u64) -> Result<Response, ApiError> {
    let follower = Follower::start(app, id, from, Until::Stored, &TEXT).await?;
    Ok(plain(flow::body(follower, Beside::default())))
}

/// A line as text.
static TEXT: Render = Render {
    name: "text",
    line: |numbered, out| {
        out.extend_from_slice(shown(&numbered.line.message).as_bytes());
        if !numbered.line.partial {
            out.push(b'\n');
        }
    },
};

fn plain(body: Body) -> Response {
    ([(CONTENT_TYPE, "text/plain; charset=utf-8")], body).into_response()
}

fn push_line(text: &mut String, line: &LogLine) {
    text.push_str(&shown(&line.message));
    if !line.partial {
        text.push('\n');
    }
}

/// A line as text: colours stay; every other escape sequence, control character and character
/// that turns the direction of writing goes.
pub(super) fn shown(message: &str) -> std::borrow::Cow<'_, str> {
    if !message.chars().any(is_unsafe) {
        return message.into();
    }
    let mut out = String::with_capacity(message.len());
    let mut rest = message.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\u{1b}' => match rest.next() {
                Some('[') => colour(&mut rest, &mut out),
                // An operating system command or another string: up to its terminator.
                Some(']' | 'P' | 'X' | '^' | '_') => {
                    while let Some(c) = rest.next() {
                        if c == '\u{7}' || (c == '\u{1b}' && rest.next_if_eq(&'\\').is_some()) {
                            break;
                        }
                    }
                }
                Some(_) | None => {}
            },
            c if is_unsafe(c) => {}
            c => out.push(c),
        }
    }
    out.into()
}

fn is_unsafe(c: char) -> bool {
    (c.is_control() && c != '\t')
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Reads a control sequence; keeps it when it sets colours.
fn colour(rest: &mut std::iter::Peekable<std::str::Chars<'_>>, out: &mut String) {
    let mut parameters = String::new();
    for c in rest.by_ref() {
        if ('\u{40}'..='\u{7e}').contains(&c) {
            if c == 'm' && parameters.len() <= 64 {
                out.push_str("\u{1b}[");
                out.push_str(&parameters);
                out.push('m');
            }
            return;
        }
        parameters.push(c);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_stay_and_other_escape_sequences_go() {
        assert_eq!(shown("\u{1b}[31mred\u{1b}[0m"), "\u{1b}[31mred\u{1b}[0m");
        assert_eq!(
            shown("a\u{1b}[2Jb\u{1b}]0;title\u{7}c\u{0}\td\r\u{202e}"),
            "abc\td"
        );
    }

    #[test]
    fn a_long_line_is_split_at_characters_and_loses_nothing() {
        let line = "é".repeat(LONGEST_LINE);
        let pieces = split(&line, 0, Stream::Stdout, None);
        assert_eq!(
            pieces
                .iter()
                .map(|p| p.message.as_str())
                .collect::<String>(),
            line
        );
        assert_eq!(
            pieces.iter().map(|p| p.partial).collect::<Vec<_>>(),
            [true, false]
        );
    }
}
