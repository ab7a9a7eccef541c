//! `POST /work-items/{id}/dry-run`: what would run, and with what rights.

use axum::Json;
use axum::extract::State;
use orch_api::problem::Problem;
use orch_api::types::dry_run::DryRun;
use orch_core::ids::WorkItemId;
use utoipa_axum::routes;

use crate::app::{App, dry_run};
use crate::edge::{Access, ApiError, Area, Path};

pub fn area() -> Area<App> {
    Area::new().route(Access::User, routes!(show))
}

/// Show what a run of a work item would do; starts nothing
#[utoipa::path(post, path = "/work-items/{id}/dry-run", tag = "work items", params(("id" = i64, Path)), responses(
    (status = 200, body = DryRun), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn show(State(app): State<App>, Path(id): Path<i64>) -> Result<Json<DryRun>, ApiError> {
    Ok(Json(dry_run::of_item(&app, WorkItemId(id)).await?))
}
