//! The short paths that the requirement documents name: `/tasks/{id}/run`, `/runs/{id}/approve`,
//! `/logs`.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::Uri;
use orch_api::problem::Problem;
use orch_api::types::approval::{Approval, DecideRun};
use orch_api::types::log::FoundLine;
use orch_api::types::run::Run;
use orch_core::approval::Verdict;
use orch_core::ids::{ProjectId, RunId};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::routes;

use super::{paging, view, work_items};
use crate::app::{App, AppError, approval, log, project};
use crate::edge::{Access, ApiError, Area, Caller, OptionalJson, Path, Query, TraceContext};

type Answer<T> = Result<Json<T>, ApiError>;

pub fn area() -> Area<App> {
    Area::new()
        .route(Access::User, routes!(run_task))
        .route(Access::User, routes!(show_run))
        .route(Access::User, routes!(decide))
        .route(Access::User.untimed(), routes!(search))
}

/// Start a work item now
#[utoipa::path(post, path = "/tasks/{id}/run", tag = "work items", params(("id" = i64, Path)), responses(
    (status = 200, body = Run), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn run_task(
    app: State<App>,
    caller: Caller,
    trace: TraceContext,
    id: Path<i64>,
) -> Answer<Run> {
    work_items::start(app, caller, trace, id).await
}

/// Show a run
#[utoipa::path(get, path = "/runs/{id}", tag = "runs", params(("id" = i64, Path)), responses(
    (status = 200, body = Run), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn show_run(State(app): State<App>, Path(id): Path<i64>) -> Answer<Run> {
    Ok(Json(super::runs::whole(&app, RunId(id)).await?))
}

/// Decide the one pending approval of a run
#[utoipa::path(post, path = "/runs/{id}/approve", tag = "runs", params(("id" = i64, Path)), request_body = Option<DecideRun>, responses(
    (status = 200, body = Approval), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn decide(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<i64>,
    OptionalJson(body): OptionalJson<DecideRun>,
) -> Answer<Approval> {
    let verdict = if body.approve.unwrap_or(true) {
        Verdict::Approve
    } else {
        Verdict::Deny
    };
    let decided = approval::decide_for_run(
        &app,
        &caller.name,
        RunId(id),
        verdict,
        body.reason.as_deref(),
    )
    .await?;
    Ok(Json(view::approval(&decided)))
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct SearchQuery {
    /// The project; all when absent.
    project: Option<i64>,
    /// What the lines contain, in any case.
    q: Option<String>,
    /// The most lines; 1 to 1,000, default 100.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// Where the answer before stopped; taken from its `Link` header.
    cursor: Option<String>,
}

/// Search the logs of the newest 1,000 runs, newest first
///
/// It looks for 2 seconds at most. Where it stopped before the end, a `Link` header names what is next.
#[utoipa::path(get, path = "/logs", tag = "runs", params(SearchQuery), responses(
    (status = 200, body = Vec<FoundLine>), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn search(
    State(app): State<App>,
    uri: Uri,
    Query(query): Query<SearchQuery>,
) -> Result<Response, ApiError> {
    let limit = query.limit.unwrap_or(100);
    if !(1..=1000).contains(&limit) {
        return Err(AppError::wrong("limit", limit, "1 to 1000").into());
    }
    let Some(needle) = query.q.filter(|q| !q.is_empty()) else {
        return Err(AppError::invalid("q", "is required: what the lines contain").into());
    };
    let project_id = query.project.map(ProjectId);
    if let Some(id) = project_id {
        project::show(&app, id).await?;
    }
    let from = query.cursor.as_deref().map(place).transpose()?;
    let (found, next) = log::search(&app, project_id, &needle, limit, from).await?;
    let lines = found.into_iter().map(|(run, numbered)| FoundLine {
        run_id: run.id.get(),
        work_item_id: run.work_item_id.get(),
        entry: view::log_entry(numbered),
    });
    let mut response = Json(lines.collect::<Vec<_>>()).into_response();
    if let Some(place) = next {
        let cursor = format!("{}.{}", place.run.get(), place.line);
        paging::link_next(&mut response, &uri, &cursor);
    }
    Ok(response)
}

/// A cursor as [`search`] writes it: run and line.
fn place(cursor: &str) -> Result<log::Place, AppError> {
    let parts = cursor.split_once('.');
    let parsed = parts.and_then(|(run, line)| {
        Some(log::Place {
            run: RunId(run.parse().ok()?),
            line: line.parse().ok()?,
        })
    });
    parsed.ok_or_else(|| AppError::invalid("cursor", "is none that a `Link` header named"))
}
