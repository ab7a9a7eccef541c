//! The steps and summaries of runs.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use orch_api::problem::Problem;
use orch_api::types::run::{NewStep, NewSummary, Step, Summary, UpdateStep};
use orch_core::ids::{RunId, StepId};
use orch_store::StepReport;
use utoipa_axum::routes;

use super::super::paging::{Listing, PageQuery};
use super::super::view;
use super::{EpochQuery, agreed};
use crate::app::{App, checks, step, summary};
use crate::edge::{Access, ApiError, Area, Caller, JsonBody, Path, Query};

type Answer<T> = Result<Json<T>, ApiError>;

pub fn area() -> Area<App> {
    Area::new()
        .route(Access::Agent, routes!(add, list))
        .route(Access::Agent, routes!(update))
        .route(Access::Agent, routes!(add_summary, list_summaries))
        .route(
            Access::Agent,
            routes!(add_summary_singular, list_summaries_singular),
        )
}

/// Report a step
///
/// A number that the run has already reports on that step again.
#[utoipa::path(post, path = "/work-items/runs/{id}/steps", tag = "runs", params(("id" = i64, Path), EpochQuery), request_body = NewStep, responses(
    (status = 200, body = Step), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn add(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<i64>,
    Query(query): Query<EpochQuery>,
    JsonBody(new): JsonBody<NewStep>,
) -> Answer<Step> {
    let report = StepReport {
        number: new.number,
        name: Some(new.name),
        command: checks::optional_text("command", new.command.as_deref(), 64 * 1024)?,
        status: new.status,
        exit_code: new.exit_code,
        detail: new.detail,
        epoch: agreed("epoch", query.epoch, new.epoch)?,
    };
    Ok(Json(view::step(
        step::report(&app, &caller.name, RunId(id), report).await?,
    )))
}

/// List the steps of a run
#[utoipa::path(get, path = "/work-items/runs/{id}/steps", tag = "runs", params(("id" = i64, Path), PageQuery), responses(
    (status = 200, body = Vec<Step>), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn list(
    State(app): State<App>,
    Path(id): Path<i64>,
    listing: Listing,
) -> Result<Response, ApiError> {
    let steps = step::of_run(&app, RunId(id)).await?;
    Ok(listing.answer_part(steps.into_iter().map(view::step), |row| row.id))
}

/// Change a step
#[utoipa::path(patch, path = "/work-items/runs/steps/{id}", tag = "runs", params(("id" = i64, Path), EpochQuery), request_body = UpdateStep, responses(
    (status = 200, body = Step), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn update(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<i64>,
    Query(query): Query<EpochQuery>,
    JsonBody(change): JsonBody<UpdateStep>,
) -> Answer<Step> {
    let report = StepReport {
        name: change.name,
        status: change.status,
        exit_code: change.exit_code,
        detail: change.detail,
        epoch: agreed("epoch", query.epoch, change.epoch)?,
        ..StepReport::default()
    };
    Ok(Json(view::step(
        step::update(&app, &caller.name, StepId(id), report).await?,
    )))
}

/// Add a summary
///
/// What its `usage` counts is charged to the run, on top of what was told before; `model` says at whose price.
#[utoipa::path(post, path = "/work-items/runs/{id}/summaries", tag = "runs", params(("id" = i64, Path), EpochQuery), request_body = NewSummary, responses(
    (status = 200, body = Summary), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn add_summary(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<i64>,
    Query(query): Query<EpochQuery>,
    JsonBody(new): JsonBody<NewSummary>,
) -> Answer<Summary> {
    let epoch = agreed("epoch", query.epoch, new.epoch)?;
    let stored = summary::add(
        &app,
        &caller.name,
        (RunId(id), epoch),
        &new.content,
        new.usage,
        summary::Counts::New {
            model: new.model.as_deref(),
        },
    )
    .await?;
    Ok(Json(view::summary(stored)))
}

/// List the summaries of a run
#[utoipa::path(get, path = "/work-items/runs/{id}/summaries", tag = "runs", params(("id" = i64, Path), PageQuery), responses(
    (status = 200, body = Vec<Summary>), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn list_summaries(
    State(app): State<App>,
    Path(id): Path<i64>,
    listing: Listing,
) -> Result<Response, ApiError> {
    let summaries = summary::of_run(&app, RunId(id)).await?;
    Ok(listing.answer_part(summaries.into_iter().map(view::summary), |row| row.id))
}

/// Add a summary (the singular path)
#[utoipa::path(post, path = "/work-items/runs/{id}/summary", tag = "runs", params(("id" = i64, Path), EpochQuery), request_body = NewSummary, responses(
    (status = 200, body = Summary), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn add_summary_singular(
    app: State<App>,
    caller: Caller,
    id: Path<i64>,
    query: Query<EpochQuery>,
    new: JsonBody<NewSummary>,
) -> Answer<Summary> {
    add_summary(app, caller, id, query, new).await
}

/// List the summaries of a run (the singular path)
#[utoipa::path(get, path = "/work-items/runs/{id}/summary", tag = "runs", params(("id" = i64, Path), PageQuery), responses(
    (status = 200, body = Vec<Summary>), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn list_summaries_singular(
    app: State<App>,
    id: Path<i64>,
    listing: Listing,
) -> Result<Response, ApiError> {
    list_summaries(app, id, listing).await
}
