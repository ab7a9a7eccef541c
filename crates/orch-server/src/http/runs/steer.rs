//! Saying something to a run while it works.

use axum::Json;
use axum::extract::State;
use orch_api::problem::Problem;
use orch_api::types::run::Run;
use orch_api::types::steer::Steer;
use orch_core::ids::RunId;
use utoipa_axum::routes;

use super::super::view;
use crate::app::{App, steer as said};
use crate::edge::{Access, ApiError, Area, Caller, JsonBody, Path};

pub fn area() -> Area<App> {
    Area::new().route(Access::User, routes!(steer))
}

/// Say something to a run while it works
///
/// Only where a coding agent that can be talked to carries it out: `cannot_be_steered` otherwise. The
/// run's log shows it when it has been heard.
#[utoipa::path(post, path = "/work-items/runs/{id}/steer", tag = "runs", params(("id" = i64, Path)), request_body = Steer, responses(
    (status = 200, body = Run), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn steer(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<i64>,
    JsonBody(body): JsonBody<Steer>,
) -> Result<Json<Run>, ApiError> {
    let run = said::steer(&app, &caller.name, RunId(id), &body.text).await?;
    Ok(Json(view::run(&run)))
}
